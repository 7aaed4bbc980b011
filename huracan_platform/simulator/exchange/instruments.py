"""What the venue lists: tick, lot, limits and fees of each symbol, in exact decimals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from huracan_platform.errors import ConfigurationError

_UNIFIED = re.compile(r"^([A-Z0-9]{1,15})/USDT:USDT$")
MOST_PRICE = Decimal(10_000_000)
_NATIVE = re.compile(r"^([A-Z0-9]{1,15})USDT$")


@dataclass(frozen=True)
class Instrument:
    """One linear perpetual. Prices are whole ticks of 10^-price_decimals, quantities whole lots of 10^-quantity_decimals."""

    base: str
    price_decimals: int
    quantity_decimals: int
    min_notional: Decimal = Decimal("5")
    max_market_quantity: Decimal = Decimal("100000")
    max_quantity: Decimal = Decimal("1000000")
    price_band: Decimal = Decimal("0.05")
    max_orders: int = 200
    max_conditional_orders: int = 10

    @cached_property
    def symbol(self) -> str:
        """The venue's own name, `BTCUSDT`."""
        return f"{self.base}USDT"

    @cached_property
    def tick(self) -> Decimal:
        """Smallest price step, USDT."""
        return Decimal(1).scaleb(-self.price_decimals)

    @cached_property
    def lot(self) -> Decimal:
        """Smallest quantity step, base units."""
        return Decimal(1).scaleb(-self.quantity_decimals)

    @cached_property
    def band_factors(self) -> tuple[Decimal, Decimal]:
        """How far above the mark price a buy may be, and below it a sell, as factors of it."""
        return 1 + self.price_band, 1 - self.price_band

    @cached_property
    def most_ticks(self) -> int:
        """Highest price of an order, ticks."""
        return self.ticks(MOST_PRICE)

    @cached_property
    def most_lots(self) -> dict[bool, int]:
        """Largest quantity of an order, lots, by whether it is a market order."""
        return {True: self.lots(self.max_market_quantity), False: self.lots(self.max_quantity)}

    def price(self, ticks: int) -> Decimal:
        """Price of a whole number of ticks, USDT."""
        return int(ticks) * self.tick

    def quantity(self, lots: int) -> Decimal:
        """Quantity of a whole number of lots, base units."""
        return int(lots) * self.lot

    def value(self, ticks_lots: int) -> Decimal:
        """Value of a sum of ticks × lots, USDT."""
        return Decimal(ticks_lots).scaleb(-self.price_decimals - self.quantity_decimals)

    def price_text(self, ticks: int) -> str:
        """`price` in plain digits."""
        return _digits(ticks, self.price_decimals)

    def quantity_text(self, lots: int) -> str:
        """`quantity` in plain digits."""
        return _digits(lots, self.quantity_decimals)

    def value_text(self, ticks_lots: int) -> str:
        """`value` in plain digits."""
        return _digits(ticks_lots, self.price_decimals + self.quantity_decimals)

    def ticks(self, price: Decimal) -> int:
        """Whole ticks of a price that lies on the grid."""
        return int(price.scaleb(self.price_decimals).to_integral_value())

    def lots(self, quantity: Decimal) -> int:
        """Whole lots of a quantity that lies on the grid."""
        return int(quantity.scaleb(self.quantity_decimals).to_integral_value())


def _digits(whole: int, decimals: int) -> str:
    """A number from 0 in units of its last decimal."""
    text = str(whole).zfill(decimals + 1)
    return f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text


def base_of(symbol: str) -> str:
    """Base currency of `BTC/USDT:USDT` or `BTCUSDT`.

    Raises
    ------
    ConfigurationError
        If the name has neither form.
    """
    match = _UNIFIED.match(symbol.strip()) or _NATIVE.match(symbol.strip())
    if match is None:
        raise ConfigurationError(f"symbol: expected BASE/USDT:USDT or BASEUSDT, got {symbol!r}")
    return match.group(1)

"""From fractions of equity to quantities that a venue takes: exact decimals on the lot and tick grid."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal

from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import Side
from huracan_platform.errors import PermanentError


def to_decimal(value: float | int | str | Decimal, name: str) -> Decimal:
    """An exact decimal of a finite number, through its shortest text so that 0.1 stays 0.1.

    Raises
    ------
    PermanentError
        For NaN, infinities and text that is no number.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise PermanentError(f"{name}: expected a finite number, got {value!r}")
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise PermanentError(f"{name}: expected a number, got {value!r}") from None
    if not number.is_finite():
        raise PermanentError(f"{name}: expected a finite number, got {value!r}")
    return number


def round_quantity(quantity: Decimal, lot_size: Decimal) -> Decimal:
    """Down to the lot grid: never more than was asked for."""
    return (quantity / lot_size).to_integral_value(ROUND_DOWN) * lot_size


def round_stop(price: Decimal, tick_size: Decimal, closing: Side) -> Decimal:
    """To the tick that triggers earlier: up for the sell that closes a long, down for the buy that closes a short."""
    rounding = ROUND_CEILING if closing is Side.SELL else ROUND_FLOOR
    return (price / tick_size).to_integral_value(rounding) * tick_size


def quantity_for_target(target: float, equity_usd: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """Unsigned quantity of a wanted signed notional / equity, on the lot grid; 0 when the venue would not take so little.

    Raises
    ------
    PermanentError
        When the target is not finite, or equity or price is not positive.
    """
    if equity_usd <= 0 or price <= 0:
        raise PermanentError(f"sizing {instrument.symbol}: expected positive equity and price, got {equity_usd} and {price}")
    quantity = round_quantity(abs(to_decimal(target, "target")) * equity_usd / price, instrument.lot_size)
    quantity = min(quantity, round_quantity(instrument.max_quantity, instrument.lot_size))
    if quantity < instrument.min_quantity or quantity * price < instrument.min_notional:
        return Decimal(0)
    return quantity

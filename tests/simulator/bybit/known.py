"""What the venue must answer, from the market that its seed makes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from huracan_platform.simulator.market.bars import ListedSymbol, Market
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.synthetic import DEFAULT_START, generate_market

START, MINUTE, HOUR = 1_735_689_600_000, 60_000, 3_600_000
DAY = 24 * HOUR
SYMBOLS = "BTCUSDT,ETHUSDT"
SEED, DAYS = 7, 2


@dataclass
class Known:
    """The market of a venue and its histories."""

    market: Market
    _histories: dict[str, SymbolHistory] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """Where its clock starts, market ms."""
        return self.market.now_ms

    def listed(self, symbol: str) -> ListedSymbol:
        """A symbol by the venue's name."""
        return self.market.symbols[symbol]

    def history(self, symbol: str) -> SymbolHistory:
        """Its history."""
        if symbol not in self._histories:
            self._histories[symbol] = SymbolHistory(self.listed(symbol))
        return self._histories[symbol]

    def candles(self, symbol: str, interval: str, first: int, count: int) -> list[list[float]]:
        """Complete bars as ccxt has them: open time, prices in USDT, volume in base units."""
        instrument = self.listed(symbol).instrument
        rows = self.history(symbol).series(interval).rows[first : first + count]
        return [
            [int(row[0]), *(float(instrument.price(int(v))) for v in row[1:5]), float(instrument.quantity(int(row[5])))]
            for row in rows
        ]

    def last(self, symbol: str) -> float:
        """Last price, USDT."""
        return float(self.listed(symbol).instrument.price(self.history(symbol).last_price(self.now)))

    def open_interest(self, symbol: str, moment: int) -> float:
        """Open interest at a time at which it was recorded, base units."""
        listed = self.listed(symbol)
        assert listed.positioning is not None
        row = int(np.searchsorted(listed.positioning.ts_ms, moment))
        assert int(listed.positioning.ts_ms[row]) == moment
        return float(listed.instrument.quantity(int(listed.positioning.open_interest[row])))


def known_market(days: int = DAYS) -> Known:
    """The market of `running_venue` with the symbols, seed and days above."""
    return Known(generate_market(tuple(SYMBOLS.split(",")), SEED, days, DEFAULT_START))

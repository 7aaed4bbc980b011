"""The market that a venue under test serves, generated once more in the test's process."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.market.synthetic import generate_market

START = 1_735_689_600_000  # 2025-01-01
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FUNDING_STEP = 8 * HOUR
SEED = 7


@cache
def known_symbol(symbol: str, days: int) -> ListedSymbol:
    """A symbol of a venue with so many days of history and the default seed."""
    return generate_market((symbol,), SEED, days).symbols[symbol]


@dataclass(frozen=True)
class Known:
    """What is to be expected of one symbol, as clients make numbers of it. Times in ms UTC."""

    symbol: str
    days: int

    @property
    def listed(self) -> ListedSymbol:
        """Everything of the symbol."""
        return known_symbol(self.symbol, self.days)

    def price(self, ticks: int) -> str:
        """A price as the venue writes it, USDT."""
        return f"{self.listed.instrument.price(int(ticks)):f}"

    def candle(self, opened: int, minutes: int = 1) -> list[float]:
        """Open time, open, high, low, close and volume of so many minutes."""
        bars, first = self.listed.bars, (opened - START) // MINUTE
        rows = slice(first, first + minutes)
        ticks = (bars.open[first], bars.high[rows].max(), bars.low[rows].min(), bars.close[first + minutes - 1])
        volume = self.listed.instrument.quantity(int(bars.volume[rows].sum()))
        return [opened, *(float(self.price(t)) for t in ticks), float(volume)]

    def candles(self, opened: int, count: int, minutes: int = 1) -> list[list[float]]:
        """So many candles of so many minutes, the first from `opened` on."""
        return [self.candle(opened + i * minutes * MINUTE, minutes) for i in range(count)]

    def premium(self, row: int) -> float:
        """The premium of the mark over the index price after a minute; none before the first one."""
        assert self.listed.premium is not None
        return float(self.listed.premium[row]) if row >= 0 else 0.0

    def index(self, ticks: int, row: int) -> float:
        """The index price where the mark stands at a price at the end of a minute, USDT."""
        return float(self.listed.instrument.price(round(int(ticks) / (1 + self.premium(row)))))

    def index_candle(self, opened: int, minutes: int = 1) -> list[float]:
        """Open time, open, high, low and close of the index price over so many minutes; each opens where the last one closed."""
        bars, first = self.listed.bars, (opened - START) // MINUTE
        rows = range(first, first + minutes)
        start = self.index(bars.close[first - 1] if first else bars.open[0], first - 1)
        closes = [self.index(bars.close[row], row) for row in rows]
        return [
            opened, start, max(start, *closes, *(self.index(bars.high[row], row) for row in rows)),
            min(start, *closes, *(self.index(bars.low[row], row) for row in rows)), closes[-1],
        ]

    def premium_candle(self, opened: int, minutes: int = 1) -> list[float]:
        """The same of the premium."""
        first = (opened - START) // MINUTE
        path = [round(self.premium(row), 8) for row in range(first - 1, first + minutes)]
        return [opened, path[0], max(path), min(path), path[-1]]

    def rate(self, settled: int) -> str:
        """The funding rate of a settlement, as the venue writes it."""
        funding = self.listed.funding
        return f"{funding.rate[funding.last_before(settled)]:.8f}"

    def last(self) -> Decimal:
        """The last price where the market stands at midnight after its days of history: the open of the minute, USDT."""
        return self.listed.instrument.price(int(self.listed.bars.open[self.days * DAY // MINUTE]))

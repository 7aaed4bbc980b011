"""A stretch of market time over several symbols: its settlements and trades in the order in which they happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from huracan_platform.simulator.market.bars import ListedSymbol
from huracan_platform.simulator.venue import Venue

ENDS = -2


@dataclass(frozen=True, order=True)
class Step:
    """A minute's open (`index` −1: settlements are due), trade `index` of minute `row`, or the symbol's end (`index` ENDS) after
    minute `row`, at a market time in ms."""

    moment: int
    index: int
    symbol: str
    row: int


@dataclass(frozen=True)
class Window:
    """What lies in (after, upto], market ms: at most the end of one minute and the start of the next."""

    venue: Venue
    after: int
    upto: int

    def rows(self, symbol: str) -> range:
        """Minutes that reach into the window."""
        bars = self.venue.listed(symbol).bars
        return range(max(bars.row_at(self.after), 0), bars.row_at(self.upto) + 1)

    def extremes(self, symbol: str) -> tuple[int, int]:
        """Lowest and highest price in ticks of those minutes, whole ones; (0, 0) before the first."""
        bars, rows = self.venue.listed(symbol).bars, self.rows(symbol)
        if not rows:
            return 0, 0
        return int(bars.low[rows.start : rows.stop].min()), int(bars.high[rows.start : rows.stop].max())

    def happens(self, symbol: str) -> bool:
        """Whether a minute opens or a trade falls into the window."""
        rows = self.rows(symbol)
        if len(rows) != 1 or self._opened(symbol):
            return len(rows) > 0
        if self.ends(symbol):
            return True
        history = self.venue.history(symbol)
        offset, opened = history.tape(rows[0]).offset_ms, int(history.listed.bars.ts_ms[rows[0]])
        edges = (self.after - opened, self.upto - opened)
        return int(offset.searchsorted(edges[0], side="right")) != int(offset.searchsorted(edges[1], side="right"))

    def settles(self, symbol: str) -> bool:
        """Whether funding is settled in the window."""
        listed = self.venue.listed(symbol)
        return any(settlement_at(listed, int(listed.bars.ts_ms[row])) is not None for row in self._opened(symbol))

    def ends(self, symbol: str) -> bool:
        """Whether trading of the symbol ends in the window."""
        end = self.venue.listed(symbol).ends_ms
        return end is not None and self.after < end <= self.upto

    def steps(self, symbols: Iterable[str]) -> list[Step]:
        """Everything that happens to the symbols, in order; at the same instant settlements come first."""
        return sorted(step for symbol in symbols for step in self._steps(symbol))

    def _opened(self, symbol: str) -> list[int]:
        bars = self.venue.listed(symbol).bars
        return [row for row in self.rows(symbol) if self.after < int(bars.ts_ms[row]) <= self.upto]

    def _steps(self, symbol: str) -> Iterator[Step]:
        history = self.venue.history(symbol)
        if self.ends(symbol) and history.listed.ends_ms is not None:
            yield Step(history.listed.ends_ms, ENDS, symbol, len(history.listed.bars) - 1)
        for row in self._opened(symbol):
            yield Step(int(history.listed.bars.ts_ms[row]), -1, symbol, row)
        for row in self.rows(symbol):
            tape, opened = history.tape(row), int(history.listed.bars.ts_ms[row])
            edges = (self.after - opened, self.upto - opened)
            first, stop = (int(np.searchsorted(tape.offset_ms, edge, side="right")) for edge in edges)
            for index in range(first, stop):
                yield Step(opened + int(tape.offset_ms[index]), index, symbol, row)


def settlement_at(listed: ListedSymbol, moment: int) -> tuple[Decimal, int] | None:
    """Rate (a fraction of notional) and recorded mark in ticks (0: none) of the settlement at a minute's open, if one is."""
    index = listed.funding.last_before(moment)
    if index < 0 or int(listed.funding.ts_ms[index]) != moment:
        return None
    return Decimal(f"{listed.funding.rate[index]:.8f}"), int(listed.funding.mark_ticks[index])

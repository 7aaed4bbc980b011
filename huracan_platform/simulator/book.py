"""The public order book around the last trade: deterministic, never crossed, deep enough for any listed limit.

Best prices follow the tape: after an aggressive buy the ask is the traded price, after an aggressive sell the bid is.
Deeper levels lie on a fixed grid; a level's quantity depends on symbol, price, side and day only, so that a change of
the book is confined to the prices that the best ones have passed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import ID_STRIDE, mix

MOST_LEVELS = 1_000
SPREAD = 1e-4
GRID = 2e-5
MINUTES_OF_BASE = 1_440
SHARE_OF_MINUTE = 16


@dataclass(frozen=True)
class BookView:
    """One side of the book each, best first: prices in ticks and quantities in lots, shapes (n,). `update_id` grows
    with every trade."""

    bid_ticks: I64
    bid_lots: I64
    ask_ticks: I64
    ask_lots: I64
    update_id: int

    @property
    def best_bid(self) -> int:
        """Highest bid in ticks."""
        return int(self.bid_ticks[0])

    @property
    def best_ask(self) -> int:
        """Lowest ask in ticks."""
        return int(self.ask_ticks[0])


@njit(cache=True)
def _ladder(key: int, day: int, best: int, best_draw: int, sign: int, grid: int, base: int, levels: int) -> tuple[I64, I64]:
    """Levels from `best` away: sign -1 for bids (prices fall), +1 for asks (prices rise)."""
    ticks, lots = np.empty(levels, np.int64), np.empty(levels, np.int64)
    ticks[0] = best
    lots[0] = 1 + int(base * (0.5 + mix(key + sign, best, best_draw)))
    price = (best - 1) // grid * grid if sign < 0 else (best // grid + 1) * grid
    count = 1
    while count < levels and price > 0:
        ticks[count] = price
        lots[count] = 1 + int(base * (0.3 + 1.7 * mix(key + sign, price, day)))
        price += sign * grid
        count += 1
    return ticks[:count], lots[:count]


class BookModel:
    """Books of one symbol at any of its trades."""

    def __init__(self, history: SymbolHistory) -> None:
        self._history = history
        bars = history.listed.bars
        self.grid = max(1, round(int(bars.open[0]) * GRID))
        self._base = max(2, int(bars.volume[:MINUTES_OF_BASE].mean()) // SHARE_OF_MINUTE)

    def best(self, row: int, index: int) -> tuple[int, int]:
        """Best bid and ask in ticks just after trade `index` of minute `row` (-1: before its first)."""
        tape = self._history.tape(row)
        if index >= 0:
            last, bought = int(tape.price[index]), bool(tape.buyer[index])
        else:
            last, bought = int(self._history.listed.bars.open[row]), False
        spread = max(1, round(last * SPREAD))
        return (max(1, last - spread), last) if bought and last > 1 else (last, last + spread)

    def at_trade(self, row: int, index: int, levels: int = MOST_LEVELS) -> BookView:
        """The book just after trade `index` of minute `row`."""
        bid, ask = self.best(row, index)
        listed = self._history.listed
        day, draw = int(listed.bars.ts_ms[row]) // DAY_MS, self.update_id(row, index)
        bids = _ladder(listed.key, day, bid, draw, -1, self.grid, self._base, levels)
        asks = _ladder(listed.key, day, ask, draw, 1, self.grid, self._base, levels)
        return BookView(*bids, *asks, draw)

    def at(self, market_ms: int, levels: int = MOST_LEVELS) -> BookView:
        """The book at a market time; before the first bar that of its open."""
        row, index = self._history.last_trade(market_ms)
        return self.at_trade(max(row, 0), index if row >= 0 else -1, levels)

    @staticmethod
    def update_id(row: int, index: int) -> int:
        """Number of the book's state after a trade; one more for each trade of a minute."""
        return row * ID_STRIDE + index + 2

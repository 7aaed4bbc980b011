"""The market's own order book around the last trade: deterministic, never crossed, deep enough for any listed limit.

Best prices follow the tape: after an aggressive buy the ask is the traded price, after an aggressive sell the bid is.
Deeper levels lie on a fixed grid; a level's quantity depends on symbol, price, side and day only, so that a change of
the book is confined to the prices that the best ones have passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.exchange.book_states import Place
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import mix

MOST_LEVELS = 1_000
SPREAD = 1e-4
GRID = 2e-5
MINUTES_OF_BASE = 1_440
SHARE_OF_MINUTE = 16
MOST_TRADES = 1 << 16  # of a minute, recorded ones included
# Where a side begins that nothing cuts short: behind no price, by the side's sign.
NOWHERE = {1: np.iinfo(np.int64).max, -1: 0}


@dataclass(frozen=True)
class BookView:
    """One side of the book each, best first: prices in ticks and quantities in lots, shapes (n,). `update_id` grows
    with every change."""

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
def _lots_at_best(key: int, best: int, draw: int, sign: int, base: int) -> int:
    return 1 + int(base * (0.5 + mix(key + sign, best, draw)))


@njit(cache=True)
def _lots_on_grid(key: int, day: int, price: int, sign: int, base: int) -> int:
    return 1 + int(base * (0.3 + 1.7 * mix(key + sign, price, day)))


@njit(cache=True)
def _next_on_grid(price: int, sign: int, grid: int) -> int:
    return (price - 1) // grid * grid if sign < 0 else (price // grid + 1) * grid


@njit(cache=True)
def _ladder(
    key: int, day: int, best: int, draw: int, sign: int, grid: int, base: int, levels: int, beyond: int
) -> tuple[I64, I64]:
    """Levels away from `best` and from `beyond`: sign -1 for bids (prices fall), +1 for asks (prices rise)."""
    ticks, lots = np.empty(levels, np.int64), np.empty(levels, np.int64)
    count = 0
    if (best - beyond) * sign > 0:
        ticks[0], lots[0] = best, _lots_at_best(key, best, draw, sign, base)
        count, beyond = 1, best
    price = _next_on_grid(beyond, sign, grid)
    while count < levels and price > 0:
        ticks[count] = price
        lots[count] = _lots_on_grid(key, day, price, sign, base)
        price += sign * grid
        count += 1
    return ticks[:count], lots[:count]


@dataclass(frozen=True, slots=True)
class PublicBook:
    """The model's book just after trade `index` of minute `row`: `bid` and `ask` its best prices, `last` the trade's, in
    ticks. A side is told by its sign, +1 the bids and -1 the asks, and begins behind `beyond`, NOWHERE for all of it."""

    key: int
    grid: int
    base: int
    day: int
    row: int
    index: int
    last: int
    bid: int
    ask: int

    @property
    def number(self) -> int:
        """Number of the state; one more for each trade of a minute."""
        return BookModel.update_id(self.row, self.index)

    def best(self, sign: int) -> int:
        """Best price of a side."""
        return self.bid if sign > 0 else self.ask

    def first(self, sign: int, beyond: int) -> int:
        """Best price of a side that begins behind `beyond`."""
        best = self.best(sign)
        return best if (best - beyond) * sign < 0 else _next_on_grid(beyond, -sign, self.grid)

    def levels(self, sign: int, beyond: int) -> Iterator[tuple[int, int]]:
        """Price and lots of one level after the other, as far as they are asked for."""
        best, away = self.best(sign), -sign
        count = 0
        if (best - beyond) * away > 0:
            yield best, _lots_at_best(self.key, best, self.number, away, self.base)
            count, beyond = 1, best
        price = _next_on_grid(beyond, away, self.grid)
        while count < MOST_LEVELS and price > 0:
            yield price, _lots_on_grid(self.key, self.day, price, away, self.base)
            price += away * self.grid
            count += 1

    def standing(self, sign: int, price: int) -> int:
        """Lots at a price of a side; 0 where it is no level."""
        best, away = self.best(sign), -sign
        if price == best:
            return _lots_at_best(self.key, best, self.number, away, self.base)
        distance = (price - best) * away
        if distance < 0 or price % self.grid or distance > (MOST_LEVELS - 1) * self.grid:
            return 0
        return _lots_on_grid(self.key, self.day, price, away, self.base)

    def ladder(self, sign: int, beyond: int, levels: int) -> tuple[I64, I64]:
        """Prices and lots of the levels of a side, best first."""
        return _ladder(self.key, self.day, self.best(sign), self.number, -sign, self.grid, self.base, levels, beyond)


class BookModel:
    """Books of one symbol at any of its trades."""

    def __init__(self, history: SymbolHistory) -> None:
        self._history = history
        bars = history.listed.bars
        self.grid = max(1, round(int(bars.open[0]) * GRID))
        self._base = max(2, int(bars.volume[:MINUTES_OF_BASE].mean()) // SHARE_OF_MINUTE)
        self._last: PublicBook | None = None

    def after_trade(self, row: int, index: int) -> PublicBook:
        """The book just after trade `index` of minute `row` (-1: before its first)."""
        if index >= 0:
            tape = self._history.tape(row)
            last, bought = int(tape.price[index]), bool(tape.buyer[index])
        else:
            last, bought = self._history.before_first(row), False
        spread = max(1, round(last * SPREAD))
        bid, ask = (max(1, last - spread), last) if bought and last > 1 else (last, last + spread)
        listed = self._history.listed
        return PublicBook(listed.key, self.grid, self._base, int(listed.bars.ts_ms[row]) // DAY_MS, row, index, last, bid, ask)

    def at(self, market_ms: int) -> PublicBook:
        """The book at a market time; before the first bar that of its open."""
        row, index = self._history.last_trade(market_ms)
        row, index = max(row, 0), index if row >= 0 else -1
        last = self._last
        if last is None or last.row != row or last.index != index:  # seldom: time goes on from one trade to the next
            last = self._last = self.after_trade(row, index)
        return last

    def passed(self, since: Place, until: Place, sign: int, reached: int | None) -> set[int]:
        """Prices that the best one of a side has stood at or passed from one place to the other, or as far as `reached`."""
        bests: list[int] = []
        for row in range(since[0], until[0] + 1):
            first = since[1] if row == since[0] else -1
            last = until[1] if row == until[0] else len(self._history.tape(row)) - 1
            bests += [self.after_trade(row, index).best(sign) for index in range(first, last + 1)]
        low, high = min(bests), max(bests)
        if reached is not None and sign > 0:
            low = max(min(low, reached), low - MOST_LEVELS * self.grid)
        elif reached is not None:
            high = min(max(high, reached), high + MOST_LEVELS * self.grid)
        return set(bests) | set(range(max(0, low) // self.grid * self.grid, high + self.grid + 1, self.grid))

    @staticmethod
    def update_id(row: int, index: int) -> int:
        """Number of the book's state after a trade; one more for each trade of a minute."""
        return row * MOST_TRADES + index + 2

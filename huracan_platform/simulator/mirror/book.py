"""The mirrored book: a snapshot, then differences in sequence, its best prices moved on by the book ticker.

As the venue documents it: the first difference after a snapshot spans its number, each later one names the one before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from huracan_platform.simulator.exchange.book_states import Place
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.mirror.history import LiveHistory

Side = dict[int, int]
CHANGES_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class MirroredState:
    """The book at one number. A side is told by its sign, +1 the bids and -1 the asks; prices in ticks, best first."""

    number: int
    last: int
    ticks: Mapping[int, I64]
    lots: Mapping[int, I64]

    @property
    def bid(self) -> int:
        """Best bid."""
        return self.best(1)

    @property
    def ask(self) -> int:
        """Best ask."""
        return self.best(-1)

    def best(self, sign: int) -> int:
        """Best price of a side; a tick beside the last trade where the side is empty."""
        ticks = self.ticks[sign]
        return int(ticks[0]) if len(ticks) else self.last - sign

    def _begin(self, sign: int, beyond: int) -> int:
        """Index of the first level behind `beyond`."""
        return int(np.searchsorted(-sign * self.ticks[sign], -sign * beyond, side="right"))

    def first(self, sign: int, beyond: int) -> int:
        """Best price of a side that begins behind `beyond`."""
        begin, best = self._begin(sign, beyond), self.best(sign)
        if begin < len(self.ticks[sign]):
            return int(self.ticks[sign][begin])
        return (beyond if (beyond - best) * sign < 0 else best) - sign

    def levels(self, sign: int, beyond: int) -> Iterator[tuple[int, int]]:
        """Price and lots of one level after the other."""
        begin = self._begin(sign, beyond)
        return zip(self.ticks[sign][begin:].tolist(), self.lots[sign][begin:].tolist(), strict=True)

    def standing(self, sign: int, price: int) -> int:
        """Lots at a price of a side; 0 where it is no level."""
        return int(self.lots[sign][self.ticks[sign] == price].sum())

    def ladder(self, sign: int, beyond: int, levels: int) -> tuple[I64, I64]:
        """Prices and lots of the levels of a side, best first."""
        begin = self._begin(sign, beyond)
        return self.ticks[sign][begin : begin + levels], self.lots[sign][begin : begin + levels]


class MirroredBook:
    """The levels of one symbol. `in_step` is False until a snapshot is taken, and again once a difference is missing;
    `changed` is called after each change."""

    def __init__(self, history: LiveHistory) -> None:
        self._history, self._instrument = history, history.listed.instrument
        self._sides: dict[int, Side] = {1: {}, -1: {}}
        self._number = self._best_number = 0
        self._best: dict[int, tuple[int, int]] = {}
        self._joined = False
        self.in_step = False
        self.changed: Callable[[], None] = lambda: None
        self._state: MirroredState | None = None
        self._log: deque[tuple[int, dict[int, set[int]]]] = deque(maxlen=CHANGES_KEPT)

    def _read(self, pairs: Iterable[list[str]]) -> Side:
        instrument = self._instrument
        return {instrument.ticks(Decimal(p)): instrument.lots(Decimal(q)) for p, q in pairs}

    def take_snapshot(self, told: Mapping[str, Any]) -> None:
        """Begin anew from a depth answer of REST."""
        before = self._sides
        self._sides = {1: self._read(told["bids"]), -1: self._read(told["asks"])}
        self._number, self._joined, self.in_step = told["lastUpdateId"], False, True
        self._best_number = 0
        self._note({sign: before[sign].keys() | self._sides[sign].keys() for sign in before})

    def take_difference(self, told: Mapping[str, Any]) -> None:
        """Apply a depth event; one that does not join on puts the book out of step."""
        if not self.in_step or told["u"] <= self._number:
            return
        if told["pu"] != self._number and (self._joined or told["U"] > self._number + 1):
            self.in_step = False
            return
        self._joined, self._number = True, told["u"]
        changes = {1: self._read(told["b"]), -1: self._read(told["a"])}
        for sign, changed in changes.items():
            side = self._sides[sign]
            side.update(changed)
            for price in [price for price, lots in changed.items() if not lots]:
                del side[price]
        self._note({sign: set(changed) for sign, changed in changes.items()})

    def take_best(self, told: Mapping[str, Any]) -> None:
        """Note a book ticker: its best prices stand until a difference is as new."""
        if told["u"] < self._best_number:
            return
        self._best_number = told["u"]
        (bid,), (ask,) = self._read([[told["b"], told["B"]]]).items(), self._read([[told["a"], told["A"]]]).items()
        before, self._best = self._best, {1: bid, -1: ask}
        moved = {sign for sign, best in self._best.items() if sign not in before or before[sign][0] != best[0]}
        self._note({sign: {best[0]} | self._passed_by(best[0], sign, sign in moved) for sign, best in self._best.items()})

    def _passed_by(self, best: int, sign: int, moved: bool) -> set[int]:
        """Levels that a best price which has moved hides or shows again; to look for them at each ticker costs too much."""
        return {price for price in self._sides[sign] if (price - best) * sign > 0} if moved else set()

    def _note(self, prices: dict[int, set[int]]) -> None:
        """The levels at some prices have changed."""
        self._state = None
        self._log.append((max(self._number, self._best_number), prices))
        self.changed()

    def after_trade(self, row: int, index: int) -> MirroredState:
        """The book as it stands, the last trade being number `index` of minute `row`."""
        last = int(self._history.tape(row).price[index]) if index >= 0 else self._history.before_first(row)
        if self._state is None or self._state.last != last:
            newer = self._best_number > self._number
            sides = {sign: self._side(sign, newer) for sign in (1, -1)}
            ticks = {sign: side[0] for sign, side in sides.items()}
            lots = {sign: side[1] for sign, side in sides.items()}
            self._state = MirroredState(max(self._number, self._best_number), last, ticks, lots)
        return self._state

    def at(self, market_ms: int) -> MirroredState:
        """The book as it stands."""
        return self.after_trade(*self._history.last_trade(market_ms))

    def passed(self, since: Place, until: Place, sign: int, reached: int | None) -> set[int]:
        """Prices of a side whose levels have changed between two places, or that orders of the other side have reached."""
        found: set[int] = set()
        found = found.union(*(prices[sign] for number, prices in self._log if since[2] <= number <= until[2]))
        if reached is not None:
            found |= {price for price in self._sides[sign] if (price - reached) * sign >= 0}
        return found

    def _side(self, sign: int, newer: bool) -> tuple[I64, I64]:
        levels = self._sides[sign]
        if newer:
            best, lots = self._best[sign]
            levels = {best: lots} | {p: q for p, q in levels.items() if (best - p) * sign > 0}
        ticks = np.array(sorted(levels, reverse=sign > 0), np.int64)
        return ticks, np.array([levels[price] for price in ticks.tolist()], np.int64)

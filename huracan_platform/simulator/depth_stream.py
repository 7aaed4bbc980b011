"""The book as a stream: differences that lead exactly from one published state to the next, and partial books."""

from __future__ import annotations

from typing import Any

from huracan_platform.simulator.book import BookModel
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.rest_tape import levels
from huracan_platform.simulator.wire_orders import plain

Levels = dict[int, int]


def partial_depth(history: SymbolHistory, model: BookModel, now: int, count: int) -> dict[str, Any]:
    """The best `count` levels of each side."""
    book, instrument = model.at(now, count), history.listed.instrument
    return {
        "e": "depthUpdate", "E": now, "T": now, "s": instrument.symbol, "U": book.update_id, "u": book.update_id,
        "pu": book.update_id - 1, "b": levels(instrument, book.bid_ticks, book.bid_lots),
        "a": levels(instrument, book.ask_ticks, book.ask_lots),
    }


class DepthPublisher:
    """Differences of one symbol's book. A snapshot taken between two events is brought up to date by the later one:
    every price that was a level at any trade in between is told again, gone ones with quantity 0."""

    def __init__(self, history: SymbolHistory, model: BookModel, now: int) -> None:
        self._history, self._model = history, model
        row, index = history.last_trade(now)
        self._state = (row, index) if row >= 0 else (0, -1)
        self._book = model.at_trade(*self._state)

    def next_event(self, now: int) -> dict[str, Any] | None:
        """The difference since the last event; None while nothing has traded since, or before the first bar."""
        row, index = self._history.last_trade(now)
        if row < 0 or (row, index) == self._state:
            return None
        book = self._model.at_trade(row, index)
        before, state = self._book, self._state
        self._book, self._state = book, (row, index)
        bests = self._bests_since(state, row, index)
        bids = self._changes(before.bid_ticks, before.bid_lots, book.bid_ticks, book.bid_lots, [b for b, _ in bests])
        asks = self._changes(before.ask_ticks, before.ask_lots, book.ask_ticks, book.ask_lots, [a for _, a in bests])
        return {
            "e": "depthUpdate", "E": now, "T": now, "s": self._history.listed.instrument.symbol, "U": before.update_id + 1,
            "u": book.update_id, "pu": before.update_id, "b": self._pairs(bids), "a": self._pairs(asks),
        }

    def _bests_since(self, state: tuple[int, int], row: int, index: int) -> list[tuple[int, int]]:
        """Best prices after every trade from the last published state to this one, both included."""
        bests = []
        for r in range(state[0], row + 1):
            first = state[1] if r == state[0] else -1
            last = index if r == row else len(self._history.tape(r)) - 1
            bests += [self._model.best(r, i) for i in range(first, last + 1)]
        return bests

    def _changes(self, old_ticks: Any, old_lots: Any, ticks: Any, lots: Any, bests: list[int]) -> Levels:
        """Levels that differ from the last event's, and every price that the best one has stood at or passed."""
        old = dict(zip(old_ticks.tolist(), old_lots.tolist(), strict=True))
        new = dict(zip(ticks.tolist(), lots.tolist(), strict=True))
        grid, low, high = self._model.grid, min(bests), max(bests)
        passed = set(bests) | set(range(low // grid * grid, high + grid + 1, grid))
        changed = {price for price, quantity in new.items() if old.get(price) != quantity}
        return {price: new.get(price, 0) for price in sorted(changed | passed) if price > 0}

    def _pairs(self, changes: Levels) -> list[list[str]]:
        instrument = self._history.listed.instrument
        return [[plain(instrument.price(p)), plain(instrument.quantity(q))] for p, q in changes.items()]

"""The book as a stream: differences that lead exactly from one published state to the next, and partial books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from huracan_platform.simulator.binance.rest_tape import levels
from huracan_platform.simulator.binance.subscriptions import StreamName
from huracan_platform.simulator.binance.thinned import Thinned
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.book_states import Place
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory

Levels = dict[int, int]


def partial_depth(history: SymbolHistory, book: OrderBook, now: int, count: int) -> dict[str, Any]:
    """The best `count` levels of each side."""
    shown, instrument = book.at(now, count), history.listed.instrument
    return {
        "e": "depthUpdate", "E": now, "T": now, "s": instrument.symbol, "U": shown.update_id, "u": shown.update_id,
        "pu": shown.update_id - 1, "b": levels(instrument, shown.bid_ticks, shown.bid_lots),
        "a": levels(instrument, shown.ask_ticks, shown.ask_lots),
    }


class PartialDepth(Thinned):
    """The best levels of a book, told where the book has changed."""

    def __init__(self, name: StreamName, history: SymbolHistory, book: OrderBook) -> None:
        super().__init__(name.pace_ms)
        self._history, self._book, self._count = history, book, int(name.detail)
        self._told = -1

    def joined(self) -> None:
        """The book counts as changed."""
        self._told = -1

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The levels, unless they are those last told."""
        event = partial_depth(self._history, self._book, now_ms, self._count)
        if event["u"] != self._told:
            self._told = event["u"]
            yield orjson.dumps(event)


class Depth(Thinned):
    """Differences of one symbol's book. A snapshot taken between two events is brought up to date by the later one:
    every price that was a level at any trade in between is told again, gone ones with quantity 0."""

    in_stages = True

    def __init__(self, name: StreamName, history: SymbolHistory, book: OrderBook, now: int) -> None:
        super().__init__(name.pace_ms)
        self._history, self._book = history, book
        row, index = history.last_trade(now)
        state = book.states.after_trade(max(row, 0), index if row >= 0 else -1)
        self._place: Place = (max(row, 0), index if row >= 0 else -1, state.number)
        self._touched, self._shown = book.watch(), book.view(state)

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The difference since the last event; nothing while nothing has changed since, or before the first bar."""
        row, index = self._history.last_trade(now_ms)
        if row < 0 or (row, index) < self._place[:2]:
            return
        state, before = self._book.states.after_trade(row, index), self._shown
        shown = self._book.view(state)
        if shown.update_id <= before.update_id:
            return
        place, touched = (row, index, state.number), self._touched.take()
        bids = _changes((before.bid_ticks, before.bid_lots), (shown.bid_ticks, shown.bid_lots), self._passed(place, touched, 1))
        asks = _changes((before.ask_ticks, before.ask_lots), (shown.ask_ticks, shown.ask_lots), self._passed(place, touched, -1))
        self._shown, self._place = shown, place
        yield orjson.dumps({
            "e": "depthUpdate", "E": now_ms, "T": now_ms, "s": self._history.listed.instrument.symbol, "U": before.update_id + 1,
            "u": shown.update_id, "pu": before.update_id, "b": self._pairs(bids), "a": self._pairs(asks),
        })

    def _passed(self, place: Place, touched: dict[int, set[int]], sign: int) -> set[int]:
        """Prices of a side where the market's levels have been or clients' orders have come, gone, or hid what stood there."""
        others = touched[-sign]
        reached = (min(others) if sign > 0 else max(others)) if others else None
        return touched[sign] | self._book.states.passed(self._place, place, sign, reached)

    def _pairs(self, changes: Levels) -> list[list[str]]:
        instrument = self._history.listed.instrument
        return [[plain(instrument.price(p)), plain(instrument.quantity(q))] for p, q in changes.items()]


def _changes(old: tuple[I64, I64], new: tuple[I64, I64], passed: set[int]) -> Levels:
    """Levels that differ from the last event's, and every price passed."""
    before, now = (dict(zip(ticks.tolist(), lots.tolist(), strict=True)) for ticks, lots in (old, new))
    changed = {price for price, quantity in now.items() if before.get(price) != quantity}
    return {price: now.get(price, 0) for price in sorted(changed | passed) if price > 0}

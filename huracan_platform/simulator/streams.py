"""Market streams: what each subscriber hears as the market clock moves on.

A loop on the wire clock looks how far the market has come and publishes everything in between, in order: a bar's last
event (`x: true`) and then at once the next bar's first. So a fast clock skips no bar. Only the updates inside a bar,
the book and the mark price are thinned out, on the wire clock, as the venue does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np
import orjson

from huracan_platform.simulator.depth_stream import DepthPublisher, partial_depth
from huracan_platform.simulator.liquidation import Liquidation
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory, period_start
from huracan_platform.simulator.matching import Matching
from huracan_platform.simulator.stream_events import (
    book_event,
    continuous_kline_event,
    force_event,
    kline_event,
    mark_event,
    trade_event,
)
from huracan_platform.simulator.subscriptions import EVERY_SYMBOL, Send, StreamName, Subscribers
from huracan_platform.simulator.venue import Venue

TICK_S = 0.02
KLINE_UPDATE_MS = 250
BOOK_UPDATE_MS = 100
FORCE_ORDER_MS = 1_000  # at most one liquidation of a symbol is told in that time, the latest
KLINES = ("kline", "continuousKline")


class MarketStreams:
    """Publishes to the subscribers of every symbol."""

    def __init__(self, venue: Venue, matching: Matching) -> None:
        self._venue, self._matching = venue, matching
        self.subscribers = Subscribers(venue.symbols)
        self._cursor: dict[str, int] = {s: venue.clock.market_ms() for s in venue.symbols}
        self.each_tick: list[Callable[[], None]] = []
        self._depth: dict[StreamName, DepthPublisher] = {}
        self._told_book: dict[str, int] = {}
        self._told_liquidations = 0
        self._untold: dict[str, Liquidation] = {}
        self._force_due_ms: dict[str, int] = {}
        self._due_ms: dict[StreamName, int] = {}

    def subscribe(self, name: StreamName, listener: Send) -> None:
        """Begin to listen. A book's differences start from its state at this moment: a snapshot can only be later."""
        if name.kind == "depth" and not name.detail and not self.subscribers.heard(name):
            history = self._venue.history(name.symbol)
            now = self._venue.clock.market_ms()
            self._depth[name] = DepthPublisher(history, self._matching.books[name.symbol], now)
        self.subscribers.add(name, listener)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish while the context is open."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            self._matching.advance()
            for act in self.each_tick:
                act()
            for symbol in self._venue.symbols:
                await self._publish_symbol(symbol, self._matching.cursor_ms)
            now = self._matching.cursor_ms
            for name in self.subscribers.of(EVERY_SYMBOL):
                self._publish_every(name, now)
            self.publish_liquidations()
            await asyncio.sleep(TICK_S)

    async def _publish_symbol(self, symbol: str, now: int) -> None:
        history, names = self._venue.history(symbol), self.subscribers.of(symbol)
        first = max(0, history.listed.bars.row_at(self._cursor[symbol]))
        last = history.listed.bars.row_at(now)
        for row in range(first, last + 1) if names else ():
            self._publish_minute(names, history, row, self._cursor[symbol], now)
            if row % 50 == 0:
                await asyncio.sleep(0)
        self._cursor[symbol] = max(now, self._cursor[symbol])
        for name in names:
            self._publish_thinned(name, history, now)

    def _publish_minute(self, names: list[StreamName], history: SymbolHistory, row: int, after: int, now: int) -> None:
        """Everything of one minute that fell into (after, now] and may not be left out."""
        opened = int(history.listed.bars.ts_ms[row])
        klines = [n for n in names if n.kind in KLINES]
        if after < opened:
            for name in klines:
                self._turn_bar(name, history, row, opened)
        trades = [n for n in names if n.kind in ("aggTrade", "trade")]
        if not trades:
            return
        tape = history.tape(row)
        first, stop = (int(np.searchsorted(tape.offset_ms, edge - opened, side="right")) for edge in (after, now))
        for index in range(first, stop):
            for name in trades:
                self.subscribers.send(name, orjson.dumps(trade_event(name.kind, history, tape, index, opened)))

    def _turn_bar(self, name: StreamName, history: SymbolHistory, row: int, opened: int) -> None:
        """At a minute's open: where it begins a new bar of the interval, end the one before and begin it."""
        if row > 0:
            starts = period_start(history.listed.bars.ts_ms[row - 1 : row + 1], name.detail)
            if starts[0] == starts[1]:
                return
            series = history.series(name.detail)
            last = int(np.searchsorted(series.rows[:, 0], starts[1])) - 1
            self._send_kline(name, history, series.rows[last], opened, closed=True)
        self._send_kline(name, history, history.running(name.detail, opened)[0], opened, closed=False)

    def _publish_thinned(self, name: StreamName, history: SymbolHistory, now: int) -> None:
        wire = self._venue.clock.wire_ms()
        if name.kind in ("aggTrade", "trade", "forceOrder") or wire < self._due_ms.get(name, 0):
            return
        if name.kind in KLINES:
            self._due_ms[name] = wire + KLINE_UPDATE_MS
            running = history.running(name.detail, now)
            if len(running):
                self._send_kline(name, history, running[0], now, closed=False)
        elif name.kind == "markPrice":
            self._due_ms[name] = wire + (1_000 if name.detail == "1s" else 3_000)
            self.subscribers.send(name, orjson.dumps(mark_event(history, now)))
        else:
            self._due_ms[name] = wire + BOOK_UPDATE_MS
            self._publish_book(name, history, now)

    def _publish_every(self, name: StreamName, now: int) -> None:
        """One of the streams that tell of all symbols at once."""
        wire = self._venue.clock.wire_ms()
        if name.kind == "forceOrder" or wire < self._due_ms.get(name, 0):
            return
        histories = [self._venue.history(s) for s in self._venue.symbols]
        if name.kind == "markPrice":
            self._due_ms[name] = wire + (1_000 if name.detail == "1s" else 3_000)
            self.subscribers.send(name, orjson.dumps([mark_event(h, now) for h in histories]))
            return
        self._due_ms[name] = wire + BOOK_UPDATE_MS
        for history in histories:
            symbol = history.listed.instrument.symbol
            event = book_event(history, self._matching.books[symbol], now)
            if self._told_book.get(symbol) != event["u"]:
                self.subscribers.send(name, orjson.dumps(event))
        self._told_book = {h.listed.instrument.symbol: self._matching.books[h.listed.instrument.symbol].at(now, 1).update_id
                           for h in histories}

    def publish_liquidations(self) -> None:
        """Tell of the liquidations since the last call, no faster than the venue does."""
        wire = self._venue.clock.wire_ms()
        for liquidation in self._matching.liquidations[self._told_liquidations :]:
            self._untold[liquidation.order.instrument.symbol] = liquidation
        self._told_liquidations = len(self._matching.liquidations)
        for symbol in [s for s in self._untold if wire >= self._force_due_ms.get(s, 0)]:
            self._force_due_ms[symbol] = wire + FORCE_ORDER_MS
            message = orjson.dumps(force_event(self._untold.pop(symbol)))
            for name in [*self.subscribers.of(symbol), *self.subscribers.of(EVERY_SYMBOL)]:
                if name.kind == "forceOrder":
                    self.subscribers.send(name, message)

    def _publish_book(self, name: StreamName, history: SymbolHistory, now: int) -> None:
        model = self._matching.books[name.symbol]
        if name.kind == "bookTicker":
            self.subscribers.send(name, orjson.dumps(book_event(history, model, now)))
        elif name.detail:
            self.subscribers.send(name, orjson.dumps(partial_depth(history, model, now, int(name.detail))))
        else:
            event = self._depth[name].next_event(now)
            if event is not None:
                self.subscribers.send(name, orjson.dumps(event))

    def _send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        event_of = continuous_kline_event if name.kind == "continuousKline" else kline_event
        self.subscribers.send(name, orjson.dumps(event_of(history, name.detail, row, event_ms, closed=closed)))

"""Market streams: what each subscriber hears as the market clock moves on, worded as Binance USD-M does."""

from __future__ import annotations

import orjson

from huracan_platform.simulator.depth_stream import DepthPublisher, partial_depth
from huracan_platform.simulator.liquidation import Liquidation
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.market_loop import MarketLoop
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

KLINE_UPDATE_MS = 250
BOOK_UPDATE_MS = 100
FORCE_ORDER_MS = 1_000  # at most one liquidation of a symbol is told in that time, the latest
KLINES = ("kline", "continuousKline")


class MarketStreams(MarketLoop):
    """Publishes to the subscribers of every symbol."""

    klines = KLINES
    trades = ("aggTrade", "trade")

    def __init__(self, venue: Venue, matching: Matching) -> None:
        super().__init__(venue, matching, Subscribers(venue.symbols))
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

    def send_trades(self, names: list[StreamName], history: SymbolHistory, tape: MinuteTape, which: range, opened: int) -> None:
        """One message for each."""
        for index in which:
            for name in names:
                self.subscribers.send(name, orjson.dumps(trade_event(name.kind, history, tape, index, opened)))

    def publish_thinned(self, name: StreamName, history: SymbolHistory, now: int) -> None:
        """Running bars, books and marks, each at its own pace."""
        wire = self._venue.clock.wire_ms()
        if name.kind in ("aggTrade", "trade", "forceOrder") or wire < self._due_ms.get(name, 0):
            return
        if name.kind in KLINES:
            self._due_ms[name] = wire + KLINE_UPDATE_MS
            running = history.running(name.detail, now)
            if len(running):
                self.send_kline(name, history, running[0], now, closed=False)
        elif name.kind == "markPrice":
            self._due_ms[name] = wire + (1_000 if name.detail == "1s" else 3_000)
            self.subscribers.send(name, orjson.dumps(mark_event(history, now)))
        else:
            self._due_ms[name] = wire + BOOK_UPDATE_MS
            self._publish_book(name, history, now)

    def publish_rest(self, now: int) -> None:
        """Streams of all symbols at once, and liquidations."""
        for name in self.subscribers.of(EVERY_SYMBOL):
            self._publish_every(name, now)
        self.publish_liquidations()

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

    def send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        """As the plain or the continuous kline."""
        event_of = continuous_kline_event if name.kind == "continuousKline" else kline_event
        self.subscribers.send(name, orjson.dumps(event_of(history, name.detail, row, event_ms, closed=closed)))

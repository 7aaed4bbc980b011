"""Market streams: what each subscriber hears as the market clock moves on, worded as Binance USD-M does."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from huracan_platform.simulator.binance.depth_stream import Depth, PartialDepth
from huracan_platform.simulator.binance.stream_events import (
    book_event,
    continuous_kline_event,
    kline_event,
    mark_event,
    mini_ticker_event,
    ticker_event,
    trade_event,
)
from huracan_platform.simulator.binance.subscriptions import EVERY_SYMBOL, StreamName, Subscribers
from huracan_platform.simulator.binance.thinned import Thinned
from huracan_platform.simulator.exchange.force_orders import ForceOrders
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.serving.market_loop import MarketLoop
from huracan_platform.simulator.venue import Venue

KLINES = ("kline", "continuousKline")
TRADES = ("aggTrade", "trade")


class RunningBar(Thinned):
    """The bar of an interval that is under way."""

    def __init__(self, name: StreamName, history: SymbolHistory) -> None:
        super().__init__(name.pace_ms)
        self._name, self._history = name, history

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The bar as it stands, traded in or not."""
        running = self._history.running(self._name.detail, now_ms)
        if len(running):
            yield _kline(self._name, self._history, running[0], now_ms, closed=False)


class Marks(Thinned):
    """Mark prices at a steady pace: of one symbol as an object, of all as a list."""

    def __init__(self, name: StreamName, histories: list[SymbolHistory]) -> None:
        super().__init__(name.pace_ms)
        self._name, self._histories = name, histories

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """How the mark stands, moved or not."""
        events = [mark_event(history, now_ms) for history in _trading(self._histories, now_ms)]
        yield orjson.dumps(events if self._name.symbol == EVERY_SYMBOL else events[0])


class BookTickers(Thinned):
    """Best bid and ask of one symbol or of all, each told where its book has changed."""

    def __init__(self, name: StreamName, histories: list[SymbolHistory], books: list[OrderBook]) -> None:
        super().__init__(name.pace_ms)
        self._books = list(zip(histories, books, strict=True))
        self._told: dict[str, int] = {}

    def joined(self) -> None:
        """Every book counts as changed."""
        self._told.clear()

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """Books that have another state than when last told."""
        for history, model in self._books:
            if not history.listed.trades_at(now_ms):
                continue
            event = book_event(history, model, now_ms)
            if self._told.get(event["s"]) != event["u"]:
                self._told[event["s"]] = event["u"]
                yield orjson.dumps(event)


class Tickers(Thinned):
    """Statistics of the last day, where anything has traded: of one symbol as an object, of all as a list."""

    def __init__(self, name: StreamName, histories: list[SymbolHistory]) -> None:
        super().__init__(name.pace_ms)
        self._name, self._histories = name, histories
        self._event_of = mini_ticker_event if name.kind == "miniTicker" else ticker_event
        self._told: dict[str, tuple[int, int]] = {}

    def joined(self) -> None:
        """Every symbol counts as changed."""
        self._told.clear()

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """Symbols that have traded since they were last told."""
        events = []
        for history in _trading(self._histories, now_ms):
            symbol, state = history.listed.instrument.symbol, history.last_trade(now_ms)
            if self._told.get(symbol) != state and (event := self._event_of(history, now_ms)) is not None:
                self._told[symbol] = state
                events.append(event)
        if events:
            yield orjson.dumps(events if self._name.symbol == EVERY_SYMBOL else events[0])


class MarketStreams(MarketLoop):
    """Publishes to the subscribers of every symbol."""

    klines = KLINES
    trades = TRADES

    def __init__(self, venue: Venue, matching: Matching) -> None:
        super().__init__(venue, matching, Subscribers(venue.symbols))

    def send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        """As the plain or the continuous kline."""
        self.subscribers.send(name, _kline(name, history, row, event_ms, closed=closed))

    def send_trades(self, names: list[StreamName], history: SymbolHistory, tape: MinuteTape, which: range, opened: int) -> None:
        """One message for each."""
        for index in which:
            for name in names:
                self.subscribers.send(name, orjson.dumps(trade_event(name.kind, history, tape, index, opened)))

    def _made(self, name: StreamName) -> Thinned:
        symbols = self._venue.symbols if name.symbol == EVERY_SYMBOL else (name.symbol,)
        histories, books = [self._venue.history(s) for s in symbols], [self._matching.books[s] for s in symbols]
        match name.kind:
            case "kline" | "continuousKline":
                return RunningBar(name, histories[0])
            case "markPrice":
                return Marks(name, histories)
            case "bookTicker":
                return BookTickers(name, histories, books)
            case "miniTicker" | "ticker":
                return Tickers(name, histories)
            case "forceOrder":
                return ForceOrders(histories, self._matching)
            case _ if name.detail:
                return PartialDepth(name, histories[0], books[0])
            case _:
                return Depth(name, histories[0], books[0], self._venue.clock.market_ms())


def _trading(histories: list[SymbolHistory], now_ms: int) -> list[SymbolHistory]:
    """Those that can be traded at a market time: of the others nothing is told."""
    return [history for history in histories if history.listed.trades_at(now_ms)]


def _kline(name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> bytes:
    event_of = continuous_kline_event if name.kind == "continuousKline" else kline_event
    return orjson.dumps(event_of(history, name.detail, row, event_ms, closed=closed))

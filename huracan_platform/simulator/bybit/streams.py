"""Public topics of the protocol: bars, trades, books, tickers and liquidations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.subscriptions import StreamName, Subscribers
from huracan_platform.simulator.binance.thinned import Thinned
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit.klines import INTERVALS, bar_before, bar_start, kline_event, running_bar
from huracan_platform.simulator.bybit.liquidations import other_liquidation, own_liquidation
from huracan_platform.simulator.bybit.problems import refusal
from huracan_platform.simulator.bybit.tickers import ticker_object
from huracan_platform.simulator.bybit.trades import trade_event
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.serving.market_loop import MarketLoop
from huracan_platform.simulator.venue import Venue

KLINE_PACE_MS = 1_000
TICKER_PACE_MS = 100
LIQUIDATION_PACE_MS = 500
BOOK_PACES_MS = {"1": 10, "50": 20, "200": 100, "500": 100}
TRADES = "publicTrade"


def message(topic: str, kind: str, ts_ms: int, data: Any, **more: Any) -> bytes:
    """A message of a public topic; `ts_ms` is market time."""
    return orjson.dumps({"topic": topic, "type": kind, "ts": ts_ms, "data": data, **more})


class RunningBar(Thinned):
    """The bar of an interval that is under way."""

    def __init__(self, name: StreamName, history: SymbolHistory) -> None:
        super().__init__(name.pace_ms)
        self._name, self._history = name, history

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The bar as it stands, traded in or not."""
        running = running_bar(self._history, self._name.detail, now_ms)
        if len(running):
            yield _kline(self._name, self._history, running[0], now_ms, closed=False)


class Book(Thinned):
    """The best levels of a book: a snapshot whenever somebody joins, then what has changed."""

    def __init__(self, name: StreamName, history: SymbolHistory, book: OrderBook) -> None:
        super().__init__(name.pace_ms)
        self._name, self._instrument, self._book = name, history.listed.instrument, book
        self._told: tuple[dict[int, int], dict[int, int]] | None = None
        self._number = 1

    def joined(self) -> None:
        """The next message is a snapshot."""
        self._told = None

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The whole book, or the levels that differ from those last told, gone ones with 0."""
        book, told = self._book.at(now_ms, int(self._name.detail)), self._told
        sides = (_levels(book.bid_ticks, book.bid_lots), _levels(book.ask_ticks, book.ask_lots))
        if sides == told:
            return
        bids, asks = sides if told is None else (_changes(told[0], sides[0]), _changes(told[1], sides[1]))
        self._told, self._number = sides, self._number + 1
        data = {
            "s": self._name.symbol, "b": self._pairs(bids), "a": self._pairs(asks), "u": self._number, "seq": book.update_id,
        }
        yield message(self._name.text, "snapshot" if told is None else "delta", now_ms, data, cts=now_ms)

    def _pairs(self, side: dict[int, int]) -> list[list[str]]:
        instrument = self._instrument
        return [[plain(instrument.price(ticks)), plain(instrument.quantity(lots))] for ticks, lots in side.items()]


def _levels(ticks: I64, lots: I64) -> dict[int, int]:
    return dict(zip(ticks.tolist(), lots.tolist(), strict=True))


def _changes(old: dict[int, int], new: dict[int, int]) -> dict[int, int]:
    gone = dict.fromkeys((ticks for ticks in old if ticks not in new), 0)
    return gone | {ticks: lots for ticks, lots in new.items() if old.get(ticks) != lots}


class Ticker(Thinned):
    """The ticker: whole whenever somebody joins, then the fields that have changed."""

    def __init__(self, name: StreamName, history: SymbolHistory, book: OrderBook) -> None:
        super().__init__(name.pace_ms)
        self._name, self._history, self._book = name, history, book
        self._told: dict[str, Any] | None = None

    def joined(self) -> None:
        """The next message is a snapshot."""
        self._told = None

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """The fields that differ from those last told, always with the symbol."""
        ticker, told = ticker_object(self._history, self._book, now_ms), self._told
        if ticker == told:
            return
        self._told = ticker
        data = ticker if told is None else {k: v for k, v in ticker.items() if k == "symbol" or told[k] != v}
        yield message(self._name.text, "snapshot" if told is None else "delta", now_ms, data, cs=now_ms)


class Liquidations(Thinned):
    """All liquidations of a symbol since somebody began to listen."""

    def __init__(self, name: StreamName, history: SymbolHistory, matching: Matching) -> None:
        super().__init__(name.pace_ms)
        self._name, self._listed, self._matching = name, history.listed, matching
        self._since_ms, self._seen = matching.cursor_ms, len(matching.liquidations)

    def present(self, now_ms: int, wire_ms: int) -> Iterator[bytes]:
        """Those since the last look, of the venue's accounts and of other participants, by their time."""
        own = self._matching.liquidations[self._seen :]
        events = [own_liquidation(q) for q in own if q.order.instrument.symbol == self._name.symbol]
        if self._listed.liquidations is not None:
            rows = self._listed.liquidations.between(self._since_ms + 1, now_ms + 1)
            events += [other_liquidation(self._listed, row) for row in rows]
        self._since_ms, self._seen = now_ms, len(self._matching.liquidations)
        if events:
            yield message(self._name.text, "snapshot", now_ms, sorted(events, key=lambda event: int(event["T"])))


class PublicStreams(MarketLoop):
    """Publishes to the subscribers of every symbol."""

    klines = ("kline",)
    trades = (TRADES,)

    def __init__(self, venue: Venue, matching: Matching) -> None:
        super().__init__(venue, matching, Subscribers(venue.symbols))

    def read(self, text: str) -> StreamName:
        """The topic of that name; refused where there is none."""
        kind, _, rest = text.partition(".")
        detail, _, symbol = rest.rpartition(".")
        paces = {
            ("kline", detail): KLINE_PACE_MS if detail in INTERVALS else None, ("orderbook", detail): BOOK_PACES_MS.get(detail),
            (TRADES, ""): 0, ("tickers", ""): TICKER_PACE_MS, ("allLiquidation", ""): LIQUIDATION_PACE_MS,
        }
        pace = paces.get((kind, detail))
        if pace is None:
            raise refusal(10001, f"error:handler not found,topic:{text}")
        if symbol not in self._venue.symbols:
            raise refusal(10001, f"Invalid symbol :[{text}]")
        return StreamName(text, symbol, kind, detail, pace)

    def turn_bar(self, name: StreamName, history: SymbolHistory, row: int, opened: int) -> None:
        """As for every protocol, with months besides."""
        if row > 0:
            starts = bar_start(history.listed.bars.ts_ms[row - 1 : row + 1], name.detail)
            if starts[0] == starts[1]:
                return
            self.send_kline(name, history, bar_before(history, name.detail, int(starts[1])), opened, closed=True)
        self.send_kline(name, history, running_bar(history, name.detail, opened)[0], opened, closed=False)

    def last_bar(self, name: StreamName, history: SymbolHistory) -> I64:
        """As for every protocol, with months besides."""
        return bar_before(history, name.detail, history.listed.end_ms)

    def send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        """A bar in a message of its own."""
        self.subscribers.send(name, _kline(name, history, row, event_ms, closed=closed))

    def send_trades(self, names: list[StreamName], history: SymbolHistory, tape: MinuteTape, which: range, opened: int) -> None:
        """All in one message."""
        if not which:
            return
        events = [trade_event(history, tape, index, opened) for index in which]
        for name in names:
            self.subscribers.send(name, message(name.text, "snapshot", events[-1]["T"], events))

    def _made(self, name: StreamName) -> Thinned:
        history, book = self._venue.history(name.symbol), self._matching.books[name.symbol]
        match name.kind:
            case "kline":
                return RunningBar(name, history)
            case "orderbook":
                return Book(name, history, book)
            case "tickers":
                return Ticker(name, history, book)
            case _:
                return Liquidations(name, history, self._matching)


def _kline(name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> bytes:
    event = kline_event(history, name.detail, np.asarray(row), event_ms, closed=closed)
    return message(name.text, "snapshot", event_ms, [event])

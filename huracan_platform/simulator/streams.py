"""Market streams: what each subscriber hears as the market clock moves on.

A loop on the wire clock looks how far the market has come and publishes everything in between, in order: a bar's last
event (`x: true`) and then at once the next bar's first. So a fast clock skips no bar. Only the updates inside a bar,
the book and the mark price are thinned out, on the wire clock, as the venue does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.depth_stream import DepthPublisher, partial_depth
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory, period_start
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.matching import Matching
from huracan_platform.simulator.rest_market import next_funding_ms
from huracan_platform.simulator.subscriptions import Send, StreamName, Subscribers
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.wire_orders import plain

TICK_S = 0.02
KLINE_UPDATE_MS = 250
BOOK_UPDATE_MS = 100


class MarketStreams:
    """Publishes to the subscribers of every symbol."""

    def __init__(self, venue: Venue, matching: Matching) -> None:
        self._venue, self._matching = venue, matching
        self.subscribers = Subscribers(venue.symbols)
        self._cursor: dict[str, int] = {s: venue.clock.market_ms() for s in venue.symbols}
        self._depth: dict[StreamName, DepthPublisher] = {}
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
            for symbol in self._venue.symbols:
                await self._publish_symbol(symbol, self._matching.cursor_ms)
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
        klines = [n for n in names if n.kind == "kline"]
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
                self.subscribers.send(name, orjson.dumps(_trade_event(name, history, tape, index, opened)))

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
        if name.kind in ("aggTrade", "trade") or wire < self._due_ms.get(name, 0):
            return
        if name.kind == "kline":
            self._due_ms[name] = wire + KLINE_UPDATE_MS
            running = history.running(name.detail, now)
            if len(running):
                self._send_kline(name, history, running[0], now, closed=False)
        elif name.kind == "markPrice":
            self._due_ms[name] = wire + (1_000 if name.detail == "1s" else 3_000)
            self.subscribers.send(name, orjson.dumps(self._mark_event(history, now)))
        else:
            self._due_ms[name] = wire + BOOK_UPDATE_MS
            self._publish_book(name, history, now)

    def _publish_book(self, name: StreamName, history: SymbolHistory, now: int) -> None:
        model = self._matching.books[name.symbol]
        if name.kind == "bookTicker":
            book, instrument = model.at(now, 1), history.listed.instrument
            self.subscribers.send(name, orjson.dumps({
                "e": "bookTicker", "u": book.update_id, "s": name.symbol, "b": plain(instrument.price(book.best_bid)),
                "B": plain(instrument.quantity(int(book.bid_lots[0]))), "a": plain(instrument.price(book.best_ask)),
                "A": plain(instrument.quantity(int(book.ask_lots[0]))), "T": now, "E": now,
            }))
        elif name.detail:
            self.subscribers.send(name, orjson.dumps(partial_depth(history, model, now, int(name.detail))))
        else:
            event = self._depth[name].next_event(now)
            if event is not None:
                self.subscribers.send(name, orjson.dumps(event))

    def _mark_event(self, history: SymbolHistory, now: int) -> dict[str, Any]:
        funding = history.listed.funding
        settled, price = funding.last_before(now), plain(history.listed.instrument.price(history.last_price(now)))
        return {
            "e": "markPriceUpdate", "E": now, "s": history.listed.instrument.symbol, "p": price, "i": price, "P": price,
            "r": f"{funding.rate[settled]:.8f}" if settled >= 0 else "", "T": next_funding_ms(funding, now),
        }

    def _send_kline(self, name: StreamName, history: SymbolHistory, row: I64, event_ms: int, *, closed: bool) -> None:
        self.subscribers.send(name, orjson.dumps(kline_event(history, name.detail, row, event_ms, closed=closed)))


def kline_event(history: SymbolHistory, interval: str, row: I64, event_ms: int, *, closed: bool) -> dict[str, Any]:
    """A bar (10,) as the kline stream tells it."""
    instrument = history.listed.instrument
    ts, open_, high, low, close, lots, quote, count, bought, bought_quote = (int(v) for v in row)
    minute = history.listed.bars.row_at(min(event_ms, ts + INTERVALS_MS[interval] - 1))
    first_row = int(np.searchsorted(history.listed.bars.ts_ms, ts))

    def value(amount: int) -> str:
        return plain(instrument.price(amount).scaleb(-instrument.quantity_decimals))

    return {
        "e": "kline", "E": event_ms, "s": instrument.symbol,
        "k": {
            "t": ts, "T": ts + INTERVALS_MS[interval] - 1, "s": instrument.symbol, "i": interval,
            "f": history.tape(first_row).first_id if count else -1,
            "L": _last_id(history, minute, event_ms) if count else -1,
            "o": plain(instrument.price(open_)), "c": plain(instrument.price(close)), "h": plain(instrument.price(high)),
            "l": plain(instrument.price(low)), "v": plain(instrument.quantity(lots)), "n": count, "x": closed, "q": value(quote),
            "V": plain(instrument.quantity(bought)), "Q": value(bought_quote), "B": "0",
        },
    }


def _last_id(history: SymbolHistory, row: int, event_ms: int) -> int:
    tape = history.tape(row)
    elapsed = event_ms - int(history.listed.bars.ts_ms[row])
    return tape.first_id + max(0, int(np.searchsorted(tape.offset_ms, elapsed, side="right")) - 1)


def _trade_event(name: StreamName, history: SymbolHistory, tape: MinuteTape, index: int, opened: int) -> dict[str, Any]:
    instrument, moment = history.listed.instrument, opened + int(tape.offset_ms[index])
    number = tape.first_id + index
    event = {
        "e": name.kind, "E": moment, "T": moment, "s": instrument.symbol, "p": plain(instrument.price(int(tape.price[index]))),
        "q": plain(instrument.quantity(int(tape.lots[index]))), "m": not tape.buyer[index],
    }
    return event | ({"a": number, "f": number, "l": number} if name.kind == "aggTrade" else {"t": number, "X": "MARKET"})

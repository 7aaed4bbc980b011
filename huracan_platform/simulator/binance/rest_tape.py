"""Public REST of the tape and the book: depth, trades, tickers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.book import BookView
from huracan_platform.simulator.exchange.day_statistics import day_statistics
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.market.tape import MinuteTape
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Query = Mapping[str, str]
DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1_000)
TRADES_MOST = 1_000
_RowOf = Callable[[Instrument, MinuteTape, int, int], dict[str, Any]]


def trade_row(instrument: Instrument, tape: MinuteTape, index: int, opened_ms: int) -> dict[str, Any]:
    """One trade as `/trades` answers it."""
    price, quantity = instrument.price(int(tape.price[index])), instrument.quantity(int(tape.lots[index]))
    return {
        "id": int(tape.ids[index]), "price": plain(price), "qty": plain(quantity), "quoteQty": plain(price * quantity),
        "time": opened_ms + int(tape.told_ms[index]), "isBuyerMaker": not tape.buyer[index],
    }


def aggregate_row(instrument: Instrument, tape: MinuteTape, index: int, opened_ms: int) -> dict[str, Any]:
    """One trade as `/aggTrades` answers it."""
    return {
        "a": int(tape.ids[index]), "p": plain(instrument.price(int(tape.price[index]))),
        "q": plain(instrument.quantity(int(tape.lots[index]))), "f": int(tape.first_ids[index]), "l": int(tape.last_ids[index]),
        "T": opened_ms + int(tape.told_ms[index]), "m": not tape.buyer[index],
    }


def levels(instrument: Instrument, ticks: Any, lots: Any) -> list[list[str]]:
    """One side of a book as pairs of text, a quantity of 0 lots included."""
    pairs = zip(ticks.tolist(), lots.tolist(), strict=True)
    return [[plain(instrument.price(price)), plain(instrument.quantity(quantity))] for price, quantity in pairs]


@dataclass(frozen=True)
class TapeEndpoints:
    """Handlers by path; each takes the query and returns the body as bytes."""

    venue: Venue
    books: Mapping[str, OrderBook]

    def depth(self, query: Query) -> bytes:
        """The book now, best first."""
        symbol = parameters.text(query, "symbol")
        instrument, now = self.venue.trading(symbol).instrument, self.venue.clock.market_ms()
        limit = parameters.limit(query, 500, DEPTH_LIMITS[-1])
        if limit not in DEPTH_LIMITS:
            raise VenueRefusal(-4021, f"{limit} is not valid depth limit.")
        book = self.books[symbol].at(now, limit)
        return orjson.dumps({
            "lastUpdateId": book.update_id, "E": now, "T": now, "bids": levels(instrument, book.bid_ticks, book.bid_lots),
            "asks": levels(instrument, book.ask_ticks, book.ask_lots),
        })

    def trades(self, query: Query) -> bytes:
        """The latest trades, oldest first."""
        return orjson.dumps(self._latest(self.venue.history(parameters.text(query, "symbol")), query, trade_row))

    def historical_trades(self, query: Query) -> bytes:
        """Trades from `fromId` on, oldest first; without it the latest."""
        history, first = self.venue.history(parameters.text(query, "symbol")), parameters.integer(query, "fromId")
        if first is None:
            return orjson.dumps(self._latest(history, query, trade_row))
        limit = parameters.limit(query, 500, TRADES_MOST)
        return orjson.dumps(self._from(history, history.row_of(first), (first, 0, None), limit, trade_row))

    def aggregate_trades(self, query: Query) -> bytes:
        """Trades from `fromId` or `startTime` on, oldest first; without either the latest."""
        history = self.venue.history(parameters.text(query, "symbol"))
        first, since, until = (parameters.integer(query, name) for name in ("fromId", "startTime", "endTime"))
        if first is None and since is None:
            return orjson.dumps(self._latest(history, query, aggregate_row))
        limit, rows = parameters.limit(query, 500, TRADES_MOST), history.listed.bars.ts_ms
        earliest = since or 0
        begin = max(0, int(np.searchsorted(rows, earliest, side="right")) - 1) if first is None else history.row_of(first)
        return orjson.dumps(self._from(history, begin, (first or 0, earliest, until), limit, aggregate_row))

    def _from(
        self, history: SymbolHistory, row: int, bounds: tuple[int, int, int | None], limit: int, row_of: _RowOf,
    ) -> list[dict[str, Any]]:
        """Trades of minute `row` and later ones within `bounds`: first id, first and last time."""
        first_id, earliest, until = bounds
        last_row, last_index = history.last_trade(self.venue.clock.market_ms())
        found: list[dict[str, Any]] = []
        while 0 <= row <= last_row and len(found) < limit:
            tape, opened = history.tape(row), int(history.listed.bars.ts_ms[row])
            stop = last_index + 1 if row == last_row else len(tape)
            for index in range(stop):
                moment = opened + int(tape.told_ms[index])
                if until is not None and moment > until:
                    return found[:limit]
                if tape.ids[index] >= first_id and moment >= earliest:
                    found.append(row_of(history.listed.instrument, tape, index, opened))
            row += 1
        return found[:limit]

    def _latest(self, history: SymbolHistory, query: Query, row_of: _RowOf) -> list[dict[str, Any]]:
        limit = parameters.limit(query, 500, TRADES_MOST)
        row, index = history.last_trade(self.venue.clock.market_ms())
        found: list[dict[str, Any]] = []
        while row >= 0 and len(found) < limit:
            tape, opened = history.tape(row), int(history.listed.bars.ts_ms[row])
            stop = index + 1 if not found else len(tape)
            found = [row_of(history.listed.instrument, tape, i, opened) for i in range(stop)] + found
            row -= 1
        return found[-limit:]

    def book_ticker(self, query: Query) -> bytes:
        """Best bid and ask; one object with symbol, a list without."""
        return self._each(query, self._book_ticker)

    def _book_ticker(self, symbol: str) -> dict[str, Any]:
        now = self.venue.clock.market_ms()
        book = self.books[symbol].at(now, 1)
        return {**best_of(self.venue.listed(symbol).instrument, symbol, book), "time": now, "lastUpdateId": book.update_id}

    def price_ticker(self, query: Query) -> bytes:
        """Last price; one object with symbol, a list without."""
        return self._each(query, self._price_ticker)

    def _price_ticker(self, symbol: str) -> dict[str, Any]:
        history, now = self.venue.history(symbol), self.venue.clock.market_ms()
        return {"symbol": symbol, "price": plain(history.listed.instrument.price(history.last_price(now))), "time": now}

    def day_ticker(self, query: Query) -> bytes:
        """Change over the last 24 hours; one object with symbol, a list without."""
        return self._each(query, self._day_ticker)

    def _day_ticker(self, symbol: str) -> dict[str, Any]:
        day = day_statistics(self.venue.history(symbol), self.venue.clock.market_ms())
        if day is None:
            raise VenueRefusal(-1122, "Invalid symbol status.")
        return {
            "symbol": symbol, "priceChange": plain(day.change), "priceChangePercent": day.change_percent,
            "weightedAvgPrice": plain(day.average), "lastPrice": plain(day.last), "lastQty": plain(day.last_quantity),
            "openPrice": plain(day.open), "highPrice": plain(day.high), "lowPrice": plain(day.low), "volume": plain(day.volume),
            "quoteVolume": plain(day.quote_volume), "openTime": day.open_ms, "closeTime": day.close_ms, "firstId": day.first_id,
            "lastId": day.last_id, "count": day.trades,
        }

    def _each(self, query: Query, answer: Callable[[str], dict[str, Any]]) -> bytes:
        if query.get("symbol"):
            return orjson.dumps(answer(self.venue.trading(query["symbol"]).instrument.symbol))
        return orjson.dumps([answer(s) for s in self.venue.traded])


def best_of(instrument: Instrument, symbol: str, book: BookView) -> dict[str, str]:
    """Best prices and quantities under the names of the book ticker."""
    return {
        "symbol": symbol, "bidPrice": plain(instrument.price(book.best_bid)),
        "bidQty": plain(instrument.quantity(int(book.bid_lots[0]))), "askPrice": plain(instrument.price(book.best_ask)),
        "askQty": plain(instrument.quantity(int(book.ask_lots[0]))),
    }

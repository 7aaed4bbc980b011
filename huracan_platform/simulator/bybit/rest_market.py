"""Public REST of prices: clock, contracts, bars, tickers, book and trades. Everything stops at the market clock's now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.rest_tape import levels
from huracan_platform.simulator.bybit import asked
from huracan_platform.simulator.bybit.asked import LINEAR, Asked
from huracan_platform.simulator.bybit.instruments import instrument_object, risk_limits, status_of
from huracan_platform.simulator.bybit.klines import INTERVALS, bar_end, chosen, rendered
from huracan_platform.simulator.bybit.problems import wrong
from huracan_platform.simulator.bybit.tickers import ticker_object
from huracan_platform.simulator.bybit.trades import latest, trade_object
from huracan_platform.simulator.exchange.book import MOST_LEVELS
from huracan_platform.simulator.exchange.order_book import OrderBook
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.price_bars import PREMIUM_DECIMALS, PriceKind, price_bars
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.venue import Venue

Result = dict[str, Any]
KLINES_MOST = 1_000
TRADES_MOST = 1_000
RISK_SYMBOLS = 15


@dataclass(frozen=True)
class MarketEndpoints:
    """Handlers by path; each takes the query and returns the result."""

    venue: Venue
    books: Mapping[str, OrderBook]

    def time(self, _query: Asked) -> Result:
        """GET /v5/market/time: the wire clock."""
        now = self.venue.clock.wire_ms()
        return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}

    def instruments(self, query: Asked) -> Result:
        """GET /v5/market/instruments-info"""
        status, now = query.get("status", "Trading"), self.venue.clock.market_ms()
        listed = (self.venue.listed(name) for name in asked.symbols(query, self.venue))
        names = [one.instrument.symbol for one in listed if one.is_announced(now) and status_of(one, now) == status]
        found, cursor = asked.page(query, names, asked.rows(query, 500, 1_000))
        rows = [instrument_object(self.venue.listed(s), now) for s in found]
        return {"category": query["category"], "list": rows, "nextPageCursor": cursor}

    def klines(self, query: Asked) -> Result:
        """GET /v5/market/kline: bars that have begun, newest first; the running one holds only the trades so far."""
        history, rows = self._bars(query)
        return _bar_list(history, rendered(history, rows, amounts=True))

    def price_klines(self, query: Asked) -> Result:
        """GET /v5/market/mark-price-kline: the last trade."""
        history, rows = self._bars(query)
        return _bar_list(history, rendered(history, rows, amounts=False))

    def index_klines(self, query: Asked) -> Result:
        """GET /v5/market/index-price-kline"""
        history, rows = self._bars(query)
        return _bar_list(history, rendered(history, self._derived("index", query, history, rows), amounts=False))

    def premium_klines(self, query: Asked) -> Result:
        """GET /v5/market/premium-index-price-kline, fractions"""
        history, rows = self._bars(query)
        return _bar_list(history, orjson.dumps([
            [str(row[0]), *(f"{value / 10**PREMIUM_DECIMALS:.{PREMIUM_DECIMALS}f}" for value in row[1:5])]
            for row in self._derived("premium", query, history, rows).tolist()
        ]))

    def _derived(self, kind: PriceKind, query: Asked, history: SymbolHistory, rows: I64) -> I64:
        now, oldest_first = self.venue.clock.market_ms(), rows[::-1]
        ends = np.array([bar_end(opened, query["interval"]) + 1 for opened in oldest_first[:, 0].tolist()], np.int64)
        return price_bars(kind, history.listed, oldest_first, ends, history.running("1m", now), now)[::-1]

    def _bars(self, query: Asked) -> tuple[SymbolHistory, I64]:
        symbol, interval = asked.symbol(query, self.venue), query.get("interval", "")
        if interval not in INTERVALS:
            raise wrong("Invalid period!")
        limit, history = asked.rows(query, 200, KLINES_MOST), self.venue.history(symbol)
        since, until = parameters.integer(query, "start"), parameters.integer(query, "end")
        if since is not None and until is not None and until < since:
            raise wrong("start should be less than end")
        return history, chosen(history, interval, self.venue.clock.market_ms(), since, until, limit)

    def tickers(self, query: Asked) -> Result:
        """GET /v5/market/tickers"""
        now = self.venue.clock.market_ms()
        names = asked.symbols(query, self.venue)
        if query.get("symbol"):
            names = [self.venue.trading(name).instrument.symbol for name in names]
        rows = [ticker_object(self.venue.history(s), self.books[s], now) for s in names if s in self.venue.traded]
        return {"category": query["category"], "list": rows}

    def orderbook(self, query: Asked) -> Result:
        """GET /v5/market/orderbook: the book now, best first."""
        symbol, limit = asked.symbol(query, self.venue), asked.rows(query, 25, MOST_LEVELS)
        instrument, now = self.venue.trading(symbol).instrument, self.venue.clock.market_ms()
        book = self.books[symbol].at(now, limit)
        return {
            "s": symbol, "b": levels(instrument, book.bid_ticks, book.bid_lots),
            "a": levels(instrument, book.ask_ticks, book.ask_lots), "ts": now, "u": book.update_id, "seq": book.update_id,
            "cts": now,
        }

    def recent_trades(self, query: Asked) -> Result:
        """GET /v5/market/recent-trade: newest first."""
        history = self.venue.history(asked.symbol(query, self.venue))
        found = latest(history, self.venue.clock.market_ms(), asked.rows(query, 500, TRADES_MOST))
        return {"category": LINEAR, "list": [trade_object(history, *trade) for trade in found]}

    def risk_limit(self, query: Asked) -> Result:
        """GET /v5/market/risk-limit: the tiers of one symbol, or of several, fifteen symbols a page."""
        names, cursor = asked.page(query, asked.symbols(query, self.venue), RISK_SYMBOLS)
        return {
            "category": query["category"], "list": [tier for s in names for tier in risk_limits(s)], "nextPageCursor": cursor,
        }


def _bar_list(history: SymbolHistory, rows: bytes) -> Result:
    return {"category": LINEAR, "symbol": history.listed.instrument.symbol, "list": orjson.Fragment(rows)}

"""Public REST: rules, clock, klines and funding. Everything stops at the market clock's now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from huracan_platform.simulator.binance.exchange_info import exchange_info
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.price_bars import PREMIUM_DECIMALS, PriceKind, price_bars
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory, render_rows
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Query = Mapping[str, str]
KLINES_MOST = 1_500
FUNDING_MOST = 1_000
INTEREST_RATE = "0.00010000"


@dataclass(frozen=True)
class _Bars:
    """Bars `first` to before `stop` of a series, of which `complete` have ended, and the `unfinished` one if it is asked for."""

    history: SymbolHistory
    interval: str
    first: int
    stop: int
    complete: int
    unfinished: I64

    def rows(self) -> I64:
        """All of them, (n, 10)."""
        complete = self.history.series(self.interval).rows[self.first : min(self.stop, self.complete)]
        return np.concatenate([complete, self.unfinished])


@dataclass(frozen=True)
class MarketEndpoints:
    """Handlers by path; each takes the query and returns the body as bytes."""

    venue: Venue

    def ping(self, _query: Query) -> bytes:
        """`{}`"""
        return b"{}"

    def time(self, _query: Query) -> bytes:
        """The wire clock."""
        return orjson.dumps({"serverTime": self.venue.clock.wire_ms()})

    def exchange_info(self, _query: Query) -> bytes:
        """Listed symbols with their filters."""
        return orjson.dumps(exchange_info(self.venue))

    def klines(self, query: Query) -> bytes:
        """Bars that have begun, oldest first; the running one holds only the trades so far."""
        return self._klines(query, "symbol")

    def continuous_klines(self, query: Query) -> bytes:
        """The same of a pair's perpetual, the only contract there is."""
        if parameters.text(query, "contractType") != "PERPETUAL":
            raise VenueRefusal(-1130, "Data sent for parameter 'contractType' is not valid.")
        return self._klines(query, "pair")

    def mark_price_klines(self, query: Query) -> bytes:
        """Bars of the mark price, which is the last trade: no volume."""
        return self._prices(query, "symbol")

    def index_price_klines(self, query: Query) -> bytes:
        """Bars of a pair's index price."""
        asked = self._asked(query, "pair")
        return _array(render_rows(self._derived("index", asked), asked.interval, asked.history.listed))

    def premium_index_klines(self, query: Query) -> bytes:
        """Bars of the premium of the mark over the index price, a fraction."""
        asked = self._asked(query, "symbol")
        step = INTERVALS_MS[asked.interval]
        return orjson.dumps([
            [opened, *(f"{value / 10**PREMIUM_DECIMALS:.{PREMIUM_DECIMALS}f}" for value in prices), "0", opened + step - 1,
             "0", 0, "0", "0", "0"]
            for opened, *prices in self._derived("premium", asked)[:, :5].tolist()
        ])

    def _klines(self, query: Query, name: str) -> bytes:
        asked = self._asked(query, name)
        body = asked.history.series(asked.interval).slice_bytes(asked.first, min(asked.stop, asked.complete))
        return _array(body + render_rows(asked.unfinished, asked.interval, asked.history.listed))

    def _prices(self, query: Query, name: str) -> bytes:
        asked = self._asked(query, name)
        rows = asked.rows()
        rows[:, 5:] = 0
        return _array(render_rows(rows, asked.interval, asked.history.listed))

    def _derived(self, kind: PriceKind, asked: _Bars) -> I64:
        now, rows = self.venue.clock.market_ms(), asked.rows()
        ends = rows[:, 0] + INTERVALS_MS[asked.interval]
        return price_bars(kind, asked.history.listed, rows, ends, asked.history.running("1m", now), now)

    def _asked(self, query: Query, name: str) -> _Bars:
        history, interval = self.venue.history(parameters.text(query, name)), parameters.text(query, "interval")
        if interval not in INTERVALS_MS:
            raise VenueRefusal(-1120, "Invalid interval.")
        limit = parameters.limit(query, 500, KLINES_MOST)
        since, until = parameters.integer(query, "startTime"), parameters.integer(query, "endTime")
        return _choose(history, interval, self.venue.clock.market_ms(), since, until, limit)

    def funding_rate(self, query: Query) -> bytes:
        """Settled rates with the time as recorded, oldest first; without symbol those of all symbols."""
        symbols = [parameters.text(query, "symbol")] if query.get("symbol") else list(self.venue.symbols)
        limit = parameters.limit(query, 100, FUNDING_MOST)
        since, until = parameters.integer(query, "startTime"), parameters.integer(query, "endTime")
        rows = [row for symbol in symbols for row in self._funding_rows(symbol, since, until, limit)]
        rows.sort(key=lambda row: row["fundingTime"])
        return orjson.dumps(rows if since is None else rows[:limit])

    def _funding_rows(self, symbol: str, since: int | None, until: int | None, limit: int) -> list[dict[str, Any]]:
        listed = self.venue.listed(symbol)
        funding, now = listed.funding, self.venue.clock.market_ms()
        first = 0 if since is None else int(np.searchsorted(funding.raw_ms, since))
        stop = int(np.searchsorted(funding.raw_ms, min(now, until if until is not None else now), side="right"))
        first, stop = (first, min(stop, first + limit)) if since is not None else (max(0, stop - limit), stop)
        return [
            {
                "symbol": symbol, "fundingTime": int(funding.raw_ms[i]), "fundingRate": f"{funding.rate[i]:.8f}",
                "markPrice": str(listed.instrument.price(int(funding.mark_ticks[i]))) if funding.mark_ticks[i] else "",
            }
            for i in range(first, stop)
        ]

    def funding_info(self, _query: Query) -> bytes:
        """Caps, floors and intervals of funding."""
        return orjson.dumps([
            {
                "symbol": s, "adjustedFundingRateCap": "0.00750000", "adjustedFundingRateFloor": "-0.00750000",
                "fundingIntervalHours": self.venue.listed(s).funding.interval_hours(self.venue.clock.market_ms()),
                "disclaimer": False,
            }
            for s in self.venue.traded
        ])

    def adl_risk(self, query: Query) -> bytes:
        """Risk of being deleveraged, always low: the insurance fund never runs dry. One object with symbol, a list without."""
        now = self.venue.clock.market_ms()
        names = [self.venue.trading(query["symbol"]).instrument.symbol] if query.get("symbol") else self.venue.traded
        rows = [{"symbol": s, "adlRisk": "low", "updateTime": now} for s in names]
        return orjson.dumps(rows[0] if query.get("symbol") else rows)

    def premium_index(self, query: Query) -> bytes:
        """Mark price, last settled rate and next settlement; one object with symbol, a list without."""
        if query.get("symbol"):
            return orjson.dumps(self._premium(self.venue.trading(query["symbol"]).instrument.symbol))
        return orjson.dumps([self._premium(s) for s in self.venue.traded])

    def _premium(self, symbol: str) -> dict[str, Any]:
        now = self.venue.clock.market_ms()
        premium = self.venue.history(symbol).premium(now)
        return {
            "symbol": symbol, "markPrice": str(premium.mark), "indexPrice": str(premium.index),
            "estimatedSettlePrice": str(premium.settle), "lastFundingRate": premium.rate_text, "interestRate": INTEREST_RATE,
            "nextFundingTime": premium.next_funding_ms, "time": now,
        }


def _choose(history: SymbolHistory, interval: str, now: int, since: int | None, until: int | None, limit: int) -> _Bars:
    series = history.series(interval)
    opens = series.rows[:, 0]
    complete = series.complete_before(now)
    running = history.running(interval, now)
    begun = complete + len(running)
    first = 0 if since is None else int(np.searchsorted(opens, since))
    stop = begun if until is None else min(begun, int(np.searchsorted(opens, until, side="right")))
    first, stop = (first, min(stop, first + limit)) if since is not None else (max(0, stop - limit), stop)
    return _Bars(history, interval, first, stop, complete, running if first <= complete < stop else running[:0])


def _array(rows: bytes) -> bytes:
    return b"[" + rows.rstrip(b",") + b"]"


def klines_weight(query: Query) -> int:
    """Weight of a klines request by its limit: < 100 rows 1, < 500 2, ≤ 1000 5, else 10."""
    rows = parameters.rows_asked(query, 500)
    return 1 if rows < 100 else 2 if rows < 500 else 5 if rows <= 1_000 else 10

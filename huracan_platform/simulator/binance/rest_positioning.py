"""Public REST of positioning: open interest, and the ratios under /futures/data with their one month of history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.market.bars import I64, Positioning
from huracan_platform.simulator.market.price_bars import price_bars
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory, roll_up
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Query = Mapping[str, str]
PERIODS = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")
HISTORY_MS = 30 * DAY_MS
ROWS_MOST = 500
SHARE = 10_000


@dataclass(frozen=True)
class PositioningEndpoints:
    """Handlers by path; each takes the query and returns the body as bytes."""

    venue: Venue

    def open_interest(self, query: Query) -> bytes:
        """GET /fapi/v1/openInterest: the latest known."""
        listed, now = self.venue.trading(parameters.text(query, "symbol")), self.venue.clock.market_ms()
        known = listed.positioning
        row = -1 if known is None else int(np.searchsorted(known.ts_ms, now, side="right")) - 1
        if known is None or row < 0:
            raise VenueRefusal(-1130, "openInterest: this market has none at this time.")
        amount = plain(listed.instrument.quantity(int(known.open_interest[row])))
        return orjson.dumps({"symbol": listed.instrument.symbol, "openInterest": amount, "time": int(known.ts_ms[row])})

    def open_interest_history(self, query: Query) -> bytes:
        """GET /futures/data/openInterestHist"""
        history = self._history(query)

        def row(known: Positioning, at: int) -> dict[str, Any]:
            instrument, moment = history.listed.instrument, int(known.ts_ms[at])
            amount = instrument.quantity(int(known.open_interest[at]))
            price = instrument.price(int(history.listed.bars.close[history.listed.bars.row_at(moment - 1)]))
            return {"sumOpenInterest": plain(amount), "sumOpenInterestValue": plain(amount * price)}

        return self._snapshots(query, history, row)

    def top_accounts(self, query: Query) -> bytes:
        """GET /futures/data/topLongShortAccountRatio"""
        return self._snapshots(query, self._history(query), lambda known, at: _ratio(int(known.top_long[at])))

    def top_positions(self, query: Query) -> bytes:
        """GET /futures/data/topLongShortPositionRatio: the largest accounts are taken to hold positions of one size."""
        return self.top_accounts(query)

    def all_accounts(self, query: Query) -> bytes:
        """GET /futures/data/globalLongShortAccountRatio"""
        return self._snapshots(query, self._history(query), lambda known, at: _ratio(int(known.long[at])))

    def taker_volume(self, query: Query) -> bytes:
        """GET /futures/data/takerlongshortRatio, from the trades themselves: complete periods by their open."""
        history, step = self._history(query), self._step(query)
        now, instrument = self.venue.clock.market_ms(), history.listed.instrument
        series = history.series("5m")
        rows = roll_up(series.rows[: series.complete_before(now)], query["period"])
        rows = rows[rows[:, 0] + step <= now]
        answer = []
        for at in self._chosen(query, rows[:, 0]):
            bought, sold = int(rows[at, 8]), int(rows[at, 5] - rows[at, 8])
            answer.append({
                "buySellRatio": f"{bought / sold:.4f}" if sold else "0", "buyVol": plain(instrument.quantity(bought)),
                "sellVol": plain(instrument.quantity(sold)), "timestamp": int(rows[at, 0]),
            })
        return orjson.dumps(answer)

    def basis(self, query: Query) -> bytes:
        """GET /futures/data/basis of a pair's perpetual: complete periods by their end."""
        history, step = self.venue.history(parameters.text(query, "pair")), self._step(query)
        if parameters.text(query, "contractType") != "PERPETUAL":
            raise VenueRefusal(-1130, "Data sent for parameter 'contractType' is not valid.")
        series, instrument = history.series(query["period"]), history.listed.instrument
        now = self.venue.clock.market_ms()
        ends = series.rows[: series.complete_before(now), 0] + step
        chosen = self._chosen(query, ends)
        rows = series.rows[chosen.start : chosen.stop]
        indices = price_bars("index", history.listed, rows, ends[chosen.start : chosen.stop], rows[:0], now)
        answer = []
        for at, traded, known in zip(chosen, rows[:, 4].tolist(), indices[:, 4].tolist(), strict=True):
            price, index = instrument.price(traded), instrument.price(known)
            answer.append({
                "indexPrice": plain(index), "futuresPrice": plain(price), "basis": plain(price - index),
                "basisRate": f"{price / index - 1:.4f}", "annualizedBasisRate": "",
                "contractType": "PERPETUAL", "pair": instrument.symbol, "timestamp": int(ends[at]),
            })
        return orjson.dumps(answer)

    def _history(self, query: Query) -> SymbolHistory:
        return self.venue.history(parameters.text(query, "symbol"))

    @staticmethod
    def _step(query: Query) -> int:
        period = parameters.text(query, "period")
        if period not in PERIODS:
            raise VenueRefusal(-1130, "Data sent for parameter 'period' is not valid.")
        return INTERVALS_MS[period]

    def _snapshots(self, query: Query, history: SymbolHistory, row: Callable[[Positioning, int], dict[str, Any]]) -> bytes:
        """Rows at whole periods, oldest first; none where the market has none recorded."""
        step, known = self._step(query), history.listed.positioning
        if known is None:
            return b"[]"
        whole = np.flatnonzero((known.ts_ms % step == 0) & (known.ts_ms <= self.venue.clock.market_ms()))
        chosen = self._chosen(query, known.ts_ms[whole])
        symbol = history.listed.instrument.symbol
        rows = [(int(whole[i]), int(known.ts_ms[whole[i]])) for i in chosen]
        return orjson.dumps([{"symbol": symbol, **row(known, at), "timestamp": moment} for at, moment in rows])

    def _chosen(self, query: Query, times: I64) -> range:
        """Which of the sorted times are asked for: from `startTime` on, else the latest; one month back at most."""
        limit, earliest = parameters.limit(query, 30, ROWS_MOST), self.venue.clock.market_ms() - HISTORY_MS
        since, until = parameters.integer(query, "startTime"), parameters.integer(query, "endTime")
        # A minute of grace: a client that asks for exactly a month back must not lose it on the way.
        if since is not None and since < earliest - MINUTE_MS:
            raise VenueRefusal(-1130, "parameter 'startTime' is invalid.")
        first = int(np.searchsorted(times, max(earliest, since or 0)))
        stop = len(times) if until is None else int(np.searchsorted(times, until, side="right"))
        return range(first, min(stop, first + limit)) if since is not None else range(max(first, stop - limit), stop)


def _ratio(long: int) -> dict[str, str]:
    """Shares of accounts from that of the long ones in 1/10,000."""
    short = SHARE - long
    return {"longShortRatio": f"{long / short:.4f}", "longAccount": f"{long / SHARE:.4f}", "shortAccount": f"{short / SHARE:.4f}"}

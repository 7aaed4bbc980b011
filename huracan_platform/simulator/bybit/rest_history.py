"""Public REST of funding and positioning, newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit import asked
from huracan_platform.simulator.bybit.asked import LINEAR, Asked
from huracan_platform.simulator.bybit.problems import wrong
from huracan_platform.simulator.market.bars import ListedSymbol, Positioning
from huracan_platform.simulator.market.series import INTERVALS_MS
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.venue import Venue

Result = dict[str, Any]
PERIODS = {"5min": "5m", "15min": "15m", "30min": "30m", "1h": "1h", "4h": "4h", "1d": "1d"}
FUNDING_MOST = 200
INTEREST_MOST = 200
RATIO_MOST = 500
SHARE = 10_000


@dataclass(frozen=True)
class HistoryEndpoints:
    """Handlers by path; each takes the query and returns the result."""

    venue: Venue

    def funding(self, query: Asked) -> Result:
        """GET /v5/market/funding/history: settled rates with the time as recorded; the latest up to `endTime`."""
        symbol, limit = asked.symbol(query, self.venue), asked.rows(query, FUNDING_MOST, FUNDING_MOST)
        since, until = parameters.integer(query, "startTime"), parameters.integer(query, "endTime")
        if since is not None and until is None:
            raise wrong("startTime without endTime")
        funding, now = self.venue.listed(symbol).funding, self.venue.clock.market_ms()
        first = 0 if since is None else int(np.searchsorted(funding.raw_ms, since))
        stop = int(np.searchsorted(funding.raw_ms, now if until is None else min(now, until), side="right"))
        rows = [
            {"symbol": symbol, "fundingRate": f"{funding.rate[i]:.8f}", "fundingRateTimestamp": str(int(funding.raw_ms[i]))}
            for i in range(stop - 1, max(first, stop - limit) - 1, -1)
        ]
        return {"category": LINEAR, "list": rows}

    def open_interest(self, query: Asked) -> Result:
        """GET /v5/market/open-interest"""
        def row(listed: ListedSymbol, known: Positioning, at: int) -> dict[str, str]:
            return {"openInterest": plain(listed.instrument.quantity(int(known.open_interest[at])))}

        result = self._snapshots(query, "intervalTime", INTEREST_MOST, row)
        return {"symbol": query["symbol"], "category": LINEAR, **result}

    def account_ratio(self, query: Asked) -> Result:
        """GET /v5/market/account-ratio: shares of accounts that are long and short."""
        def row(listed: ListedSymbol, known: Positioning, at: int) -> dict[str, str]:
            long = int(known.long[at])
            return {
                "symbol": listed.instrument.symbol, "buyRatio": f"{long / SHARE:.4f}",
                "sellRatio": f"{(SHARE - long) / SHARE:.4f}",
            }

        return self._snapshots(query, "period", RATIO_MOST, row)

    def _snapshots(
        self, query: Asked, name: str, most: int, row: Callable[[ListedSymbol, Positioning, int], dict[str, str]],
    ) -> Result:
        """Rows at whole periods; none where the market has none recorded."""
        listed, period = self.venue.listed(asked.symbol(query, self.venue)), query.get(name, "")
        if period not in PERIODS:
            raise wrong(f"{name} is invalid")
        limit, known = asked.rows(query, 50, most), listed.positioning
        since, until = parameters.integer(query, "startTime") or 0, parameters.integer(query, "endTime")
        if known is None:
            return {"list": [], "nextPageCursor": ""}
        now = self.venue.clock.market_ms()
        last = now if until is None else min(now, until)
        whole = (known.ts_ms % INTERVALS_MS[PERIODS[period]] == 0) & (known.ts_ms >= since) & (known.ts_ms <= last)
        rows, cursor = asked.page(query, np.flatnonzero(whole)[::-1].tolist(), limit)
        return {
            "list": [{**row(listed, known, at), "timestamp": str(int(known.ts_ms[at]))} for at in rows], "nextPageCursor": cursor,
        }

"""Bybit v5, linear contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from huracan_platform.contracts.market import Float64, Int64, OpenInterest
from huracan_platform.errors import PermanentError
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import MalformedRowsError, parse_klines
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.answers import listed, rates


class BybitWire:
    """Bybit v5, linear contracts. Its rows come newest first."""

    page_bars: int = 1000
    _page_rates = 200
    _intervals: ClassVar[Mapping[str, str]] = {"1m": "1", "1h": "60"}

    def __init__(self, client: Any, retry: ReadRetry) -> None:
        self._client, self._retry = client, retry

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /v5/market/kline"""
        window = {"start": start_ms, "end": end_ms - 1, "limit": self.page_bars}
        rows = self._rows("publicGetV5MarketKline", {"symbol": market_id, "interval": self._intervals[interval], **window})
        try:
            stamped = [(int(row[0]), *row[1:]) for row in rows[::-1]]
        except (LookupError, TypeError, ValueError) as error:
            raise MalformedRowsError(f"{what}: expected rows [open time, open, …], got {error!r}", rows) from None
        return parse_klines(stamped, what)

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /v5/market/funding/history: the latest up to an end, so that pages go back in time."""
        found: list[Any] = []
        last_ms = end_ms - 1
        while last_ms >= start_ms:
            window = {"startTime": start_ms, "endTime": last_ms, "limit": self._page_rates}
            page = self._rows("publicGetV5MarketFundingHistory", {"symbol": market_id, **window})
            found += page
            if len(page) < self._page_rates:
                break
            last_ms = int(rates(page, "fundingRateTimestamp", "fundingRate", what)[0].min()) - 1
        return rates(found[::-1], "fundingRateTimestamp", "fundingRate", what)

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Not asked for: this exchange does not tell what open interest is worth."""
        raise PermanentError(f"open interest {symbol}: expected a venue that tells its worth in USD (binanceusdm), got bybit")

    def fees(self, market_id: str) -> tuple[float, float]:
        """GET /v5/account/fee-rate"""
        (told,) = self._rows("privateGetV5AccountFeeRate", {"symbol": market_id})
        return float(told["makerFeeRate"]), float(told["takerFeeRate"])

    def _rows(self, endpoint: str, params: dict[str, Any]) -> list[Any]:
        def read() -> list[Any]:
            answer = call(self._client, endpoint, {"category": "linear", **params})
            return listed(endpoint, answer.get("result", {}).get("list") if isinstance(answer, dict) else answer)

        return self._retry(read)

"""Binance USD-M."""

from __future__ import annotations

from typing import Any

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.market import Float64, Int64, OpenInterest
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import KlineText, MalformedRowsError, keep_kline_text, parse_kline_text, parse_klines
from huracan_platform.venues.open_interest import PAGE_ROWS, PERIOD, PERIOD_MS, parse_open_interest
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.answers import listed, rates


class BinanceWire:
    """Binance USD-M."""

    # The venue gives up to 1500 klines a call; 1000 cost half the weight of 1500.
    page_bars: int = 1000
    _page_rates = 1000

    def __init__(self, client: Any, retry: ReadRetry) -> None:
        self._client, self._retry = client, retry
        keep_kline_text(client)

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/klines"""
        window = {"startTime": start_ms, "endTime": end_ms - 1, "limit": self.page_bars}

        def read() -> tuple[Int64, Float64]:
            answer = call(self._client, "fapiPublicGetKlines", {"symbol": market_id, "interval": interval, **window})
            if isinstance(answer, KlineText):
                return parse_kline_text(answer, what)
            return parse_klines(listed("fapiPublicGetKlines", answer), what)

        return self._retry(read)

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/fundingRate"""
        rows: list[Any] = []
        step = self._page_rates * HOUR_MS
        for at in range(start_ms, end_ms, step):
            window = {"startTime": at, "endTime": min(at + step, end_ms) - 1, "limit": self._page_rates}
            rows += self._rows("fapiPublicGetFundingRate", {"symbol": market_id, **window})
        return rates(rows, "fundingTime", "fundingRate", what)

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """GET /futures/data/openInterestHist"""
        rows: list[Any] = []
        step = PAGE_ROWS * PERIOD_MS
        for at in range(start_ms, end_ms, step):
            window = {"startTime": at, "endTime": min(at + step, end_ms) - 1, "limit": PAGE_ROWS}
            rows += self._rows("fapiDataGetOpenInterestHist", {"symbol": market_id, "period": PERIOD, **window})
        try:
            return parse_open_interest(symbol, rows, start_ms, end_ms)
        except (LookupError, TypeError, ValueError) as error:
            reason = f"open interest {symbol}: expected rows with timestamp, sumOpenInterest and its value, got {error!r}"
            raise MalformedRowsError(reason, rows) from None

    def fees(self, market_id: str) -> tuple[float, float]:
        """GET /fapi/v1/commissionRate"""
        told = self._retry(lambda: call(self._client, "fapiPrivateGetCommissionRate", {"symbol": market_id}))
        return float(told["makerCommissionRate"]), float(told["takerCommissionRate"])

    def _rows(self, endpoint: str, params: dict[str, Any]) -> list[Any]:
        return self._retry(lambda: listed(endpoint, call(self._client, endpoint, params)))

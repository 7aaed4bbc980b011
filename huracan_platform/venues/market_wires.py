"""Rows of market data as each exchange asks for and answers with them; every read of a page is retried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.market import Float64, Int64, OpenInterest
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import KlineText, MalformedRowsError, keep_kline_text, parse_kline_text, parse_klines
from huracan_platform.venues.open_interest import PAGE_ROWS, PERIOD, PERIOD_MS, parse_open_interest
from huracan_platform.venues.retry import ReadRetry


class Wire(Protocol):
    """Market data in the words of one exchange. `market_id` is the exchange's own name of a symbol, `what` names the rows
    in errors; windows are [start_ms, end_ms)."""

    page_bars: int

    def __init__(self, client: Any, retry: ReadRetry) -> None: ...

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Opens and (n, 5) values of the bars, 1m or 1h, that began in a window of at most `page_bars`, oldest first."""
        ...

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """Times as stamped and rates of the settlements in the window, oldest first."""
        ...

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots every 5 minutes in the window, oldest first."""
        ...

    def fees(self, market_id: str) -> tuple[float, float]:
        """What the account pays as maker and as taker, fractions of notional."""
        ...


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
            return parse_klines(_listed("fapiPublicGetKlines", answer), what)

        return self._retry(read)

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/fundingRate"""
        rows: list[Any] = []
        step = self._page_rates * HOUR_MS
        for at in range(start_ms, end_ms, step):
            window = {"startTime": at, "endTime": min(at + step, end_ms) - 1, "limit": self._page_rates}
            rows += self._rows("fapiPublicGetFundingRate", {"symbol": market_id, **window})
        return _rates(rows, "fundingTime", "fundingRate", what)

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
        return self._retry(lambda: _listed(endpoint, call(self._client, endpoint, params)))


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
            last_ms = int(_rates(page, "fundingRateTimestamp", "fundingRate", what)[0].min()) - 1
        return _rates(found[::-1], "fundingRateTimestamp", "fundingRate", what)

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
            return _listed(endpoint, answer.get("result", {}).get("list") if isinstance(answer, dict) else answer)

        return self._retry(read)


# By ccxt's id of the exchange.
WIRES: Mapping[str, type[Wire]] = {"binanceusdm": BinanceWire, "bybit": BybitWire}


def _listed(endpoint: str, answer: Any) -> list[Any]:
    if not isinstance(answer, list):  # truncated JSON comes back as text, with status 200
        raise TransientError(f"{endpoint}: expected a list, got {type(answer).__name__} {str(answer)[:80]!r}")
    return answer


def _rates(rows: Sequence[Any], time: str, rate: str, what: str) -> tuple[Int64, Float64]:
    try:
        ts = np.array([int(row[time]) for row in rows], np.int64)
        return ts, np.array([float(row[rate]) for row in rows], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedRowsError(f"{what}: expected rows with {time} and {rate}, got {error!r}", rows) from None

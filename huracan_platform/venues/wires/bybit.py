"""Bybit v5, linear contracts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from huracan_platform.contracts.market import (
    STEP_MS,
    AccountRatios,
    Float64,
    Instrument,
    Int64,
    Listed,
    ListingStatus,
    OpenInterest,
    TakerVolumes,
)
from huracan_platform.errors import UntoldError
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import parse_klines
from huracan_platform.venues.mark_prices import Prices
from huracan_platform.venues.open_interest import worth
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.answers import columns, joined, listed, stamped
from huracan_platform.venues.wires.contracts import UNBOUNDED, Contract, catalogued, moment, unified
from huracan_platform.venues.wires.wire import Kept, PriceKind

_CLOSE = 4
_PRICES: Mapping[PriceKind, str] = {
    "mark": "publicGetV5MarketMarkPriceKline",
    "index": "publicGetV5MarketIndexPriceKline",
    "premium": "publicGetV5MarketPremiumIndexPriceKline",
}
# Asked for one by one: without a status only those that trade are told.
_STATUS: Mapping[str, ListingStatus] = {
    "Trading": "trading", "PreLaunch": "pending", "Delivering": "halted", "Closed": "delisted",
}


class BybitWire:
    """Bybit v5, linear contracts. Its rows come newest first, those of a page up to its end, the rest behind a cursor."""

    page_bars: int = 1000
    kept_ms: ClassVar[Mapping[Kept, int]] = {}
    _page_contracts = 1000
    _page_rates = 200
    _page_interest = 200
    _page_ratios = 500
    _intervals: ClassVar[Mapping[str, str]] = {"1m": "1", "1h": "60"}

    def __init__(self, client: Any, retry: ReadRetry) -> None:
        self._client, self._retry = client, retry

    def contracts(self, venue: str) -> list[Contract]:
        """GET /v5/market/instruments-info"""
        asked = ({"status": status, "limit": self._page_contracts} for status in _STATUS)
        rows = [row for one in asked for row in self._by_cursor("publicGetV5MarketInstrumentsInfo", one)]
        return catalogued(rows, lambda row: self._contract(row, venue), f"instruments of {venue}")

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /v5/market/kline"""
        window = {"start": start_ms, "end": end_ms - 1, "limit": self.page_bars}
        rows = self._rows("publicGetV5MarketKline", {"symbol": market_id, "interval": self._intervals[interval], **window})
        return parse_klines(stamped(rows, what), what)

    def prices(self, kind: PriceKind, market_id: str, start_ms: int, end_ms: int, what: str) -> Prices:
        """GET /v5/market/mark-price-kline, index-price-kline, premium-index-price-kline"""
        pages, step = [], self.page_bars * STEP_MS
        for at in range(start_ms, end_ms, step):
            window = {"start": at, "end": min(at + step, end_ms) - 1, "limit": self.page_bars}
            rows = self._rows(_PRICES[kind], {"symbol": market_id, "interval": "5", **window})
            ts, (close,) = columns(rows[::-1], 0, [_CLOSE], what)
            pages.append((ts, close))
        return joined(pages)

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
            last_ms = int(columns(page, "fundingRateTimestamp", [], what)[0].min()) - 1
        ts, (rate,) = columns(found[::-1], "fundingRateTimestamp", ["fundingRate"], what)
        return ts, rate

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """GET /v5/market/open-interest, which tells base units; what they are worth is told by the mark price of the moment."""
        what, asked = f"open interest {symbol}", {"symbol": market_id, "intervalTime": "5min"}
        rows = self._window("publicGetV5MarketOpenInterest", asked, start_ms, end_ms, self._page_interest)
        ts, (contracts,) = columns(rows, "timestamp", ["openInterest"], what)
        return worth(symbol, ts, contracts, self.prices("mark", market_id, start_ms - STEP_MS, end_ms, f"mark prices {symbol}"))

    def account_ratios(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """GET /v5/market/account-ratio"""
        asked = {"symbol": market_id, "period": "5min"}
        rows = self._window("publicGetV5MarketAccountRatio", asked, start_ms, end_ms, self._page_ratios)
        ts, (long_share,) = columns(rows, "timestamp", ["buyRatio"], f"account ratios {symbol}")
        return AccountRatios(symbol, ts, long_share)

    def taker_volumes(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """Bybit has no endpoint for it."""
        raise UntoldError(f"taker volumes {symbol}: expected a venue that tells them (binanceusdm, okx), got bybit")

    def fees(self, market_id: str) -> tuple[float, float]:
        """GET /v5/account/fee-rate"""
        (told,) = self._rows("privateGetV5AccountFeeRate", {"symbol": market_id})
        return float(told["makerFeeRate"]), float(told["takerFeeRate"])

    def _contract(self, row: dict[str, Any], venue: str) -> Contract | None:
        if row["contractType"] != "LinearPerpetual" or row["quoteCoin"] != row["settleCoin"]:
            return None
        lots = row["lotSizeFilter"]
        instrument = Instrument(
            venue=venue,
            symbol=unified(self._client, row["baseCoin"], row["quoteCoin"], row["settleCoin"]),
            tick_size=Decimal(row["priceFilter"]["tickSize"]),
            lot_size=Decimal(lots["qtyStep"]),
            min_quantity=Decimal(lots["minOrderQty"]),
            min_notional=Decimal(lots.get("minNotionalValue") or 0),
            max_quantity=Decimal(lots["maxOrderQty"]) or UNBOUNDED,
        )
        status = _STATUS.get(row["status"], "halted")
        return Contract(row["symbol"], Listed(instrument, status, int(row["launchTime"]), moment(row["deliveryTime"])))

    def _window(self, endpoint: str, asked: dict[str, Any], start_ms: int, end_ms: int, most: int) -> list[Any]:
        """Rows of a window, oldest first."""
        window = {"startTime": start_ms, "endTime": end_ms - 1, "limit": most}
        return self._by_cursor(endpoint, {**asked, **window})[::-1] if start_ms < end_ms else []

    def _by_cursor(self, endpoint: str, asked: dict[str, Any]) -> list[Any]:
        """Rows of all pages, in the order told."""
        found: list[Any] = []
        cursor = ""
        while True:
            result = self._result(endpoint, {**asked, **({"cursor": cursor} if cursor else {})})
            page, cursor = listed(endpoint, result.get("list")), str(result.get("nextPageCursor") or "")
            found += page
            if not page or not cursor:
                return found

    def _rows(self, endpoint: str, params: dict[str, Any]) -> list[Any]:
        return listed(endpoint, self._result(endpoint, params).get("list"))

    def _result(self, endpoint: str, params: dict[str, Any]) -> dict[str, Any]:
        """`result` of the answer's envelope, with its list."""
        def read() -> dict[str, Any]:
            answer = call(self._client, endpoint, {"category": "linear", **params})
            result = answer.get("result", {}) if isinstance(answer, dict) else {"list": answer}
            listed(endpoint, result.get("list"))
            return dict(result)

        return self._retry(read)

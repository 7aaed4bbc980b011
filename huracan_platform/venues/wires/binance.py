"""Binance USD-M."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from huracan_platform.clock import DAY_MS, HOUR_MS
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
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import KlineText, keep_kline_text, parse_kline_text, parse_klines
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.answers import columns, joined, listed
from huracan_platform.venues.wires.contracts import UNBOUNDED, Contract, catalogued, unified
from huracan_platform.venues.wires.wire import Kept, PriceKind

# "Only the data of the latest 1 month is available"; a start before it is refused with -1130.
STATISTICS_KEPT_MS = 30 * DAY_MS
_CLOSE = 3
# Bars of an index belong to a pair, those of the others to a symbol; the two have one name for a perpetual.
_PRICES: Mapping[PriceKind, tuple[str, str]] = {
    "mark": ("fapiPublicGetMarkPriceKlines", "symbol"),
    "index": ("fapiPublicGetIndexPriceKlines", "pair"),
    "premium": ("fapiPublicGetPremiumIndexKlines", "symbol"),
}
# What a perpetual that is not to be delisted has as its delivery date.
_NEVER_MS = 4_133_404_800_000
_STATUS: Mapping[str, ListingStatus] = {
    "PENDING_TRADING": "pending", "TRADING": "trading", "DELIVERED": "delisted", "SETTLING": "delisted", "CLOSE": "delisted",
}


class BinanceWire:
    """Binance USD-M. Its rows come oldest first, those of a page from its `startTime` on."""

    # The venue gives up to 1500 klines a call; 1000 cost half the weight of 1500.
    page_bars: int = 1000
    kept_ms: ClassVar[Mapping[Kept, int]] = {
        "open_interest": STATISTICS_KEPT_MS, "account_ratios": STATISTICS_KEPT_MS, "taker_volumes": STATISTICS_KEPT_MS,
    }
    _page_rates = 1000
    _page_statistics = 500

    def __init__(self, client: Any, retry: ReadRetry) -> None:
        self._client, self._retry = client, retry
        keep_kline_text(client)

    def contracts(self, venue: str) -> list[Contract]:
        """GET /fapi/v1/exchangeInfo: those that were delisted stay in it, as SETTLING."""
        def read() -> list[Any]:
            answer = call(self._client, "fapiPublicGetExchangeInfo")
            return listed("fapiPublicGetExchangeInfo", answer.get("symbols") if isinstance(answer, dict) else answer)

        return catalogued(self._retry(read), lambda row: self._contract(row, venue), f"exchangeInfo of {venue}")

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/klines"""
        return self._klines("fapiPublicGetKlines", {"symbol": market_id, "interval": interval}, start_ms, end_ms, what)

    def prices(self, kind: PriceKind, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/markPriceKlines, indexPriceKlines, premiumIndexKlines"""
        endpoint, name = _PRICES[kind]
        asked, step = {name: market_id, "interval": "5m"}, self.page_bars * STEP_MS
        pages = [
            self._klines(endpoint, asked, at, min(at + step, end_ms), what) for at in range(start_ms, end_ms, step)
        ]
        return joined([(ts, values[:, _CLOSE]) for ts, values in pages])

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /fapi/v1/fundingRate"""
        window = (start_ms, end_ms, self._page_rates, HOUR_MS)
        ts, (rate,) = columns(
            self._pages("fapiPublicGetFundingRate", {"symbol": market_id}, *window), "fundingTime", ["fundingRate"], what
        )
        return ts, rate

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """GET /futures/data/openInterestHist"""
        rows = self._statistics("fapiDataGetOpenInterestHist", market_id, start_ms, end_ms)
        names = ["sumOpenInterest", "sumOpenInterestValue"]
        ts, (contracts, value_usd) = columns(rows, "timestamp", names, f"open interest {symbol}")
        return OpenInterest(symbol, ts, contracts, value_usd).between(start_ms, end_ms)

    def account_ratios(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """GET /futures/data/globalLongShortAccountRatio"""
        rows = self._statistics("fapiDataGetGlobalLongShortAccountRatio", market_id, start_ms, end_ms)
        ts, (long_share,) = columns(rows, "timestamp", ["longAccount"], f"account ratios {symbol}")
        return AccountRatios(symbol, ts, long_share).between(start_ms, end_ms)

    def taker_volumes(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """GET /futures/data/takerlongshortRatio"""
        rows = self._statistics("fapiDataGetTakerlongshortRatio", market_id, start_ms, end_ms)
        ts, (buy, sell) = columns(rows, "timestamp", ["buyVol", "sellVol"], f"taker volumes {symbol}")
        return TakerVolumes(symbol, ts, buy, sell).between(start_ms, end_ms)

    def fees(self, market_id: str) -> tuple[float, float]:
        """GET /fapi/v1/commissionRate"""
        told = self._retry(lambda: call(self._client, "fapiPrivateGetCommissionRate", {"symbol": market_id}))
        return float(told["makerCommissionRate"]), float(told["takerCommissionRate"])

    def _contract(self, row: dict[str, Any], venue: str) -> Contract | None:
        ends = int(row["deliveryDate"])
        # Some perpetuals have no contract type while they are pending.
        perpetual = row["contractType"] == "PERPETUAL" or (not row["contractType"] and ends == _NEVER_MS)
        if not perpetual or row["quoteAsset"] != row["marginAsset"]:
            return None
        rules = {rule["filterType"]: rule for rule in row["filters"]}
        lots = rules["LOT_SIZE"]
        instrument = Instrument(
            venue=venue,
            symbol=unified(self._client, row["baseAsset"], row["quoteAsset"], row["marginAsset"]),
            tick_size=Decimal(rules["PRICE_FILTER"]["tickSize"]),
            lot_size=Decimal(lots["stepSize"]),
            min_quantity=Decimal(lots["minQty"]),
            min_notional=Decimal(rules.get("MIN_NOTIONAL", {}).get("notional", 0)),
            max_quantity=Decimal(lots["maxQty"]) or UNBOUNDED,
        )
        status = _STATUS.get(row["status"], "halted")
        return Contract(row["symbol"], Listed(instrument, status, int(row["onboardDate"]), None if ends == _NEVER_MS else ends))

    def _klines(
        self, endpoint: str, asked: dict[str, str], start_ms: int, end_ms: int, what: str
    ) -> tuple[Int64, Float64]:
        window = {"startTime": start_ms, "endTime": end_ms - 1, "limit": self.page_bars}

        def read() -> tuple[Int64, Float64]:
            answer = call(self._client, endpoint, {**asked, **window})
            if isinstance(answer, KlineText):
                return parse_kline_text(answer, what)
            return parse_klines(listed(endpoint, answer), what)

        return self._retry(read)

    def _statistics(self, endpoint: str, market_id: str, start_ms: int, end_ms: int) -> list[Any]:
        return self._pages(endpoint, {"symbol": market_id, "period": "5m"}, start_ms, end_ms, self._page_statistics, STEP_MS)

    def _pages(
        self, endpoint: str, asked: dict[str, str], start_ms: int, end_ms: int, most: int, step_ms: int
    ) -> list[Any]:
        """Rows of a window in pages of at most `most` of them, `step_ms` apart or more."""
        rows: list[Any] = []
        for at in range(start_ms, end_ms, most * step_ms):
            window = {"startTime": at, "endTime": min(at + most * step_ms, end_ms) - 1, "limit": most}
            rows += self._rows(endpoint, {**asked, **window})
        return rows

    def _rows(self, endpoint: str, params: dict[str, Any]) -> list[Any]:
        return self._retry(lambda: listed(endpoint, call(self._client, endpoint, params)))

"""OKX v5, linear swaps.

Unrecorded: rows of candles, funding, open interest, account ratios and instruments, and how their pages are bounded, are those of
ccxt 4.5.90's parsers; premium-history and taker-volume-contract, which it does not read, those of the vendor's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
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
from huracan_platform.errors import PermanentError
from huracan_platform.venues.client import call
from huracan_platform.venues.klines import parse_klines
from huracan_platform.venues.mark_prices import Prices
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires.answers import columns, joined, listed, stamped
from huracan_platform.venues.wires.contracts import UNBOUNDED, Contract, catalogued, moment, unified
from huracan_platform.venues.wires.wire import Kept, PriceKind

_STATUS: Mapping[str, ListingStatus] = {"preopen": "pending", "live": "trading", "suspend": "halted"}
_SWAP = "-SWAP"
# The endpoint of the last bars, and how many of them it has; what is older has an endpoint of its own.
_RECENT_BARS = 1_439
_CANDLES = ("publicGetMarketCandles", "publicGetMarketHistoryCandles")
_PRICES: Mapping[PriceKind, tuple[str, str]] = {
    "mark": ("publicGetMarketMarkPriceCandles", "publicGetMarketHistoryMarkPriceCandles"),
    "index": ("publicGetMarketIndexCandles", "publicGetMarketHistoryIndexCandles"),
}
_CLOSE = 4
_BASE_VOLUME = 6
_CONFIRMED = "1"


class OkxWire:
    """OKX v5, linear swaps. Its rows come newest first, and both bounds of a page are exclusive.

    Amounts are asked for, or read, in base units: what OKX calls volume counts contracts, each of which is `ctVal` of base.
    """

    page_bars: int = 300
    kept_ms: ClassVar[Mapping[Kept, int]] = {
        # "data up to three months"; "premium data in the past 6 months"; statistics are the latest 1440 entries.
        "funding": 90 * DAY_MS, "mark_prices": 180 * DAY_MS, "open_interest": 1_440 * STEP_MS,
        "account_ratios": 1_440 * STEP_MS, "taker_volumes": 1_440 * STEP_MS,
    }
    _page = 100
    _intervals: ClassVar[Mapping[str, tuple[str, int]]] = {"1m": ("1m", MINUTE_MS), "1h": ("1H", HOUR_MS)}

    def __init__(self, client: Any, retry: ReadRetry) -> None:
        self._client, self._retry = client, retry

    def contracts(self, venue: str) -> list[Contract]:
        """GET /api/v5/public/instruments: what was delisted is not in it any more."""
        rows = self._rows("publicGetPublicInstruments", {"instType": "SWAP"})
        return catalogued(rows, lambda row: self._contract(row, venue), f"instruments of {venue}")

    def bars(self, market_id: str, interval: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /api/v5/market/candles, history-candles"""
        bar, bar_ms = self._intervals[interval]
        rows = self._candles(_CANDLES, {"instId": market_id, "bar": bar}, (start_ms, end_ms), bar_ms, self.page_bars)
        confirmed = [(*row[:_CLOSE + 1], row[_BASE_VOLUME]) for row in stamped(rows, what) if row[-1] == _CONFIRMED]
        return parse_klines(confirmed, what)

    def prices(self, kind: PriceKind, market_id: str, start_ms: int, end_ms: int, what: str) -> Prices:
        """GET /api/v5/market/mark-price-candles, index-candles, and those of history; /api/v5/public/premium-history"""
        if kind == "premium":
            return self._premium(market_id, start_ms, end_ms, what)
        # An index belongs to a family of instruments.
        name = market_id.removesuffix(_SWAP) if kind == "index" else market_id
        pages, step = [], self._page * STEP_MS
        for at in range(start_ms, end_ms, step):
            window = (at, min(at + step, end_ms))
            rows = self._candles(_PRICES[kind], {"instId": name, "bar": "5m"}, window, STEP_MS, self._page)
            ts, (close,) = columns([row for row in rows[::-1] if row[-1] == _CONFIRMED], 0, [_CLOSE], what)
            pages.append((ts, close))
        return joined(pages)

    def rates(self, market_id: str, start_ms: int, end_ms: int, what: str) -> tuple[Int64, Float64]:
        """GET /api/v5/public/funding-rate-history: what was paid, not what had been expected."""
        rows = self._back("publicGetPublicFundingRateHistory", {"instId": market_id}, "fundingTime", start_ms, end_ms, what)
        ts, (rate,) = columns(rows, "fundingTime", ["realizedRate"], what)
        return ts, rate

    def open_interest(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """GET /api/v5/rubik/stat/contracts/open-interest-history: [time, contracts, base, USD]"""
        rows = self._statistics("publicGetRubikStatContractsOpenInterestHistory", {"instId": market_id}, start_ms, end_ms)
        ts, (base, value_usd) = columns(rows, 0, [2, 3], f"open interest {symbol}")
        return OpenInterest(symbol, ts, base, value_usd)

    def account_ratios(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """GET /api/v5/rubik/stat/contracts/long-short-account-ratio-contract: [time, long accounts per short one]"""
        endpoint = "publicGetRubikStatContractsLongShortAccountRatioContract"
        ts, (ratio,) = columns(
            self._statistics(endpoint, {"instId": market_id}, start_ms, end_ms), 0, [1], f"account ratios {symbol}"
        )
        return AccountRatios(symbol, ts, ratio / (1 + ratio))

    def taker_volumes(self, market_id: str, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """GET /api/v5/rubik/stat/taker-volume-contract: [time, sold, bought], of unit 0 in base"""
        asked = {"instId": market_id, "unit": "0"}
        rows = self._statistics("publicGetRubikStatTakerVolumeContract", asked, start_ms, end_ms)
        ts, (sell, buy) = columns(rows, 0, [1, 2], f"taker volumes {symbol}")
        return TakerVolumes(symbol, ts, buy, sell)

    def fees(self, market_id: str) -> tuple[float, float]:
        """Not asked for: its private endpoints want a passphrase, which no setting has."""
        raise PermanentError(f"fees {market_id}: expected an exchange that tells them to a key alone, got okx")

    def _contract(self, row: dict[str, Any], venue: str) -> Contract | None:
        # What is announced only has a name; it is of no type yet.
        status = _STATUS.get(row["state"])
        if status is None or row.get("ctType") != "linear":
            return None
        base, quote = row["uly"].split("-")
        if quote != row["settleCcy"]:
            return None
        size = Decimal(row["ctVal"]) * Decimal(row.get("ctMult") or 1)
        instrument = Instrument(
            venue=venue,
            symbol=unified(self._client, base, quote, row["settleCcy"]),
            tick_size=Decimal(row["tickSz"]),
            lot_size=size * Decimal(row["lotSz"]),
            min_quantity=size * Decimal(row["minSz"]),
            min_notional=Decimal(0),
            max_quantity=size * Decimal(row.get("maxLmtSz") or UNBOUNDED),
        )
        return Contract(row["instId"], Listed(instrument, status, int(row["listTime"]), moment(row["expTime"])), size)

    def _premium(self, market_id: str, start_ms: int, end_ms: int, what: str) -> Prices:
        """The last premium told in each 5 minutes that began in the window, by their open."""
        start_ms, end_ms = (-(-at // STEP_MS) * STEP_MS for at in (start_ms, end_ms))
        rows = self._back("publicGetPublicPremiumHistory", {"instId": market_id}, "ts", start_ms, end_ms, what)
        ts, (premium,) = columns(rows, "ts", ["premium"], what)
        opened = ts // STEP_MS * STEP_MS
        last = np.flatnonzero(np.diff(opened, append=-1))
        return opened[last], premium[last]

    def _candles(
        self, endpoints: tuple[str, str], asked: dict[str, Any], window: tuple[int, int], bar_ms: int, most: int
    ) -> list[Any]:
        recent = window[0] >= self._client.milliseconds() - _RECENT_BARS * bar_ms
        bounds = {"before": window[0] - 1, "after": window[1], "limit": most}
        return self._rows(endpoints[0] if recent else endpoints[1], {**asked, **bounds})

    def _statistics(self, endpoint: str, asked: dict[str, Any], start_ms: int, end_ms: int) -> list[Any]:
        """Rows of a window of 5-minute statistics, oldest first."""
        found: list[Any] = []
        step = self._page * STEP_MS
        for at in range(start_ms, end_ms, step):
            bounds = {"begin": at - 1, "end": min(at + step, end_ms), "limit": self._page}
            found += self._rows(endpoint, {**asked, "period": "5m", **bounds})[::-1]
        return found

    def _back(
        self, endpoint: str, asked: dict[str, Any], time: str, start_ms: int, end_ms: int, what: str
    ) -> list[Any]:
        """Rows of a window, oldest first, by pages that go back from its end: how many it holds is not known before."""
        found: list[Any] = []
        first_ms = end_ms
        while first_ms > start_ms:
            page = self._rows(endpoint, {**asked, "after": first_ms, "limit": self._page})
            if not page:
                break
            ts = columns(page, time, [], what)[0]
            found += [row for row, at in zip(page, ts.tolist(), strict=True) if at >= start_ms]
            if int(ts.min()) >= first_ms:  # pages that do not go back would never end
                break
            first_ms = int(ts.min())
        return found[::-1]

    def _rows(self, endpoint: str, params: dict[str, Any]) -> list[Any]:
        def read() -> list[Any]:
            answer = call(self._client, endpoint, params)
            return listed(endpoint, answer.get("data") if isinstance(answer, dict) else answer)

        return self._retry(read)

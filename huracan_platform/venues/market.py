"""Market data of one venue: closed candles, funding, open interest, instruments, fees and the two clocks.

ccxt does the HTTP, the limits and the error mapping. Rows are read from its raw endpoints (`wires`), because its own
parser of klines spends 4.9 µs on a row that costs 0.2 µs as arrays, and because it drops the difference between a row that
is missing and one that is malformed, which the quality checks need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, MappedClock, MarketTime, SystemClock
from huracan_platform.contracts.market import (
    STEP_MS,
    AccountRatios,
    Candles,
    FundingRates,
    Instrument,
    Listed,
    MarkPrices,
    OpenInterest,
    TakerVolumes,
)
from huracan_platform.errors import ConfigurationError, PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.catalogue import Catalogue
from huracan_platform.venues.client import build_client, translated
from huracan_platform.venues.funding import settled
from huracan_platform.venues.klines import PRICES
from huracan_platform.venues.mark_prices import joined_prices
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires import WIRES, Wire
from huracan_platform.venues.wires.wire import PRICE_KINDS, Kept


@dataclass(frozen=True)
class FeeSchedule:
    """What the account pays per side, as fractions of notional; a negative maker fee is a rebate."""

    maker: float
    taker: float


@dataclass(frozen=True)
class Listing:
    """The window in which the venue has data for a symbol, ms UTC; `last_ms` (exclusive) is None while it trades."""

    first_ms: int
    last_ms: int | None


class MarketData:
    """Reads from the venue of the settings. Every read is retried as `ReadRetry` says.

    Raises
    ------
    ConfigurationError
        Market data of the exchange is not known here.
    """

    def __init__(self, settings: Settings, retry: ReadRetry | None = None) -> None:
        self._client = build_client(settings, "market", "sync")
        self._retry = retry or ReadRetry(settings.quality.fetch_tries)
        wanted = settings.venue.ccxt_id
        wire = WIRES.get(wanted)
        if wire is None:
            raise ConfigurationError(f"HURACAN_VENUE__CCXT_ID: expected one of {', '.join(WIRES)}, got {wanted!r}")
        self._wire: Wire = wire(self._client, self._retry)
        self._url = settings.venue.url

    @property
    def venue(self) -> str:
        """The name under which this venue's facts are kept."""
        return str(self._identity["venue"])

    @property
    def incarnation(self) -> str | None:
        """Identity of the simulated venue's process, None at a real venue. A fresh process is a fresh account."""
        return self._identity.get("incarnation")

    def clock(self) -> Clock:
        """The system clock at a real venue; at a simulated one market time as it tells it now."""
        if self._url is None:
            return SystemClock()
        told = self._control("clock")
        return MappedClock(MarketTime(int(told["market_anchor_ms"]), int(told["wire_anchor_ms"]), float(told["speed"])))

    def lists(self, symbol: str) -> bool:
        """Whether the venue trades the symbol as a linear perpetual."""
        return symbol in self._catalogue

    def listing(self, symbol: str) -> Listing:
        """The window in which the venue has data for the symbol."""
        listed = self._catalogue[symbol].listed
        if self._url is None:
            return Listing(listed.listed_ms, listed.delisted_ms)
        told = self._control("clock")
        ends = [int(end) for end in (listed.delisted_ms, told.get("market_end_ms")) if end is not None]
        return Listing(max(listed.listed_ms, int(told["history_start_ms"])), min(ends, default=None))

    def universe(self) -> list[Listed]:
        """Every linear perpetual that the venue tells of, those that no longer trade too where it does."""
        return self._catalogue.listed()

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Tick, lot and limits of each symbol, in the order asked.

        Raises
        ------
        PermanentError
            Names a symbol that the venue does not trade as a linear perpetual.
        """
        return [self._catalogue[symbol].listed.instrument for symbol in symbols]

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Closed 1-minute bars that opened in [start_ms, end_ms), as delivered: neither sorted nor repaired.

        Raises
        ------
        TransientError, PermanentError
            After the retries; unknown symbol.
        MalformedRowsError
            The venue's rows are not klines.
        """
        return self._bars(symbol, "1m", MINUTE_MS, start_ms, end_ms)

    def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """The venue's own closed 1-hour bars that opened in [start_ms, end_ms): evidence for the consistency check."""
        return self._bars(symbol, "1h", HOUR_MS, start_ms, end_ms)

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        """Rates settled in [start_ms, end_ms). Jitter of the settlement time is snapped to the hour.

        The interval of a rate is the time since the one before it, whatever the window asked for.
        """
        # A day either side tells the interval at the edges, so that a rate does not depend on the window it came in.
        ts, rate = self._wire.rates(self._market_id(symbol), start_ms - DAY_MS, end_ms + DAY_MS, f"funding {symbol}")
        return settled(symbol, ts, rate, start_ms, end_ms)

    def open_interest(self, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots every 5 minutes in [start_ms, end_ms), as delivered. `kept_ms` tells how far back there are any.

        Raises
        ------
        PermanentError
            `start_ms` lies further back than the venue keeps, and it says so.
        """
        return self._wire.open_interest(self._market_id(symbol), symbol, start_ms, self._happened(end_ms))

    def account_ratios(self, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """Shares of accounts that are long in [start_ms, end_ms), as delivered; raises as `open_interest`."""
        return self._wire.account_ratios(self._market_id(symbol), symbol, start_ms, self._happened(end_ms))

    def taker_volumes(self, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """What aggressors traded in each finished 5 minutes that began in [start_ms, end_ms), as delivered.

        Raises
        ------
        UntoldError
            The venue does not tell it.
        PermanentError
            Not so far back.
        """
        market_id, begun = self._market_id(symbol), self._begun(end_ms)
        return self._wire.taker_volumes(market_id, symbol, start_ms, begun)

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
        """Mark price, index price and premium index at the end of each finished 5 minutes that began in [start_ms, end_ms).

        A bar that one of the three lacks is left out.
        """
        market_id, end_ms = self._market_id(symbol), self._begun(end_ms)
        mark, index, premium = (
            self._wire.prices(kind, market_id, start_ms, end_ms, f"{kind} prices {symbol}") for kind in PRICE_KINDS
        )
        return joined_prices(symbol, mark, index, premium)

    def kept_ms(self, dataset: Kept) -> int | None:
        """How far back from now the venue tells a dataset; None: from the listing on."""
        return self._wire.kept_ms.get(dataset)

    def fees(self, symbol: str) -> FeeSchedule | None:
        """The account's schedule for a symbol; None where the venue does not tell it to this key."""
        try:
            self._retry(self._set_clock)
            return FeeSchedule(*self._wire.fees(self._market_id(symbol)))
        except PermanentError:
            return None

    def _set_clock(self) -> None:
        """Let the client sign with the venue's time."""
        with translated(self._client, "time"):
            self._client.load_time_difference()

    def _happened(self, end_ms: int) -> int:
        """The end of a window of moments, none of which lies in the future."""
        return min(end_ms, self.clock().market_ms() + 1)

    def _begun(self, end_ms: int) -> int:
        """The end of a window of 5 minutes' opens, all of which are over."""
        return min(end_ms, self.clock().market_ms() - STEP_MS + 1)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return {"venue": self._client.id} if self._url is None else self._control("identity")

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self._wire, self.venue)

    def _market_id(self, symbol: str) -> str:
        return self._catalogue[symbol].market_id

    def _bars(self, symbol: str, interval: str, bar_ms: int, start_ms: int, end_ms: int) -> Candles:
        market_id = self._market_id(symbol)
        clock = self.clock()
        pages, page_ms = [], self._wire.page_bars * bar_ms
        for at in range(start_ms, end_ms, page_ms):
            # Read before the request: what is closed by then is final in the answer.
            now = clock.market_ms()
            if at + bar_ms > now:
                break
            end = min(at + page_ms, end_ms)
            ts, values = self._wire.bars(market_id, interval, at, end, f"{interval} klines {symbol}")
            closed = ts + bar_ms <= now
            pages.append((ts, values) if closed.all() else (ts[closed], values[closed]))
        if not pages:
            return Candles(symbol, np.empty(0, np.int64), *np.empty((PRICES, 0)))
        return Candles(
            symbol, np.concatenate([page[0] for page in pages]),
            *(np.concatenate([page[1][:, k] for page in pages]) for k in range(PRICES)),
        )

    def _control(self, name: str) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            with translated(self._client, f"control/{name}"):
                answer: dict[str, Any] = self._client.fetch(f"{self._url}/control/{name}")
            if not isinstance(answer, dict):
                raise PermanentError(
                    f"control/{name} of {self._client.place}: expected a simulated venue's answer, got {str(answer)[:80]!r}"
                )
            return answer

        return self._retry(read)


"""Where market data comes from, as ingest sees it, and what one delivery holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import pandas as pd

from huracan_platform.clock import DAY_MS, Clock, day_start_ms
from huracan_platform.contracts.market import (
    AccountRatios,
    Candles,
    FundingRates,
    Instrument,
    MarkPrices,
    OpenInterest,
    TakerVolumes,
)
from huracan_platform.contracts.quality import Refetched
from huracan_platform.venues.market import Listing
from huracan_platform.venues.wires.wire import Kept


class MarketSource(Protocol):
    """A venue's market data: `venues.market.MarketData`, or a stand-in for it."""

    @property
    def venue(self) -> str:
        """Name under which its facts are kept."""
        ...

    def clock(self) -> Clock:
        """The venue's two clocks as of now."""
        ...

    def listing(self, symbol: str) -> Listing:
        """Window in which it has data for the symbol."""
        ...

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Tick, lot and limits; PermanentError for an unknown symbol."""
        ...

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Closed 1-minute bars that opened in [start_ms, end_ms), as delivered."""
        ...

    def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """The venue's own closed 1-hour bars."""
        ...

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        """Rates settled in [start_ms, end_ms)."""
        ...

    def open_interest(self, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots every 5 minutes in [start_ms, end_ms), as delivered."""
        ...

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
        """Mark, index and premium at the end of each finished 5 minutes that began in [start_ms, end_ms)."""
        ...

    def account_ratios(self, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """Shares of accounts that are long every 5 minutes in [start_ms, end_ms), as delivered."""
        ...

    def taker_volumes(self, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """What aggressors traded in each finished 5 minutes that began in [start_ms, end_ms), as delivered."""
        ...

    def kept_ms(self, dataset: Kept) -> int | None:
        """How far back from now the venue tells a dataset; None: from the listing on."""
        ...


@dataclass(frozen=True)
class Delivery:
    """What came for one symbol and a run of days, untouched, with the evidence that came along.

    `observed_ms` is market time before the first request, of what is recorded live where its running recorders have got;
    `hours` are the venue's own 1-hour bars (not with funding); `source` is "venue" or the name of a file; `refetched` the
    windows of `frame` that came from another venue; `later_ms` says of rows, by ts, since when they are known where they
    rest on something that came later than they did.
    `since_ms` is when their recorder first started, market time: nothing before it is due; None of what was not recorded live.
    """

    symbol: str
    days: tuple[date, ...]
    frame: pd.DataFrame
    observed_ms: int
    listing: Listing
    hours: Candles | None = None
    source: str = "venue"
    refetched: tuple[Refetched, ...] = ()
    later_ms: Mapping[int, int] = field(default_factory=dict)
    since_ms: int | None = None

    @property
    def start_ms(self) -> int:
        """First ms of the first day."""
        return day_start_ms(self.days[0])

    @property
    def end_ms(self) -> int:
        """First ms after the last day."""
        return day_start_ms(self.days[-1]) + DAY_MS

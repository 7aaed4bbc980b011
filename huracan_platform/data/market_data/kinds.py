"""What differs between the datasets that one ingest serves: how to fetch, judge and store them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import HOUR_MS, day_of
from huracan_platform.contracts.quality import CheckResult
from huracan_platform.data.market_data.contract import arrays_of
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings

# A day that begins just inside what its origin keeps may fall out of it between two pages.
MARGIN_MS = HOUR_MS


class Kind(Protocol):
    """One dataset's way through ingest."""

    @property
    def name(self) -> str:
        """`candles`, `funding` or `open_interest`."""
        ...

    @property
    def quality(self) -> QualitySettings:
        """Thresholds of the checks."""
        ...

    @property
    def documented_delay_ms(self) -> int:
        """What `table` adds to the end of an event; a measured arrival delay takes its place."""
        ...

    @property
    def grace_ms(self) -> int:
        """Nothing younger than this is due yet, market time."""
        ...

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """What the venue keeps at that market time begins here, ms UTC; days that begin before are not asked for."""
        ...

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """What the venue has for the days."""
        ...

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six checks for each window, over rows that kept their contract."""
        ...

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of one day's refused rows, in whatever order they came."""
        ...

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Whether nothing of the day is still to come, with `newest_ms` the last time there is."""
        ...

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """Rows as their repository takes them, known after the documented delay."""
        ...

    def repository(self, brain: Brain) -> FactRepository:
        """Where the rows are kept."""
        ...


def told_from_ms(kept_ms: int | None, observed_ms: int) -> int:
    """Begin of what an origin tells that keeps so much of the past; None: all of it."""
    return 0 if kept_ms is None else observed_ms - kept_ms + MARGIN_MS


def newest_day(delivery: Delivery) -> date:
    """The partition that the market's now falls into, or the listing's last one."""
    last = delivery.listing.last_ms
    return day_of((delivery.observed_ms if last is None else min(delivery.observed_ms, last)) - 1)


def is_numeric(part: pd.DataFrame, names: Sequence[str]) -> bool:
    """True when every named column is there and holds numbers."""
    return all(name in part and part[name].dtype.kind in "fiu" for name in names)


def fact_table(frame: pd.DataFrame, names: Sequence[str], delay_ms: int) -> pa.Table:
    """Rows as a fact repository takes them, each known `delay_ms` after its ts."""
    arrays: dict[str, Any] = arrays_of(frame, names)
    symbol = pa.array(frame["symbol"], pa.string())
    return pa.table({"symbol": symbol, **arrays, "known_at_ms": arrays["ts_ms"] + delay_ms})

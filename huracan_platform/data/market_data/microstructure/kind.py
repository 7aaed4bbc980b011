"""What seconds of trades and of books have in common on their way through ingest.

The recorder has written them already, second by second and under their contract; a day is what it wrote, judged as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import Candles, Int64, Series
from huracan_platform.contracts.microstructure import SECOND_MS
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data import recorded
from huracan_platform.data.market_data.contract import arrays_of
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings
from huracan_platform.venues.microstructure.streams import Dataset


@dataclass(frozen=True)
class SecondsKind(recorded.RecordedKind):
    """Seconds of one venue's symbols."""

    venue: str
    name: Dataset = field(kw_only=True)
    columns: tuple[str, ...]
    grace_ms: int = 5 * MINUTE_MS

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """The seconds that are in the library, up to where nothing more can come."""
        clock, listing = market.clock(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        found = RecordingLedger(self.brain).between(self.name, start, end, source=market.venue, symbol=symbol)
        settled = recorded.settled_ms(found, clock, recorded.LIVE_FOR_MS)
        until = min(end, settled) // SECOND_MS * SECOND_MS
        stored = self.repository(self.brain).read_table(market.venue, [symbol], start, until)
        ts = pd.Series(stored.column("ts_ms").to_numpy().astype("M8[ms]")).dt.tz_localize("UTC")
        values = {name: stored.column(name).to_numpy() for name in self.columns}
        frame = pd.DataFrame({"symbol": pd.Series(np.full(len(ts), symbol), dtype="str"), "ts": ts, **values})
        return Delivery(
            symbol, days, frame, settled, listing, source="recorder", since_ms=self.since_ms(market)
        )

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        series = self.series(delivery.symbol, arrays_of(frame, self.columns))
        return {window.day: self._of_day(series.of_day(window.day), delivery, window) for window in windows}

    def _of_day(self, rows: Series, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        subject = Subject(self.name, delivery.symbol, window.day)
        candles = CandleRepository(self.brain).read(self.venue, [delivery.symbol], window.start_ms, window.end_ms)
        whole = np.ones(len(rows))
        return [
            recorded.completeness(
                subject, rows.ts_ms, whole, recorded.due_windows(window, SECOND_MS), SECOND_MS, self.quality
            ),
            *self.own_checks(rows, subject),
            recorded.freshness(
                subject, rows.ts_ms, window, delivery.observed_ms, newest=window.day == newest_day(delivery),
                step_ms=SECOND_MS, limit_ms=self.grace_ms + self.quality.freshness_bars * MINUTE_MS,
            ),
            self.plausibility(rows, subject),
            self.consistency(rows, candles[delivery.symbol], subject),
        ]

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Uniqueness and validity of a refused day."""
        if not is_numeric(part, self.columns):
            return []
        rows = self.series(delivery.symbol, arrays_of(part, self.columns))
        return self.own_checks(rows, Subject(self.name, delivery.symbol, window.day))

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last second is there, or overdue."""
        return window.due_ms >= window.end_ms or (newest_ms is not None and newest_ms >= window.end_ms - SECOND_MS)

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """Seconds that no recorder wrote are known as candles are, a delay after their end."""
        return fact_table(frame, self.columns, SECOND_MS + self.documented_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Where the seconds are kept."""
        raise NotImplementedError

    def series(self, symbol: str, arrays: Mapping[str, Any]) -> Series:
        """The rows as their type."""
        raise NotImplementedError

    def own_checks(self, rows: Any, subject: Subject) -> list[CheckResult]:
        """Uniqueness and validity."""
        raise NotImplementedError

    def plausibility(self, rows: Any, subject: Subject) -> CheckResult:
        """Whether the rows look like a market's."""
        raise NotImplementedError

    def consistency(self, rows: Any, candles: Candles, subject: Subject) -> CheckResult:
        """Whether the rows agree with the candles of the day."""
        raise NotImplementedError


def whole_minutes(ts_ms: Int64, candles: Candles) -> tuple[npt.NDArray[np.bool_], Int64, Int64]:
    """Which candles have all their sixty seconds; for those the place of the first second, and the places of the candles."""
    first = np.searchsorted(ts_ms, candles.ts_ms)
    last = np.searchsorted(ts_ms, candles.ts_ms + MINUTE_MS)
    whole = last - first == MINUTE_MS // SECOND_MS
    return whole, first[whole], np.flatnonzero(whole)


def against_candles(
    subject: Subject, minutes: Int64, good: npt.NDArray[np.bool_], quality: QualitySettings, expected: str
) -> CheckResult:
    """Minutes that were recorded whole agree with their candles; the day is refused where more do not than may be missing."""
    share = float(good.mean()) if len(good) else 1.0
    bad = ranges(minutes[~good])
    return check_result(
        subject, "consistency", bool(good.all()), int(good.sum()), len(good),
        f"expected {expected} in {len(good)} whole minutes, got {int((~good).sum())} others ({in_words(bad)})",
        severity=Severity.ERROR if share < quality.coverage_degraded else Severity.WARNING,
        blocking=share < quality.coverage_degraded, bad=bad,
    )

"""Open interest's way through ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, OPEN_INTEREST_COLUMNS, Candles, OpenInterest
from huracan_platform.contracts.quality import CheckResult
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day, told_from_ms
from huracan_platform.data.market_data.open_interest import checks
from huracan_platform.data.market_data.results import Subject
from huracan_platform.data.market_data.series_checks import all_due, each_once
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings


@dataclass(frozen=True)
class OpenInterestKind:
    """Open interest every 5 minutes, of which most venues keep a month or less."""

    quality: QualitySettings
    name: str = "open_interest"

    @property
    def documented_delay_ms(self) -> int:
        """Of the settings."""
        return self.quality.open_interest_delay_ms

    @property
    def grace_ms(self) -> int:
        """A snapshot is due once its arrival delay and one more step are over."""
        return self.quality.open_interest_delay_ms + checks.STEP_MS

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """As far back as the venue keeps it: a month, five days, or all."""
        return told_from_ms(market.kept_ms("open_interest"), observed_ms)

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Snapshots, and the venue's own hours as evidence of the price."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        start, end = max(start, listing.first_ms), end if listing.last_ms is None else min(end, listing.last_ms)
        end = max(start, min(end, observed + 1))
        rows = market.open_interest(symbol, start, end)
        return Delivery(symbol, days, frame_of(rows), observed, listing, hours=market.hourly(symbol, start, end))

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        series = OpenInterest(delivery.symbol, **arrays_of(frame, OPEN_INTEREST_COLUMNS))
        hours = delivery.hours or Candles(delivery.symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))
        results = {}
        for window in windows:
            due = checks.due_snapshots(window, delivery.listing.first_ms)
            evidence = checks.OpenInterestEvidence(
                window, delivery.observed_ms, window.day == newest_day(delivery), due, hours, series
            )
            results[window.day] = checks.run_checks(series.of_day(window.day), evidence, self.quality)
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of a refused day."""
        if not is_numeric(part, OPEN_INTEREST_COLUMNS):
            return []
        rows = OpenInterest(delivery.symbol, **arrays_of(part, OPEN_INTEREST_COLUMNS))
        subject = Subject(self.name, delivery.symbol, window.day)
        due = checks.due_snapshots(window, delivery.listing.first_ms)
        return [
            all_due(subject, rows.ts_ms, due, checks.STEP_MS, "snapshot", self.quality),
            each_once(subject, rows.ts_ms, checks.STEP_MS, "snapshot"), checks.validity(rows, subject),
        ]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last snapshot is there, or overdue."""
        if newest_ms is not None and newest_ms >= window.end_ms - checks.STEP_MS:
            return True
        return window.due_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A snapshot is known `open_interest_delay_ms` after its moment."""
        return fact_table(frame, OPEN_INTEREST_COLUMNS, self.quality.open_interest_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Open interest of the Brain Library."""
        return OpenInterestRepository(brain)

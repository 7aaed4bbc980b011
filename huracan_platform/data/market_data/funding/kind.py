"""Funding rates on their way through ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import FundingRates, Int64
from huracan_platform.contracts.quality import CheckResult
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.funding import checks
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day, told_from_ms
from huracan_platform.data.market_data.results import Subject
from huracan_platform.data.market_data.series_checks import each_once
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings

FUNDING_COLUMNS = ("rate", "interval_h")


@dataclass(frozen=True)
class FundingKind:
    """Settled funding rates."""

    quality: QualitySettings
    name: str = "funding"
    # A settlement appears some seconds late; minutes late it is missing.
    grace_ms: int = 2 * MINUTE_MS

    @property
    def documented_delay_ms(self) -> int:
        """Of the settings."""
        return self.quality.funding_delay_ms

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """As far back as the venue keeps it: most since the listing."""
        return told_from_ms(market.kept_ms("funding"), observed_ms)

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Settlements of the days."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        rates = market.funding(symbol, day_start_ms(days[0]), min(day_start_ms(days[-1]) + DAY_MS, observed + 1))
        return Delivery(symbol, days, frame_of(rates), observed, listing)

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        rates = FundingRates(delivery.symbol, **arrays_of(frame, FUNDING_COLUMNS))
        due = self._due(rates, delivery)
        results = {}
        for window in windows:
            evidence = checks.FundingEvidence(
                window, delivery.observed_ms, window.day == newest_day(delivery), _on_day(due, window.day), rates
            )
            results[window.day] = checks.run_checks(rates.of_day(window.day), evidence, self.quality)
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Uniqueness and validity of a refused day; what is due cannot be read off a series that broke its contract."""
        if not is_numeric(part, FUNDING_COLUMNS):
            return []
        rates = FundingRates(delivery.symbol, **arrays_of(part, FUNDING_COLUMNS))
        subject = Subject(self.name, delivery.symbol, window.day)
        return [each_once(subject, rates.ts_ms, HOUR_MS, "settlement"), checks.validity(rates, subject)]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over with the day: its last settlement came at least an hour before."""
        return observed_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A rate is known `funding_delay_ms` after its settlement."""
        return fact_table(frame, FUNDING_COLUMNS, self.quality.funding_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Funding rates of the Brain Library."""
        return FundingRepository(brain)

    def _due(self, rates: FundingRates, delivery: Delivery) -> Int64:
        end = delivery.end_ms if delivery.listing.last_ms is None else min(delivery.end_ms, delivery.listing.last_ms)
        # The settlement at the very start of the listing is not due: nobody held a position before it.
        after = max(delivery.start_ms - 1, delivery.listing.first_ms)
        return checks.due_settlements(rates, after, min(end, delivery.observed_ms - self.grace_ms))


def _on_day(ts_ms: Int64, day: date) -> Int64:
    return ts_ms[(ts_ms >= day_start_ms(day)) & (ts_ms < day_start_ms(day) + DAY_MS)]

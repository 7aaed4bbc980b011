"""Candles on their way through ingest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Int64
from huracan_platform.contracts.quality import CheckResult, Refetched
from huracan_platform.data.market_data.candles import checks
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.diagnosis.zones import zone_days
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings


@dataclass(frozen=True)
class CandleKind:
    """1-minute candles. `witness` gives a second venue's bars around the opens of jumps, None where there is none."""

    quality: QualitySettings
    witness: Callable[[str, Int64], Candles | None] = lambda symbol, ts_ms: None
    name: str = "candles"

    @property
    def documented_delay_ms(self) -> int:
        """Of the settings."""
        return self.quality.arrival_delay_ms

    @property
    def grace_ms(self) -> int:
        """Bars younger than the freshness bound are not missed yet."""
        return self.quality.freshness_bars * MINUTE_MS

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """Everything since the listing."""
        return 0

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Minutes, and the venue's own hours as evidence."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        # Outside its listing a venue has nothing to ask for.
        start, end = max(start, listing.first_ms), end if listing.last_ms is None else min(end, listing.last_ms)
        # What closes while the pages come is the next run's: the day is judged as of `observed`.
        end = max(start, min(end, observed - MINUTE_MS + 1))
        minutes = market.candles(symbol, start, end)
        return Delivery(symbol, days, frame_of(minutes), observed, listing, hours=market.hourly(symbol, start, end))

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        candles = Candles(delivery.symbol, **arrays_of(frame, CANDLE_COLUMNS))
        hours = delivery.hours or Candles(delivery.symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))
        bars = {window.day: candles.of_day(window.day) for window in windows}
        closes = {window.day: _close_before(candles, window.day, delivery, before) for window in windows}
        lent = delivery.refetched
        jumps = [checks.jumps(part, self.quality, closes[day], lent) for day, part in bars.items()]
        witness = self.witness(delivery.symbol, np.concatenate(jumps)) if any(map(len, jumps)) else None
        results = {}
        for window in windows:
            evidence = checks.Evidence(
                window, delivery.observed_ms, window.day == newest_day(delivery), hours.of_day(window.day),
                closes[window.day], witness, _touching(lent, window.day),
            )
            found = checks.run_checks(bars[window.day], evidence, self.quality)
            unheld = delivery.source != "venue" and len(hours) == 0 and len(bars[window.day]) > 0
            results[window.day] = [
                checks.unverified(one, zone_days(candles)) if unheld and one.name == "consistency" else one for one in found
            ]
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of a refused day."""
        if not is_numeric(part, CANDLE_COLUMNS):
            return []
        candles = Candles(delivery.symbol, **arrays_of(part, CANDLE_COLUMNS))
        return [
            checks.completeness(candles, window, self.quality), checks.uniqueness(candles, window.day),
            checks.validity(candles, window.day),
        ]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last bar is there, or overdue."""
        if newest_ms is not None and newest_ms >= window.end_ms - MINUTE_MS:
            return True
        return window.due_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A bar is known `arrival_delay_ms` after its close."""
        return fact_table(frame, CANDLE_COLUMNS, MINUTE_MS + self.quality.arrival_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Candles of the Brain Library."""
        return CandleRepository(brain)


def _touching(lent: Sequence[Refetched], day: date) -> tuple[Refetched, ...]:
    """Windows that the day needs to know: those in it, and one right before its first bar, whose close is another venue's."""
    start = day_start_ms(day)
    return tuple(one for one in lent if one.start_ms < start + DAY_MS and one.end_ms >= start)


def _close_before(candles: Candles, day: date, delivery: Delivery, before: float | None) -> float | None:
    """Close of the bar right before the day's first, from the delivery or from the library."""
    first = int(np.searchsorted(candles.ts_ms, day_start_ms(day)))
    if first == 0:
        return before if day == delivery.days[0] else None
    return float(candles.close[first - 1]) if candles.ts_ms[first - 1] == day_start_ms(day) - MINUTE_MS else None

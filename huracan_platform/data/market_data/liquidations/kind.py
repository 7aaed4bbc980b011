"""Liquidations' way through ingest: from what was recorded to minutes, cascades and clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository, LiquidationRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, Clock, day_start_ms
from huracan_platform.contracts.liquidation import MINUTE_COLUMNS, LiquidationMinutes, StoredLiquidation
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.contracts.recording import coverage
from huracan_platform.data.market_data import recorded
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day
from huracan_platform.data.market_data.liquidations.book import DATASET
from huracan_platform.data.market_data.liquidations.cascades import (
    Cascades,
    MinuteSums,
    find_cascades,
    find_clusters,
    known_with_volume,
)
from huracan_platform.data.market_data.own_bars import read_own
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.source import Delivery, MarketSource

STEP_MS = MINUTE_MS


@dataclass(frozen=True)
class LiquidationKind(recorded.RecordedKind):
    """Liquidations per minute. What was not recorded live cannot be had later."""

    name: str = DATASET
    grace_ms: int = 5 * MINUTE_MS

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Minutes made of the library's liquidations; those of a cascade are called so on the way."""
        clock, listing = market.clock(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        past = start - (1 + self.settings.liquidations.trailing_days) * DAY_MS
        found = RecordingLedger(self.brain).between(self.name, past, end, source=market.venue, symbol=symbol)
        settled = recorded.settled_ms(found, clock, recorded.LIVE_FOR_MS)
        until = min(end, settled) // STEP_MS * STEP_MS
        ts = np.arange(past, until - STEP_MS + 1, STEP_MS, dtype=np.int64)
        rows = LiquidationRepository(self.brain).read(market.venue, symbol, past, until)
        by_side = {side: _per_minute([r for r in rows if r.side == side], ts) for side in ("long", "short")}
        (long_count, long_usd), (short_count, short_usd) = by_side["long"], by_side["short"]
        traded, traded_known = self._traded(market.venue, symbol, ts)
        if self.settings.liquidations.ask_volume and len(ts) and np.isnan(traded).all():
            since = start - self.settings.liquidations.window_min * STEP_MS  # no label changes before
            bars = market.candles(symbol, since, until)
            traded[(bars.ts_ms - ts[0]) // STEP_MS] = bars.close * bars.volume
        sums = MinuteSums(long_count + short_count, long_usd, short_usd, traded, coverage(found, ts, STEP_MS))
        cascades = find_cascades(sums, self.settings.liquidations)
        ends = self._ends(market.venue, ts, clock)
        self._call(market.venue, rows, ts, cascades, traded_known, ends, (start, end), clock)
        later = known_with_volume(sums, traded_known, traded_known > ends, self.settings.liquidations)
        kept = (ts >= start) & (sums.coverage > 0)
        clustered = find_clusters(sums.count, self.settings.liquidations)
        columns = (long_count, short_count, long_usd, short_usd, cascades.on, clustered, sums.coverage)
        minutes = LiquidationMinutes(symbol, ts[kept], *(np.asarray(c[kept], np.float64) for c in columns))
        later_ms = {int(ts[m]): known for m, known in later.items()}
        return Delivery(
            symbol, days, frame_of(minutes), settled, listing, source="recorder", later_ms=later_ms,
            since_ms=self.since_ms(market),
        )

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        series = LiquidationMinutes(delivery.symbol, **arrays_of(frame, MINUTE_COLUMNS))
        results = {}
        for window in windows:
            rows, subject = series.of_day(window.day), Subject(self.name, delivery.symbol, window.day)
            due = recorded.due_windows(window, STEP_MS)
            results[window.day] = [
                recorded.completeness(subject, rows.ts_ms, rows.coverage, due, STEP_MS, self.quality),
                *_own_checks(rows, subject),
                recorded.freshness(
                    subject, rows.ts_ms, window, delivery.observed_ms, newest=window.day == newest_day(delivery),
                    step_ms=STEP_MS, limit_ms=self.grace_ms + self.quality.freshness_bars * STEP_MS,
                ),
                plausibility(rows, subject),
                consistency(rows, subject),
            ]
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Uniqueness and validity of a refused day."""
        if not is_numeric(part, MINUTE_COLUMNS):
            return []
        rows = LiquidationMinutes(delivery.symbol, **arrays_of(part, MINUTE_COLUMNS))
        return _own_checks(rows, Subject(self.name, delivery.symbol, window.day))

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last minute is there, or overdue."""
        return window.due_ms >= window.end_ms or (newest_ms is not None and newest_ms >= window.end_ms - STEP_MS)

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A minute is known as a candle is, a delay after its end, unless the delivery says that its volume came later."""
        return fact_table(frame, MINUTE_COLUMNS, STEP_MS + self.documented_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Liquidation minutes of the Brain Library."""
        return LiquidationMinuteRepository(brain)

    def _traded(self, venue: str, symbol: str, ts: Int64) -> tuple[Float64, Int64]:
        """USD traded per minute, NaN where the library has no candle of this venue's own; since when that is known, ms UTC."""
        traded, known = np.full(len(ts), np.nan), np.zeros(len(ts), np.int64)
        if len(ts):
            span = int(ts[0]), int(ts[-1]) + STEP_MS
            candles = read_own(self.brain, venue, [symbol], *span)[symbol]
            traded[(candles.ts_ms - ts[0]) // STEP_MS] = candles.close * candles.volume
            versions = CandleRepository(self.brain).read_versions(venue, [symbol], *span)[symbol]
            np.maximum.at(known, (versions.ts_ms - ts[0]) // STEP_MS, versions.known_ms)
        return traded, known

    def _ends(self, venue: str, ts: Int64, clock: Clock) -> Int64:
        """Since when minutes are known, ms UTC."""
        arrival = ArrivalDelays(self.brain, self.quality.arrival).model(venue, self.name, self.documented_delay_ms)
        return arrival.known_at(ts + STEP_MS + self.documented_delay_ms, clock.market_ms())

    def _call(
        self, venue: str, rows: Sequence[StoredLiquidation], ts: Int64, cascades: Cascades, traded_known: Int64,
        ends: Int64, span: tuple[int, int], clock: Clock,
    ) -> None:
        """Give the liquidations of cascades their label.

        It is known since the minute at whose end the condition was met, or since the candles that say so where they were
        corrected later.
        """
        since_ms = span[0] - self.settings.liquidations.window_min * STEP_MS  # one that was met just after midnight
        known: dict[str, int] = {}
        for row in rows:
            met_at = int(cascades.met_at[(row.ts_ms - int(ts[0])) // STEP_MS])
            if row.ts_ms >= since_ms and met_at >= 0:
                window = traded_known[max(0, met_at - self.settings.liquidations.window_min + 1):met_at + 1]
                known[row.liquidation_id] = max(int(ends[met_at]), int(window.max()))
        if known:
            LiquidationRepository(self.brain).call_cascade(known, since_ms, span[1], clock.wire_ms())


def plausibility(rows: LiquidationMinutes, subject: Subject) -> CheckResult:
    """No two minutes in a row with the very same liquidations: a stream that repeats itself; a warning."""
    total, count = rows.long_usd + rows.short_usd, rows.long_count + rows.short_count
    same = (np.diff(total) == 0) & (count[1:] > 0) & (np.diff(rows.ts_ms) == STEP_MS)
    found = ranges(rows.ts_ms[1:][same])
    return check_result(
        subject, "plausibility", not same.any(), int(same.sum()), 0,
        f"expected no minute to repeat the one before, got {int(same.sum())} ({in_words(found)})",
        severity=Severity.WARNING, blocking=False, bad=found,
    )


def consistency(rows: LiquidationMinutes, subject: Subject) -> CheckResult:
    """USD stand where counts stand, on each side."""
    bad = ((rows.long_count > 0) != (rows.long_usd > 0)) | ((rows.short_count > 0) != (rows.short_usd > 0))
    found = ranges(rows.ts_ms[bad])
    return check_result(
        subject, "consistency", not bad.any(), int((~bad).sum()), len(rows),
        f"expected USD where there are liquidations and nowhere else, got {int(bad.sum())} other minutes ({in_words(found)})",
        bad=found,
    )


def _own_checks(rows: LiquidationMinutes, subject: Subject) -> list[CheckResult]:
    counts = [rows.long_count, rows.short_count, rows.long_usd, rows.short_usd]
    good = np.logical_and.reduce([c >= 0 for c in counts]) & (rows.coverage > 0) & (rows.coverage <= 1)
    return [
        recorded.uniqueness(subject, rows.ts_ms, STEP_MS),
        recorded.validity(subject, rows.ts_ms, good, "counts and USD from 0, coverage above 0", STEP_MS),
    ]


def _per_minute(rows: Sequence[StoredLiquidation], ts: Int64) -> tuple[Float64, Float64]:
    """Number and USD of the liquidations in each minute."""
    at = [(row.ts_ms - int(ts[0])) // STEP_MS for row in rows]
    usd = [row.size_usd for row in rows]
    n = len(ts)
    return np.bincount(at, minlength=n)[:n].astype(np.float64), np.bincount(at, weights=usd, minlength=n)[:n].astype(np.float64)

"""The six quality checks of open interest: pure functions over one symbol's snapshots of one day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Candles, Int64, OpenInterest
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.candles.checks import FEWEST_RETURNS, MAD_TO_SIGMA, MEAN_TO_SIGMA, MOST_SAMPLES
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.series_checks import all_due, each_once
from huracan_platform.settings import QualitySettings

DATASET = "open_interest"
STEP_MS = 5 * MINUTE_MS


@dataclass(frozen=True)
class OpenInterestEvidence:
    """What a day's snapshots are held against: those due in it, the venue's own 1-hour bars, and the series around them."""

    window: DueWindow
    observed_ms: int
    newest: bool
    due: Int64
    hours: Candles
    series: OpenInterest


def due_snapshots(window: DueWindow, listed_from_ms: int) -> Int64:
    """Moments of the snapshots due in a window: whole 5 minutes, the first of them after the listing began."""
    first = -(-window.start_ms // STEP_MS) * STEP_MS
    due = np.arange(first, window.due_ms, STEP_MS, dtype=np.int64)
    return window.unexplained(due[due > listed_from_ms])


def run_checks(rows: OpenInterest, evidence: OpenInterestEvidence, quality: QualitySettings) -> list[CheckResult]:
    """All six, over snapshots in time order."""
    subject = Subject(DATASET, rows.symbol, evidence.window.day)
    return [
        all_due(subject, rows.ts_ms, evidence.due, STEP_MS, "snapshot", quality),
        each_once(subject, rows.ts_ms, STEP_MS, "snapshot"),
        validity(rows, subject),
        freshness(rows, evidence, quality),
        plausibility(rows, evidence, quality),
        consistency(rows, evidence.hours, subject, quality),
    ]


def validity(rows: OpenInterest, subject: Subject) -> CheckResult:
    """Finite amounts above 0."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(rows.contracts) & np.isfinite(rows.value_usd) & (rows.contracts > 0) & (rows.value_usd > 0)
    bad = np.flatnonzero(~good)
    found = ranges(rows.ts_ms[bad], STEP_MS)
    return check_result(
        subject, "validity", len(bad) == 0, len(good) - len(bad), len(good),
        f"expected finite contracts and USD above 0, got {len(bad)} others ({in_words(found)})",
        bad=found, sample=_rows(rows, bad),
    )


def freshness(rows: OpenInterest, evidence: OpenInterestEvidence, quality: QualitySettings) -> CheckResult:
    """In the newest partition the newest snapshot is younger than `freshness_bars` steps and the arrival delay, market time."""
    limit_ms = quality.freshness_bars * STEP_MS + quality.open_interest_delay_ms
    reference = min(evidence.observed_ms, evidence.window.end_ms)
    newest = int(rows.ts_ms.max()) if len(rows) else evidence.window.start_ms
    age = max(0, reference - newest)
    return check_result(
        Subject(DATASET, rows.symbol, evidence.window.day), "freshness", not evidence.newest or age < limit_ms,
        age / MINUTE_MS, limit_ms / MINUTE_MS,
        f"expected a snapshot less than {limit_ms / MINUTE_MS:g} min before {to_datetime(reference):%Y-%m-%d %H:%M}, "
        f"got the newest of {to_datetime(newest):%Y-%m-%d %H:%M}, {age / MINUTE_MS:.1f} min before",
        bad=((newest, reference),), blocking=False,
    )


def plausibility(rows: OpenInterest, evidence: OpenInterestEvidence, quality: QualitySettings) -> CheckResult:
    """No 5-minute change of contracts beyond `plausibility_mad_sigma` robust sigmas of the series; a warning, with one venue."""
    ts, moves = _moves(evidence.series)
    bad, worst = np.empty(0, np.int64), 0.0
    if len(moves) >= FEWEST_RETURNS:
        off = np.abs(moves - np.median(moves))
        sigma = float(MAD_TO_SIGMA * np.median(off)) or float(MEAN_TO_SIGMA * off.mean())
        beyond = np.isin(ts, rows.ts_ms) & (off > quality.plausibility_mad_sigma * sigma)
        bad = np.searchsorted(rows.ts_ms, ts[beyond])
        worst = float(off[beyond].max() / sigma) if beyond.any() and sigma else 0.0
    found = ranges(rows.ts_ms[bad], STEP_MS)
    return check_result(
        Subject(DATASET, rows.symbol, evidence.window.day), "plausibility", len(bad) == 0, worst, quality.plausibility_mad_sigma,
        f"expected changes within {quality.plausibility_mad_sigma:g} MAD-sigmas of the series, got {len(bad)} beyond, "
        f"up to {worst:.1f} ({in_words(found)}), no second venue asked",
        severity=Severity.WARNING, blocking=False, bad=found, sample=_rows(rows, bad),
    )


def consistency(rows: OpenInterest, hours: Candles, subject: Subject, quality: QualitySettings) -> CheckResult:
    """USD ÷ contracts is a price of the hour that the snapshot falls into, wherever the venue has that hour's bar."""
    hour = rows.ts_ms // HOUR_MS * HOUR_MS
    at = np.searchsorted(hours.ts_ms, hour)
    known = np.flatnonzero(np.isin(hour, hours.ts_ms))
    at, slack = at[known], quality.open_interest_price_tolerance
    with np.errstate(invalid="ignore", divide="ignore"):
        price = rows.value_usd[known] / rows.contracts[known]
    fits = (price >= hours.low[at] * (1 - slack)) & (price <= hours.high[at] * (1 + slack))
    bad = known[~fits]
    found = ranges(rows.ts_ms[bad], STEP_MS)
    return check_result(
        subject, "consistency", len(bad) == 0, len(known) - len(bad), len(known),
        f"expected USD per contract within the hour's prices ± {slack:.1%}, got {len(bad)} others ({in_words(found)})",
        bad=found, sample=_rows(rows, bad),
    )


def _moves(series: OpenInterest) -> tuple[Int64, np.ndarray]:
    """Log changes of contracts between neighbouring snapshots, and the moments at which they ended."""
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.diff(np.log(series.contracts))
    usable = (np.diff(series.ts_ms) == STEP_MS) & np.isfinite(moves)
    return series.ts_ms[1:][usable], moves[usable]


def _rows(rows: OpenInterest, at: Int64) -> tuple[dict[str, object], ...]:
    few = at[:MOST_SAMPLES]
    columns = zip(rows.ts_ms[few], rows.contracts[few], rows.value_usd[few], strict=True)
    return tuple({"ts": to_datetime(int(ts)).isoformat(), "contracts": str(n), "value_usd": str(usd)} for ts, n, usd in columns)

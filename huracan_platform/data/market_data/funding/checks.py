"""The six quality checks of funding rates: pure functions over one symbol's settlements of one day."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, to_datetime
from huracan_platform.contracts.market import FundingRates, Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.candles.checks import FEWEST_RETURNS, MAD_TO_SIGMA, MEAN_TO_SIGMA, MOST_SAMPLES
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.series_checks import all_due, each_once
from huracan_platform.settings import QualitySettings

DATASET = "funding"
LONGEST_INTERVAL_H = 8
DEFAULT_INTERVAL_MS = 8 * HOUR_MS


@dataclass(frozen=True)
class FundingEvidence:
    """What a day's settlements are held against: those due in it, and the series they stand in, in time order."""

    window: DueWindow
    observed_ms: int
    newest: bool
    due: Int64
    series: FundingRates


def due_settlements(series: FundingRates, start_ms: int, due_ms: int) -> Int64:
    """Settlement times that must be there in (start_ms, due_ms), read off the series' own intervals.

    Each rate says how long it covers, so a hole shows as time that no rate covers. Before the first and after the last
    rate their intervals go on. With no rate at all settlements are due every 8 h.
    """
    if len(series.ts_ms) == 0:
        first = start_ms // DEFAULT_INTERVAL_MS * DEFAULT_INTERVAL_MS + DEFAULT_INTERVAL_MS
        return np.arange(first, due_ms, DEFAULT_INTERVAL_MS, dtype=np.int64)
    ts = series.ts_ms
    step = np.maximum((series.interval_h * HOUR_MS).astype(np.int64), HOUR_MS)
    since = np.concatenate([[start_ms], ts[:-1]])
    known = [np.arange(at, before, -every, dtype=np.int64) for at, before, every in zip(ts, since, step, strict=True)]
    after = np.arange(int(ts[-1] + step[-1]), due_ms, int(step[-1]), dtype=np.int64)
    due = np.unique(np.concatenate([*known, after]))
    return due[(due > start_ms) & (due < due_ms)]


def run_checks(rates: FundingRates, evidence: FundingEvidence, quality: QualitySettings) -> list[CheckResult]:
    """All six, over settlements in time order."""
    subject, due = _subject(rates, evidence), evidence.window.unexplained(evidence.due)
    return [
        all_due(subject, rates.ts_ms, due, HOUR_MS, "settlement", quality),
        each_once(subject, rates.ts_ms, HOUR_MS, "settlement"),
        validity(rates, subject),
        freshness(rates, evidence, quality),
        plausibility(rates, evidence, quality),
        consistency(rates, subject),
    ]


def validity(rates: FundingRates, subject: Subject) -> CheckResult:
    """Finite rates, intervals of 1 to 8 whole hours."""
    hours = rates.interval_h
    good = np.isfinite(rates.rate) & np.isfinite(hours) & (hours >= 1) & (hours <= LONGEST_INTERVAL_H) & (hours % 1 == 0)
    bad = np.flatnonzero(~good)
    found = ranges(rates.ts_ms[bad], HOUR_MS)
    return check_result(
        subject, "validity", len(bad) == 0, len(good) - len(bad), len(good),
        f"expected finite rates for 1 to {LONGEST_INTERVAL_H} whole hours, got {len(bad)} others ({in_words(found)})",
        bad=found, sample=_rows(rates, bad),
    )


def freshness(rates: FundingRates, evidence: FundingEvidence, quality: QualitySettings) -> CheckResult:
    """In the newest partition the series' newest settlement is younger than `freshness_bars` intervals, market time."""
    series = evidence.series
    reference = min(evidence.observed_ms, evidence.window.end_ms)
    interval = float(series.interval_h[-1]) * HOUR_MS if len(series.ts_ms) else DEFAULT_INTERVAL_MS
    newest = int(series.ts_ms[-1]) if len(series.ts_ms) else evidence.window.start_ms
    age = max(0, reference - newest) / interval
    return check_result(
        _subject(rates, evidence), "freshness", not evidence.newest or age < quality.freshness_bars, age, quality.freshness_bars,
        f"expected a settlement less than {quality.freshness_bars} intervals before {to_datetime(reference):%Y-%m-%d %H:%M}, "
        f"got the newest at {to_datetime(newest):%Y-%m-%d %H:%M}, {age:.1f} intervals before",
        bad=((newest, reference),), blocking=False,
    )


def plausibility(rates: FundingRates, evidence: FundingEvidence, quality: QualitySettings) -> CheckResult:
    """No rate per hour beyond `plausibility_mad_sigma` robust sigmas of the series; a warning, with one venue."""
    per_hour = evidence.series.rate / evidence.series.interval_h
    bad = np.empty(0, np.int64)
    worst = 0.0
    if len(per_hour) >= FEWEST_RETURNS:
        middle = np.median(per_hour)
        off = np.abs(per_hour - middle)
        sigma = float(MAD_TO_SIGMA * np.median(off)) or float(MEAN_TO_SIGMA * off.mean())
        beyond = np.abs(rates.rate / rates.interval_h - middle)
        bad = np.flatnonzero(beyond > quality.plausibility_mad_sigma * sigma)
        worst = float(beyond[bad].max() / sigma) if len(bad) and sigma else 0.0
    found = ranges(rates.ts_ms[bad], HOUR_MS)
    return check_result(
        _subject(rates, evidence), "plausibility", len(bad) == 0, worst, quality.plausibility_mad_sigma,
        f"expected rates within {quality.plausibility_mad_sigma:g} MAD-sigmas of the series, got {len(bad)} beyond, "
        f"up to {worst:.1f} ({in_words(found)}), no second venue asked",
        severity=Severity.WARNING, blocking=False, bad=found, sample=_rows(rates, bad),
    )


def consistency(rates: FundingRates, subject: Subject) -> CheckResult:
    """Each settlement falls on a multiple of its interval within the day, as venues settle."""
    into_day = rates.ts_ms % DAY_MS
    bad = np.flatnonzero(np.mod(into_day, np.maximum(rates.interval_h, 1) * HOUR_MS) != 0)
    found = ranges(rates.ts_ms[bad], HOUR_MS)
    return check_result(
        subject, "consistency", len(bad) == 0, len(into_day) - len(bad), len(into_day),
        f"expected settlements on multiples of their interval, got {len(bad)} others ({in_words(found)})",
        severity=Severity.WARNING, blocking=False, bad=found, sample=_rows(rates, bad),
    )


def _subject(rates: FundingRates, evidence: FundingEvidence) -> Subject:
    return Subject(DATASET, rates.symbol, evidence.window.day)


def _rows(rates: FundingRates, at: Int64) -> tuple[dict[str, object], ...]:
    columns = zip(rates.ts_ms[at], rates.rate[at], rates.interval_h[at], strict=True)
    rows = ({"ts": to_datetime(int(ts)).isoformat(), "rate": float(r), "interval_h": float(h)} for ts, r, h in columns)
    return tuple(islice(rows, MOST_SAMPLES))

"""The six quality checks of any source: pure functions over one symbol's rows of one day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import MINUTE_MS, to_datetime
from huracan_platform.contracts.market import Candles, Float64, Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.contracts.source import Change, SourceContract, SourceRows
from huracan_platform.data.market_data.candles.checks import FEWEST_RETURNS, MAD_TO_SIGMA, MEAN_TO_SIGMA, MOST_SAMPLES
from huracan_platform.data.market_data.gaps import DueWindow, in_words, ranges
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.series_checks import all_due, each_once
from huracan_platform.data.sources.source import Rule
from huracan_platform.settings import QualitySettings


@dataclass(frozen=True)
class Moves:
    """How far a column's changes from row to row are from the median one, when they ended (ms UTC), and their robust sigma."""

    ts_ms: Int64
    off: Float64
    sigma: float


@dataclass(frozen=True)
class SourceEvidence:
    """What a day's rows are held against: those due in it, the rules with the library's candles, and how the series moves."""

    window: DueWindow
    observed_ms: int
    newest: bool
    due: Int64
    delay_ms: int
    moves: Mapping[str, Moves]
    rules: Sequence[Rule]
    candles: Candles


def due_rows(contract: SourceContract, window: DueWindow, listed_from_ms: int) -> Int64:
    """Times of the rows due in a window: whole steps; of a moment, the first of them after the listing began."""
    first = -(-window.start_ms // contract.step_ms) * contract.step_ms
    due = np.arange(first, window.due_ms, contract.step_ms, dtype=np.int64)
    return window.unexplained(due if contract.span_ms else due[due > listed_from_ms])


def run_checks(
    rows: SourceRows, contract: SourceContract, evidence: SourceEvidence, quality: QualitySettings
) -> list[CheckResult]:
    """All six, over rows in time order."""
    subject = Subject(contract.name, rows.symbol, evidence.window.day)
    return [
        all_due(subject, rows.ts_ms, evidence.due, contract.step_ms, "row", quality),
        each_once(subject, rows.ts_ms, contract.step_ms, "row"),
        validity(rows, contract, subject),
        freshness(rows, contract, evidence, subject, quality),
        plausibility(rows, contract, evidence.moves, subject, quality),
        consistency(rows, contract, evidence, subject),
    ]


def validity(rows: SourceRows, contract: SourceContract, subject: Subject) -> CheckResult:
    """Every value within the range that its column declares."""
    good = np.ones(len(rows), bool)
    for column in contract.columns:
        good &= column.valid(rows[column.name])
    bad = np.flatnonzero(~good)
    found = ranges(rows.ts_ms[bad], contract.step_ms)
    expected = ", ".join(f"{column.name} {column.expected}" for column in contract.columns)
    return check_result(
        subject, "validity", len(bad) == 0, len(good) - len(bad), len(good),
        f"expected {expected}; got {len(bad)} other rows ({in_words(found)})", bad=found, sample=_sample(rows, bad),
    )


def freshness(
    rows: SourceRows, contract: SourceContract, evidence: SourceEvidence, subject: Subject, quality: QualitySettings
) -> CheckResult:
    """In the newest partition the newest row is younger than `freshness_bars` steps and the arrival delay, market time."""
    limit_ms = quality.freshness_bars * contract.step_ms + evidence.delay_ms
    reference = min(evidence.observed_ms, evidence.window.end_ms)
    newest = int(rows.ts_ms.max()) + contract.span_ms if len(rows) else evidence.window.start_ms
    age = max(0, reference - newest)
    return check_result(
        subject, "freshness", not evidence.newest or age < limit_ms, age / MINUTE_MS, limit_ms / MINUTE_MS,
        f"expected a row up to less than {limit_ms / MINUTE_MS:g} min before {to_datetime(reference):%Y-%m-%d %H:%M}, "
        f"got the newest up to {to_datetime(newest):%Y-%m-%d %H:%M}, {age / MINUTE_MS:.1f} min before",
        bad=((newest, reference),), blocking=False,
    )


def plausibility(
    rows: SourceRows, contract: SourceContract, moves: Mapping[str, Moves], subject: Subject, quality: QualitySettings
) -> CheckResult:
    """No change from row to row beyond `plausibility_mad_sigma` robust sigmas of the series; a warning, with one venue."""
    bad, worst, told = np.empty(0, np.int64), 0.0, []
    first, end = (int(rows.ts_ms[0]), int(rows.ts_ms[-1]) + 1) if len(rows) else (0, 0)
    for name, moved in moves.items():
        own = slice(*np.searchsorted(moved.ts_ms, [first, end]))
        ts, off = moved.ts_ms[own], moved.off[own]
        beyond = off > quality.plausibility_mad_sigma * moved.sigma
        if beyond.any():
            worst = max(worst, float(off[beyond].max() / moved.sigma) if moved.sigma else 0.0)
            told.append(f"{int(beyond.sum())} of {name}")
            bad = np.union1d(bad, ts[beyond])
    found = ranges(bad, contract.step_ms)
    return check_result(
        subject, "plausibility", not told, worst, quality.plausibility_mad_sigma,
        f"expected changes within {quality.plausibility_mad_sigma:g} MAD-sigmas of the series, got {', '.join(told)} beyond, "
        f"up to {worst:.1f} ({in_words(found)}), no second venue asked",
        severity=Severity.WARNING, blocking=False, bad=found, sample=_sample(rows, np.searchsorted(rows.ts_ms, bad)),
    )


def consistency(rows: SourceRows, contract: SourceContract, evidence: SourceEvidence, subject: Subject) -> CheckResult:
    """Every rule of the source, wherever there is something to hold a row against."""
    could, broken, told = np.zeros(len(rows), bool), np.zeros(len(rows), bool), []
    for rule in evidence.rules:
        compared = rule.compare(rows, evidence.candles)
        bad = compared.could & ~compared.fits
        could |= compared.could
        broken |= bad
        if bad.any():
            told.append(f"expected {rule.expected}, got {int(bad.sum())} of {int(compared.could.sum())} others "
                        f"({in_words(ranges(rows.ts_ms[bad], contract.step_ms))})")
    at = np.flatnonzero(broken)
    return check_result(
        subject, "consistency", not told, int(could.sum()) - len(at), int(could.sum()), "; ".join(told),
        bad=ranges(rows.ts_ms[at], contract.step_ms), sample=_sample(rows, at),
    )


def moves_of(series: SourceRows, contract: SourceContract) -> dict[str, Moves]:
    """How each column of a series in time order moves; none where its changes are free or too few to say."""
    return {column.name: _moves(series, column.name, column.change, contract.step_ms) for column in contract.columns}


def _moves(series: SourceRows, name: str, change: Change, step_ms: int) -> Moves:
    values = series[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.diff(np.log(values) if change is Change.RATIO else values)
    usable = (np.diff(series.ts_ms) == step_ms) & np.isfinite(moves)
    ts, moves = series.ts_ms[1:][usable], moves[usable]
    if change is Change.FREE or len(moves) < FEWEST_RETURNS:
        return Moves(ts[:0], moves[:0], 0.0)
    off = np.abs(moves - np.median(moves))
    return Moves(ts, off, float(MAD_TO_SIGMA * np.median(off)) or float(MEAN_TO_SIGMA * off.mean()))


def _sample(rows: SourceRows, at: Int64) -> tuple[dict[str, object], ...]:
    return tuple(
        {"ts": to_datetime(int(rows.ts_ms[i])).isoformat(), **{name: str(column[i]) for name, column in rows.values.items()}}
        for i in at[:MOST_SAMPLES]
    )

"""The six quality checks of candles: pure functions over one symbol's bars of one day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, Int64
from huracan_platform.contracts.quality import CheckResult, Refetched, Severity
from huracan_platform.data.market_data.candles.rollup import roll_up
from huracan_platform.data.market_data.gaps import DueWindow, absent, in_words, is_refetched, missed, ranges, told_refetched
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.data.market_data.series_checks import each_once
from huracan_platform.settings import QualitySettings

DATASET = "candles"
NAMES = ("completeness", "uniqueness", "validity", "freshness", "plausibility", "consistency")
MOST_SAMPLES = 5
# 1.4826 · MAD estimates the standard deviation of a normal; the mean absolute deviation does so times 1.2533 and is not
# zero where more than half of a quiet market's returns are.
MAD_TO_SIGMA = 1.4826
MEAN_TO_SIGMA = 1.2533
FEWEST_RETURNS = 30
# Sums of decimal volumes differ from the venue's own sum in the last bits only.
VOLUME_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Evidence:
    """What the bars of a day are held against.

    `hours` are the venue's own 1-hour bars, `previous_close` that of the bar right before the day, `witness` a second
    venue's bars around the jumps; None means there is none. `refetched` are windows of the day whose bars another venue lent,
    and that of the bar right before it.
    `newest` marks the last partition, the only one with a freshness.
    """

    window: DueWindow
    observed_ms: int
    newest: bool
    hours: Candles
    previous_close: float | None = None
    witness: Candles | None = None
    refetched: tuple[Refetched, ...] = ()


def run_checks(candles: Candles, evidence: Evidence, quality: QualitySettings) -> list[CheckResult]:
    """All six, in the order of NAMES, over bars in time order."""
    day = evidence.window.day
    return [
        completeness(
            candles, evidence.window, quality, [one for one in evidence.refetched if one.end_ms > evidence.window.start_ms]
        ),
        uniqueness(candles, day),
        validity(candles, day),
        freshness(candles, evidence, quality),
        plausibility(
            candles, day, quality, previous_close=evidence.previous_close, witness=evidence.witness, refetched=evidence.refetched
        ),
        consistency(candles, day, evidence.hours),
    ]


def completeness(
    candles: Candles, window: DueWindow, quality: QualitySettings, refetched: Sequence[Refetched] = ()
) -> CheckResult:
    """Every due bar is there, and is the venue's own; listing window and explained gaps aside.

    Never blocking: the rows that came are genuine. Under `coverage_alert` it is an error, under `coverage_degraded` the
    day becomes degraded. Bars that another venue lent are missing here, an error, and the message names that venue.
    """
    all_minutes = np.arange(window.start_ms, window.end_ms if refetched else window.start_ms, MINUTE_MS, dtype=np.int64)
    if refetched:
        candles = candles.at(~is_refetched(candles.ts_ms, refetched))
    came = candles.ts_ms[(candles.ts_ms >= window.start_ms) & (candles.ts_ms < window.end_ms)]
    # Lent bars are due and missing also where the hole was explained after they were lent: they are still read as the day's.
    lent_ms = all_minutes[is_refetched(all_minutes, refetched)]
    due = np.union1d(window.minutes(), lent_ms) if len(lent_ms) else window.minutes()
    if not np.array_equal(due, came):  # a set of a month's minutes takes longer than all else here
        due = np.union1d(due, window.unexplained(came))
    missing = absent(due, came)
    got = len(due) - len(missing)
    coverage = got / len(due) if len(due) else 1.0
    bad = ranges(missing)
    lent = int(is_refetched(missing, refetched).sum())
    told = f"expected {len(due)} bars, got {got} (missing {in_words(bad)})"
    if lent:
        share = "" if lent == len(missing) else f"{lent} of {len(missing)} bars "
        told = f"{missed(missing)}; {share}{told_refetched(refetched)}, marked degraded"
    return check_result(
        Subject(DATASET, candles.symbol, window.day), "completeness", len(missing) == 0, got, len(due), told,
        severity=Severity.ERROR if lent or coverage < quality.coverage_alert else Severity.WARNING, bad=bad, blocking=False,
    )


def uniqueness(candles: Candles, day: date) -> CheckResult:
    """Each bar once, in time order."""
    again = np.flatnonzero(np.diff(candles.ts_ms) <= 0) + 1
    return each_once(Subject(DATASET, candles.symbol, day), candles.ts_ms, MINUTE_MS, "bar", _rows(candles, again))


def validity(candles: Candles, day: date) -> CheckResult:
    """Finite numbers, low ≤ open, close ≤ high, prices above 0, volume not below 0."""
    values = np.stack([getattr(candles, name) for name in CANDLE_COLUMNS])
    body_high, body_low = np.maximum(candles.open, candles.close), np.minimum(candles.open, candles.close)
    with np.errstate(invalid="ignore"):
        good = (
            np.isfinite(values).all(axis=0) & (candles.low > 0) & (candles.volume >= 0)
            & (candles.low <= body_low) & (body_high <= candles.high)
        )
    bad = np.flatnonzero(~good)
    found = ranges(candles.ts_ms[bad])
    return check_result(
        Subject(DATASET, candles.symbol, day), "validity", len(bad) == 0, len(candles) - len(bad), len(candles),
        f"expected 0 < low ≤ open, close ≤ high and volume ≥ 0, all finite; got {len(bad)} other bars ({in_words(found)})",
        bad=found, sample=_rows(candles, bad),
    )


def freshness(candles: Candles, evidence: Evidence, quality: QualitySettings) -> CheckResult:
    """In the newest partition the newest bar closed less than `freshness_bars` bars ago, in market time as observed."""
    day, limit_ms = evidence.window.day, quality.freshness_bars * MINUTE_MS
    # A day that is over, or a listing that ended, gets no newer bar than its last.
    reference = min(evidence.observed_ms, evidence.window.end_ms)
    newest = int(candles.ts_ms.max()) + MINUTE_MS if len(candles) else evidence.window.start_ms
    age = max(0, reference - newest)
    return check_result(
        Subject(DATASET, candles.symbol, day), "freshness", not evidence.newest or age < limit_ms,
        age / MINUTE_MS, quality.freshness_bars,
        f"expected a bar closed less than {quality.freshness_bars} min before {_minute(reference)}, "
        f"got the newest closed {_minute(newest)}, {age / MINUTE_MS:.1f} min before",
        bad=((newest, reference),), blocking=False,
    )


def plausibility(
    candles: Candles, day: date, quality: QualitySettings, *, previous_close: float | None = None,
    witness: Candles | None = None, refetched: Sequence[Refetched] = (),
) -> CheckResult:
    """No 1-minute return beyond `plausibility_mad_sigma` robust sigmas of the day, unless a second venue moved alike.

    With a witness an outlier that it does not confirm within `plausibility_confirm_bars` blocks the day. Where it has no bars,
    without one, and in bars that another venue lent, which it cannot confirm itself, outliers are a warning.
    """
    ts, returns = _returns(candles, previous_close, refetched)
    outliers, sigma = _outliers(returns, quality.plausibility_mad_sigma)
    blocking = False
    if witness is not None and len(outliers):
        own = ~is_refetched(ts[outliers], refetched)
        seen, moved = _witnessed(ts[outliers], returns[outliers], witness, quality, sigma)
        outliers, blocking = outliers[~(moved & own)], bool((own & seen & ~moved).any())
    found = ranges(ts[outliers])
    worst = float(np.abs(returns[outliers]).max() / sigma) if len(outliers) else 0.0
    asked = "no second venue asked" if witness is None else "not confirmed by the second venue"
    return check_result(
        Subject(DATASET, candles.symbol, day), "plausibility", len(outliers) == 0, worst, quality.plausibility_mad_sigma,
        f"expected returns within {quality.plausibility_mad_sigma:g} MAD-sigmas, got {len(outliers)} beyond, "
        f"up to {worst:.1f} ({in_words(found)}), {asked}",
        severity=Severity.ERROR if blocking else Severity.WARNING, blocking=blocking, bad=found,
        sample=_rows(candles, np.searchsorted(candles.ts_ms, ts[outliers])),
    )


def jumps(
    candles: Candles, quality: QualitySettings, previous_close: float | None, refetched: Sequence[Refetched] = ()
) -> Int64:
    """Opens of a day's bars whose returns plausibility would ask a second venue about."""
    ts, returns = _returns(candles, previous_close, refetched)
    return ts[_outliers(returns, quality.plausibility_mad_sigma)[0]]


def consistency(candles: Candles, day: date, hours: Candles) -> CheckResult:
    """The roll-up of the minutes equals the venue's own hour, wherever all 60 minutes are there."""
    rolled = roll_up(candles, HOUR_MS)
    whole = rolled.minutes == 60
    _, ours, theirs = np.intersect1d(rolled.candles.ts_ms[whole], hours.ts_ms, return_indices=True)
    ours = np.flatnonzero(whole)[ours]
    differs = np.zeros(len(ours), bool)
    for name in CANDLE_COLUMNS[:4]:
        differs |= getattr(rolled.candles, name)[ours] != getattr(hours, name)[theirs]
    differs |= ~np.isclose(rolled.candles.volume[ours], hours.volume[theirs], rtol=VOLUME_TOLERANCE, atol=VOLUME_TOLERANCE)
    bad = ours[differs]
    found = ranges(rolled.candles.ts_ms[bad], HOUR_MS)
    return check_result(
        Subject(DATASET, candles.symbol, day), "consistency", len(bad) == 0, len(ours) - len(bad), len(ours),
        f"expected {len(ours)} hours to equal the venue's own, got {len(bad)} that differ ({in_words(found)})",
        bad=tuple((a, b + HOUR_MS - MINUTE_MS) for a, b in found),
        sample=tuple(
            {"ours": _row(rolled.candles, int(i)), "venue": _row(hours, int(j))}
            for i, j in zip(bad[:MOST_SAMPLES], theirs[differs][:MOST_SAMPLES], strict=True)
        ),
    )


def unverified(result: CheckResult, looks: str | None) -> CheckResult:
    """Consistency of a file without an hour of the venue beside it: a warning, for its times, market and units may be any.

    `looks` says what its times may be, None where they look like UTC's.
    """
    return check_result(
        Subject(DATASET, result.symbol, result.day), "consistency", False, 0, 0,
        "expected the venue's own hours to hold a file against, got none: its times, market and units are unverified"
        + ("" if looks is None else f"; {looks}"),
        severity=Severity.WARNING, blocking=False,
    )


def _returns(
    candles: Candles, previous_close: float | None, refetched: Sequence[Refetched] = ()
) -> tuple[Int64, Float64]:
    """Log returns between neighbouring minutes of one venue, and the opens of the bars that made them."""
    close, ts = candles.close, candles.ts_ms
    if previous_close is not None and len(ts):
        close, ts = np.concatenate([[previous_close], close]), np.concatenate([[ts[0] - MINUTE_MS], ts])
    adjacent = np.diff(ts) == MINUTE_MS
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = np.diff(np.log(close))
    lent = is_refetched(ts, refetched)
    usable = adjacent & np.isfinite(returns) & (lent[1:] == lent[:-1])
    return ts[1:][usable], returns[usable]


def _outliers(returns: Float64, sigmas: float) -> tuple[Int64, float]:
    if len(returns) < FEWEST_RETURNS:
        return np.empty(0, np.int64), math.inf
    off = np.abs(returns - np.median(returns))
    sigma = float(MAD_TO_SIGMA * np.median(off)) or float(MEAN_TO_SIGMA * off.mean())
    return np.flatnonzero(off > sigmas * sigma), sigma


def _witnessed(
    ts: Int64, returns: Float64, witness: Candles, quality: QualitySettings, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where the witness has bars within the allowed ones around, and where it moved the same way beyond half the bound."""
    their_ts, theirs = _returns(witness, None)
    near = quality.plausibility_confirm_bars * MINUTE_MS
    bound = quality.plausibility_mad_sigma * sigma / 2
    seen, moved = np.zeros(len(ts), bool), np.zeros(len(ts), bool)
    for k, (at, move) in enumerate(zip(ts, returns, strict=True)):
        around = theirs[(their_ts >= at - near) & (their_ts <= at + near)]
        seen[k], moved[k] = len(around) > 0, bool((np.sign(move) * around > bound).any())
    return seen, moved


def _rows(candles: Candles, at: Int64) -> tuple[dict[str, Any], ...]:
    return tuple(_row(candles, int(i)) for i in at[:MOST_SAMPLES])


def _row(candles: Candles, i: int) -> dict[str, Any]:
    # Text for what JSON has no number for.
    values = {name: float(getattr(candles, name)[i]) for name in CANDLE_COLUMNS}
    plain = {name: value if math.isfinite(value) else str(value) for name, value in values.items()}
    return {"ts": to_datetime(int(candles.ts_ms[i])).isoformat(), **plain}


def _minute(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M:%S}"

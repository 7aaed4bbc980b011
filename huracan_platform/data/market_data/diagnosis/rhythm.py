"""When people and programs trade: most in the first minute of an hour, and by the hours of the world's sessions.

All that a series without any second source tells about its times. A hint at most: no one day has to follow it.
"""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, span_text
from huracan_platform.data.market_data.diagnosis.repeats import shift_fault
from huracan_platform.settings.diagnosis import DiagnosisSettings

MINUTES, HOURS = 60, 24
# Log of volume and of the range of the hours of a UTC day less their mean: five USD-M perpetuals, 2025-05. Fourteen other years
# and venues, 2017–2026, follow it within an hour: the sessions of the United States are an hour later in winter.
VOLUME = np.array([
    0.24, 0.16, 0.06, -0.13, -0.22, -0.27, -0.16, 0.03, 0.13, -0.02, -0.11, -0.09, 0.07, 0.36, 0.44, 0.28, 0.29, 0.12, 0.03,
    -0.15, -0.24, -0.48, -0.18, -0.15,
])
RANGE = np.array([
    0.29, 0.22, 0.09, -0.07, -0.17, -0.2, -0.16, 0.01, -0.01, -0.12, -0.2, -0.2, -0.05, 0.21, 0.22, 0.1, 0.18, 0.07, 0.08, -0.06,
    -0.08, -0.12, 0.02, -0.03,
])
_AROUND = 21  # minutes whose mean is the usual volume of the one in their middle
_FLOOR = 1e-3  # of the median volume: minutes without a trade have a log then
_CLIP = 2.0


def off_rhythm(candles: Candles, settings: DiagnosisSettings) -> Diagnosis | None:
    """Times that are shifted, by the rhythm of the hour where it is not in the first minute, else by that of the day."""
    days = len(np.unique(candles.ts_ms // HOUR_MS)) / HOURS
    if days < settings.rhythm_days or np.median(candles.volume) <= 0:
        return None
    return _off_the_hour(candles, days, settings) or _off_the_day(candles, days, settings)


def _off_the_hour(candles: Candles, days: float, settings: DiagnosisSettings) -> Diagnosis | None:
    busy = _minutes(candles)
    most = int(busy.argmax())
    if busy[most] < settings.rhythm_sigmas or busy[most] - busy[0] < settings.rhythm_gain:
        return None
    return Diagnosis(
        shift_fault(most), f"expected most trading in minute :00 of the hours, got it in :{most:02d} over {days:.0f} days "
        f"({busy[most]:.1f} sigmas over the usual minute, :00 {busy[0]:.1f}): times look {span_text(most)} late, or by whole "
        "hours more; nothing else to hold them against", False, span(candles.ts_ms),
    )


def _minutes(candles: Candles) -> Float64:
    """How far each minute of the hour (60,) lies above the usual one, in sigmas of its mean."""
    log = np.log(candles.volume + _FLOOR * np.median(candles.volume))
    usual = np.convolve(np.pad(log, _AROUND // 2, mode="edge"), np.full(_AROUND, 1 / _AROUND), "valid")
    over = np.clip(log - usual, -_CLIP, _CLIP)
    minute = (candles.ts_ms // MINUTE_MS) % MINUTES
    count = np.maximum(np.bincount(minute, minlength=MINUTES), 1)
    mean = np.bincount(minute, over, MINUTES) / count
    spread = over.std()
    sigmas: Float64 = (mean - np.median(mean)) * np.sqrt(count) / (spread if spread > 0 else 1.0)
    return sigmas


def _off_the_day(candles: Candles, days: float, settings: DiagnosisSettings) -> Diagnosis | None:
    if days < settings.rhythm_of_day_days:
        return None
    found = _of_hours(candles)
    if found is None:
        return None
    alike = np.array([_alike(np.roll(VOLUME, k), found[0]) + _alike(np.roll(RANGE, k), found[1]) for k in range(HOURS)])
    best = int(alike.argmax())
    # An hour either way is daylight saving's.
    near = float(alike[[0, 1, HOURS - 1]].max())
    if alike[best] - near < settings.rhythm_of_day_gain:
        return None
    late = best - HOURS if best > HOURS // 2 else best
    return Diagnosis(
        Fault.TIME_ZONE, f"expected volumes and ranges as the sessions of a UTC day have them, got those "
        f"{span_text(late * MINUTES)} late over {days:.0f} days (correlations "
        f"add up to {alike[best]:.2f} moved back, {near:.2f} as they came); nothing else "
        "to hold them against", False, span(candles.ts_ms),
    )


def _of_hours(candles: Candles) -> tuple[Float64, Float64] | None:
    """Typical log volume and log range of the hours of a day (24,), each less the mean of its day; None without whole days."""
    hour = candles.ts_ms // HOUR_MS
    first = np.flatnonzero(np.concatenate([[True], np.diff(hour) != 0]))
    volume = np.add.reduceat(candles.volume, first)
    span = np.log(np.maximum.reduceat(candles.high, first) / np.minimum.reduceat(candles.low, first))
    day, count = np.unique(candles.ts_ms[first] // DAY_MS, return_counts=True)
    whole = np.isin(candles.ts_ms[first] // DAY_MS, day[count == HOURS])
    if not whole.any() or (volume[whole] <= 0).any() or (span[whole] <= 0).any():
        return None
    volumes, spans = np.log(volume[whole]).reshape(-1, HOURS), np.log(span[whole]).reshape(-1, HOURS)
    return _typical(volumes), _typical(spans)


def _typical(values: Float64) -> Float64:
    middle: Float64 = np.median(values - values.mean(axis=1, keepdims=True), axis=0)
    return middle


def _alike(a: Float64, b: Float64) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if b.std() > 0 else 0.0

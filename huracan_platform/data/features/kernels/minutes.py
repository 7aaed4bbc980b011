"""Trailing windows of minute bars: running sums, exponential averages, volume profile and return patterns.

Windows are in time. A bar is *complete* when the minute before it has a bar too; only complete bars enter the sums,
and a missing minute enters nothing. Sums are added to and taken from bar by bar, and made again from the ring at the
first bar of each UTC day, so that their rounding depends on the day's bars alone and never on when the engine began.
"""

from __future__ import annotations

import math

import numpy as np

from huracan_platform.data.features.kernels.state import (
    BARS,
    BINS,
    CHANNELS,
    DAY_MIN,
    EMA_SPANS,
    NEVER,
    PATTERNS,
    RING,
    WINDOWS,
    Record,
    Row,
    compiled,
)

BIN_WIDTH = 1e-3            # 10 bps of log price
ENTROPY_RETURNS = 240
ORDER = 4                   # of the permutation patterns
PATTERNS_IN_WINDOW = ENTROPY_RETURNS - ORDER + 1
MIN_PATTERNS = PATTERNS_IN_WINDOW - 12  # two missing minutes spoil ten to twelve patterns
NOTHING = (0.0,) * CHANNELS
MISSING_SHARE = 100         # a window is valid while at most one bar in so many is missing


@compiled
def bar_at(s: Record, minute: int) -> float:
    """Log close of a minute within the ring, NaN when it has no bar."""
    return float(s.log_close[minute % RING])


@compiled
def contribution(s: Record, minute: int) -> tuple[float, ...]:
    """What the bar of `minute` adds to a window, in the order of the channels; zeros when it is not complete."""
    slot = minute % RING
    close, before = s.log_close[slot], s.log_close[(minute - 1) % RING]
    if math.isnan(close) or math.isnan(before):
        return NOTHING
    high, low, volume = s.high[slot], s.low[slot], s.volume[slot]
    r = close - before
    earlier = s.log_close[(minute - 2) % RING]
    lagged = 0.0 if math.isnan(earlier) else r * (before - earlier)
    location = 0.0 if high == low else (2.0 * close - high - low) / (high - low)
    level = close - s.anchor
    typical = (high + low + close) / 3.0 - s.anchor
    return (
        1.0, r * r, abs(r), max(high, before) - min(low, before), level, level * level, lagged,
        volume, volume * volume, r * volume, np.sign(r) * volume, location * volume, typical * volume,
    )


@compiled
def valid(s: Record, window: int) -> bool:
    """Whether a row of `sums` covers its window: old enough, and at most 1 % of its bars missing."""
    length = WINDOWS[window]
    return bool(s.minute - s.genesis_minute >= length and s.sums[window, BARS] >= length - length // MISSING_SHARE)


@compiled
def profile_bin(s: Record, minute: int) -> int:
    """Absolute number of the volume profile's bin that holds a bar's typical price."""
    slot = minute % RING
    number: int = math.floor((s.high[slot] + s.low[slot] + s.log_close[slot]) / (3.0 * BIN_WIDTH))
    return number


@compiled
def pattern(s: Record, minute: int) -> int:
    """Order pattern (0 to 23) of the four returns up to `minute`, ties by time; NEVER when a bar is missing."""
    e = bar_at(s, minute) - bar_at(s, minute - 1)
    d = bar_at(s, minute - 1) - bar_at(s, minute - 2)
    c = bar_at(s, minute - 2) - bar_at(s, minute - 3)
    b = bar_at(s, minute - 3) - bar_at(s, minute - 4)
    if math.isnan(b + c + d + e):
        return NEVER
    first = (c < b) + (d < b) + (e < b)
    second = (d < c) + (e < c)
    return 6 * first + 2 * second + (e < d)


@compiled
def _profile_add(s: Record, minute: int) -> None:
    number = profile_bin(s, minute)
    if s.profile_low > s.profile_high:
        s.profile_low = s.profile_high = number
    s.profile_low = min(s.profile_low, number)
    s.profile_high = max(s.profile_high, number)
    s.profile_volume[number % BINS] += s.volume[minute % RING]
    s.profile_bars[number % BINS] += 1


@compiled
def _profile_remove(s: Record, minute: int) -> None:
    slot = profile_bin(s, minute) % BINS
    s.profile_volume[slot] -= s.volume[minute % RING]
    s.profile_bars[slot] -= 1
    if s.profile_bars[slot] == 0:
        s.profile_volume[slot] = 0.0
    while s.profile_low <= s.profile_high and s.profile_bars[s.profile_low % BINS] == 0:
        s.profile_low += 1
    while s.profile_high >= s.profile_low and s.profile_bars[s.profile_high % BINS] == 0:
        s.profile_high -= 1


@compiled
def _clear_sums(s: Record) -> None:
    s.sums[:, :] = 0.0
    s.ema[:] = np.nan
    s.profile_volume[:] = 0.0
    s.profile_bars[:] = 0
    s.profile_low, s.profile_high = 0, -1


@compiled
def clear(s: Record) -> None:
    """Forget all minute bars: after a gap longer than the ring."""
    s.log_close[:] = np.nan
    s.pattern_counts[:] = 0
    _clear_sums(s)


@compiled
def _average(s: Record, log_close: float) -> None:
    for k in range(len(EMA_SPANS)):
        if math.isnan(s.ema[k]):
            s.ema[k] = log_close
        else:
            s.ema[k] += (2.0 / (EMA_SPANS[k] + 1.0)) * (log_close - s.ema[k])


@compiled
def refresh(s: Record) -> None:
    """Make sums, averages and profile again from the last 1,440 minutes, oldest first."""
    _clear_sums(s)
    for age in range(DAY_MIN - 1, -1, -1):
        if not math.isnan(bar_at(s, s.minute - age)):
            s.anchor = bar_at(s, s.minute - age)
    for age in range(DAY_MIN - 1, -1, -1):
        minute = s.minute - age
        if math.isnan(bar_at(s, minute)):
            continue
        _average(s, bar_at(s, minute))
        added = contribution(s, minute)
        if added[BARS] == 0.0:
            continue
        _profile_add(s, minute)
        for w in range(len(WINDOWS)):
            if WINDOWS[w] > age:
                for j in range(CHANNELS):
                    s.sums[w, j] += added[j]


@compiled
def _leave(s: Record, minute: int) -> None:
    """Take out of each window the bar that leaves it when the clock reaches `minute`."""
    for w in range(len(WINDOWS)):
        gone = contribution(s, minute - WINDOWS[w])
        for j in range(CHANNELS):
            s.sums[w, j] -= gone[j]
        if WINDOWS[w] == DAY_MIN and gone[BARS] != 0.0:
            _profile_remove(s, minute - DAY_MIN)
    code = pattern(s, minute - PATTERNS_IN_WINDOW)
    if code != NEVER:
        s.pattern_counts[code] -= 1


@compiled
def advance(s: Record, minute: int, log_high: float, log_low: float, log_close: float, volume: float) -> None:
    """Move all windows to `minute` and put its bar in; minutes without a bar pass as missing."""
    if s.minute == NEVER:
        clear(s)
        s.genesis_minute, s.minute, s.anchor = minute, minute - 1, log_close
    if minute // DAY_MIN != s.day:
        refresh(s)
        s.day = minute // DAY_MIN
    if minute - s.minute > RING:
        clear(s)
        s.minute = minute - 1
    for missing in range(s.minute + 1, minute):
        _leave(s, missing)
        s.log_close[missing % RING] = np.nan
    _leave(s, minute)
    s.minute = minute
    slot = minute % RING
    s.high[slot], s.low[slot], s.log_close[slot], s.volume[slot] = log_high, log_low, log_close, volume
    _average(s, log_close)
    added = contribution(s, minute)
    if added[BARS] != 0.0:
        _profile_add(s, minute)
        for w in range(len(WINDOWS)):
            for j in range(CHANNELS):
                s.sums[w, j] += added[j]
    code = pattern(s, minute)
    if code != NEVER:
        s.pattern_counts[code] += 1


def _plogp() -> Row:
    counts = np.arange(PATTERNS_IN_WINDOW + 1, dtype=np.float64)
    counts[1:] *= np.log(counts[1:])
    return counts


COUNT_LOG_COUNT = _plogp()


@compiled
def permutation_entropy(s: Record) -> float:
    """Normalised entropy of the order patterns in the last 240 returns, in [0, 1]; NaN while they are too few."""
    total, mass = 0, 0.0
    for k in range(PATTERNS):
        total += s.pattern_counts[k]
        mass += COUNT_LOG_COUNT[s.pattern_counts[k]]
    if total < MIN_PATTERNS or s.minute - s.genesis_minute < ENTROPY_RETURNS:
        return math.nan
    return (math.log(total) - mass / total) / math.log(PATTERNS)

"""Hourly samples for the long trailing windows, and the ranges of closed hours."""

from __future__ import annotations

import math

import numpy as np

from huracan_platform.data.features.kernels.state import FUNDING, MAX_HOURS, NEVER, RANGE_HOURS, Record, compiled

HOUR_MIN = 60
DAY_HOURS = 24
FULL_SHARE = 0.95           # a rank is neutral while the window lacks more than this share of its samples
NEUTRAL = 0.5


@compiled
def _range_of(s: Record, hours: int) -> tuple[float, float]:
    high, low = -math.inf, math.inf
    for hour in range(s.hour - hours, s.hour):
        slot = hour % RANGE_HOURS
        if not math.isnan(s.hour_highs[slot]):
            high = max(high, s.hour_highs[slot])
            low = min(low, s.hour_lows[slot])
    return high, low


@compiled
def roll_range(s: Record, minute: int, log_high: float, log_low: float) -> None:
    """Widen the running hour's range, or close it and begin the next; hours without a bar hold none."""
    hour = minute // HOUR_MIN
    if hour == s.hour:
        s.hour_high = max(s.hour_high, log_high)
        s.hour_low = min(s.hour_low, log_low)
        return
    if s.hour != NEVER:
        s.hour_highs[s.hour % RANGE_HOURS] = s.hour_high
        s.hour_lows[s.hour % RANGE_HOURS] = s.hour_low
        for empty in range(max(s.hour + 1, hour - RANGE_HOURS), hour):
            s.hour_highs[empty % RANGE_HOURS] = math.nan
            s.hour_lows[empty % RANGE_HOURS] = math.nan
    s.hour, s.hour_high, s.hour_low = hour, log_high, log_low
    s.high_24h, s.low_24h = _range_of(s, DAY_HOURS)
    s.high_7d, s.low_7d = _range_of(s, RANGE_HOURS)


@compiled
def place(log_close: float, high: float, low: float, running_high: float, running_low: float) -> float:
    """Position in the range of closed hours and the running one: 0 at its low, 1 at its high, 0.5 in a range of one price."""
    top, bottom = max(high, running_high), min(low, running_low)
    return NEUTRAL if top <= bottom else (log_close - bottom) / (top - bottom)


@compiled
def rank(s: Record, row: int, window_h: int, value: float) -> float:
    """Mid-rank of `value` among the hourly samples of the window, in [0, 1]; neutral 0.5 before the window is full."""
    below, equal, known = 0, 0, 0
    for sample in s.samples[row, :window_h]:
        below += sample < value
        equal += sample == value
        known += sample == sample
    if known < FULL_SHARE * window_h:
        return NEUTRAL
    if math.isnan(value):
        return math.nan
    return (below + 0.5 * equal) / known


@compiled
def _describe_funding(s: Record, window_h: int) -> None:
    total, count = 0.0, 0
    for rate in s.samples[FUNDING, :window_h]:
        if not math.isnan(rate):
            total += rate
            count += 1
    s.funding_mean = s.funding_sd = math.nan
    if count >= DAY_HOURS:
        s.funding_mean = total / count
        squares = 0.0
        for rate in s.samples[FUNDING, :window_h]:
            if not math.isnan(rate):
                squares += (rate - s.funding_mean) ** 2
        s.funding_sd = math.sqrt(squares / count)
    s.funding_day_ago = s.samples[FUNDING, (s.sampled_hour - DAY_HOURS) % window_h]


@compiled
def sample_hour(s: Record, hour: int, values: tuple[float, float, float, float], rank_hours: int, regime_hours: int) -> None:
    """Store the four samples of a closed hour; hours that were missed hold none.

    Sigma keeps `regime_hours`, the others `rank_hours`; a row's ring is as long as its window.
    """
    first = hour if s.sampled_hour == NEVER else max(s.sampled_hour + 1, hour - MAX_HOURS)
    windows = (rank_hours, rank_hours, regime_hours, rank_hours)
    for row in range(4):
        for missed in range(first, hour):
            s.samples[row, missed % windows[row]] = np.nan
        s.samples[row, hour % windows[row]] = values[row]
    s.sampled_hour = hour
    _describe_funding(s, rank_hours)

"""Funding settlements: snapped times and the interval that each rate covers."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.market import Float64, FundingRates, Int64

# Venues stamp a settlement some ms late. Anything further from the hour is no jitter and keeps its time, for the checks to see.
SLACK_MS = 60_000
LONGEST_INTERVAL_H = 8
# What a rate covers when nothing before or after it tells.
DEFAULT_INTERVAL_H = 8.0


def settled(symbol: str, raw_ts_ms: Int64, rate: Float64, start_ms: int, end_ms: int) -> FundingRates:
    """Rates settled in [start_ms, end_ms), with times snapped to the hour and intervals derived from the spacing.

    Parameters
    ----------
    raw_ts_ms : (n,) int64
        Settlement times as the venue stamped them, ms UTC, some of them outside the window: they tell the intervals of
        the first and the last one inside.
    rate : (n,) float64
        Fractions per interval.
    """
    ts = on_the_hour(raw_ts_ms)
    keep = (ts >= start_ms) & (ts < end_ms)
    return FundingRates(symbol, ts[keep], rate[keep], intervals_h(ts)[keep])


def on_the_hour(raw_ts_ms: Int64) -> Int64:
    """Settlement times without the venue's jitter."""
    hour = (raw_ts_ms + HOUR_MS // 2) // HOUR_MS * HOUR_MS
    snapped: Int64 = np.where(np.abs(raw_ts_ms - hour) <= SLACK_MS, hour, raw_ts_ms)
    return snapped


def intervals_h(ts_ms: Int64) -> Float64:
    """Hours that each settlement covers: the time since the one before, holes seen through.

    A spacing is a hole, not an interval, when it is longer than 8 h, or when the spacings on both sides of it agree on
    a shorter interval that divides it. The first settlement takes the spacing after it.
    """
    n = len(ts_ms)
    if n < 2:
        return np.full(n, DEFAULT_INTERVAL_H)
    spacing = np.diff(ts_ms) / HOUR_MS
    before = np.concatenate([[np.nan], spacing[:-1]])
    after = np.concatenate([spacing[1:], [np.nan]])
    around = np.where(before == after, before, np.where(np.isnan(before), after, before))
    with np.errstate(invalid="ignore"):
        divides = (around > 0) & (around < spacing) & (np.mod(spacing, around) == 0)
    agreed = (before == after) | (spacing > LONGEST_INTERVAL_H)
    interval = np.where(divides & agreed, around, spacing)
    return np.concatenate([interval[:1], interval])

"""Volume columns: ratios, volume profile, and how volume and returns go together."""

from __future__ import annotations

import math

from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.kernels.minutes import BIN_WIDTH, bar_at, valid
from huracan_platform.data.features.kernels.state import (
    ABSOLUTE,
    BARS,
    BINS,
    FLOW,
    LOCATED,
    RING,
    SIGNED,
    TRADED_VALUE,
    VOLUME,
    VOLUME_SQUARE,
    W5,
    W15,
    W30,
    W60,
    W240,
    W1440,
    Record,
    Row,
    compiled,
)

VALUE_AREA_SHARE = 0.7      # of the day's volume, the usual definition
DRY = 1e-9                  # a window with less than this share of the day's volume counts as without trade


@compiled
def _dry(s: Record, window: int) -> bool:
    return bool(s.sums[window, VOLUME] <= DRY * s.sums[W1440, VOLUME])


@compiled
def volume_ratio(s: Record, window: int) -> float:
    """Mean volume per bar of a window over that of 24 h; NaN when the day had no trade."""
    if not valid(s, window) or not valid(s, W1440) or s.sums[W1440, VOLUME] <= 0.0:
        return math.nan
    mean = max(s.sums[window, VOLUME], 0.0) / s.sums[window, BARS]
    return float(mean / (s.sums[W1440, VOLUME] / s.sums[W1440, BARS]))


@compiled
def _per_volume(s: Record, window: int, channel: int) -> float:
    if not valid(s, window):
        return math.nan
    return 0.0 if _dry(s, window) else s.sums[window, channel] / s.sums[window, VOLUME]


@compiled
def _volume_zscore(s: Record) -> float:
    if not valid(s, W1440):
        return math.nan
    mean = s.sums[W1440, VOLUME] / s.sums[W1440, BARS]
    variance = s.sums[W1440, VOLUME_SQUARE] / s.sums[W1440, BARS] - mean * mean
    if variance <= DRY * mean * mean:
        return 0.0
    return float((s.volume[s.minute % RING] - mean) / math.sqrt(variance))


@compiled
def _obv_zscore(s: Record) -> float:
    if not valid(s, W240):
        return math.nan
    return 0.0 if _dry(s, W240) else s.sums[W240, SIGNED] / math.sqrt(s.sums[W240, VOLUME_SQUARE])


@compiled
def _vwap_distance(s: Record, window: int) -> float:
    if not valid(s, window):
        return math.nan
    if _dry(s, window):
        return 0.0
    return float(bar_at(s, s.minute) - s.anchor - s.sums[window, TRADED_VALUE] / s.sums[window, VOLUME])


@compiled
def _illiquidity_ratio(s: Record) -> float:
    if not valid(s, W60) or not valid(s, W1440) or s.sums[W1440, ABSOLUTE] <= 0.0:
        return math.nan
    if _dry(s, W60):
        return 1.0
    hour = s.sums[W60, ABSOLUTE] / s.sums[W60, VOLUME]
    return float(hour / (s.sums[W1440, ABSOLUTE] / s.sums[W1440, VOLUME]))


@compiled
def _point_of_control(s: Record) -> int:
    best, most = s.profile_low, -1.0
    for number in range(s.profile_low, s.profile_high + 1):
        volume = s.profile_volume[number % BINS]
        if volume > most:
            best, most = number, volume
    return int(best)


@compiled
def _value_area(s: Record, control: int) -> tuple[int, int]:
    """Bins around the point of control that hold 70 % of the day's volume, the heavier neighbour taken first."""
    low = high = control
    held = s.profile_volume[control % BINS]
    wanted = VALUE_AREA_SHARE * s.sums[W1440, VOLUME]
    while held < wanted and (low > s.profile_low or high < s.profile_high):
        above = s.profile_volume[(high + 1) % BINS] if high < s.profile_high else -1.0
        below = s.profile_volume[(low - 1) % BINS] if low > s.profile_low else -1.0
        if above >= below:
            high += 1
            held += above
        else:
            low -= 1
            held += below
    return low, high


@compiled
def _write_profile(s: Record, out: Row) -> None:
    out[Column.POC_DISTANCE] = out[Column.VALUE_AREA_POSITION] = math.nan
    if not valid(s, W1440) or s.profile_high - s.profile_low >= BINS:
        return
    close = bar_at(s, s.minute)
    control = _point_of_control(s)
    low, high = _value_area(s, control)
    out[Column.POC_DISTANCE] = close - (control + 0.5) * BIN_WIDTH
    out[Column.VALUE_AREA_POSITION] = (close - low * BIN_WIDTH) / ((high + 1 - low) * BIN_WIDTH)


@compiled
def write_flow(s: Record, out: Row) -> None:
    """Fill the volume columns of one row."""
    out[Column.VOLUME_RATIO_5] = volume_ratio(s, W5)
    out[Column.VOLUME_RATIO_30] = volume_ratio(s, W30)
    out[Column.VOLUME_RATIO_60] = volume_ratio(s, W60)
    out[Column.VOLUME_ZSCORE_1440] = _volume_zscore(s)
    out[Column.VOLUME_WEIGHTED_RETURN_15] = _per_volume(s, W15, FLOW)
    out[Column.VOLUME_WEIGHTED_RETURN_60] = _per_volume(s, W60, FLOW)
    out[Column.SIGNED_VOLUME_60] = _per_volume(s, W60, SIGNED)
    out[Column.OBV_ZSCORE_240] = _obv_zscore(s)
    out[Column.MONEY_FLOW_60] = _per_volume(s, W60, LOCATED)
    out[Column.VWAP_DISTANCE_60] = _vwap_distance(s, W60)
    out[Column.VWAP_DISTANCE_1440] = _vwap_distance(s, W1440)
    out[Column.ILLIQUIDITY_RATIO_60] = _illiquidity_ratio(s)
    _write_profile(s, out)

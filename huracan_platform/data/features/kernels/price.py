"""Price columns: returns, volatility, range, oscillators, distances from averages, time of day."""

from __future__ import annotations

import math

from huracan_platform.data.features.kernels import hours
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.kernels.minutes import bar_at, valid
from huracan_platform.data.features.kernels.state import (
    ABSOLUTE,
    BARS,
    DAY_MIN,
    LAGGED,
    LEVEL,
    LEVEL_SQUARE,
    RING,
    SQUARE,
    TRUE_RANGE,
    W14,
    W15,
    W60,
    W240,
    W1440,
    Record,
    Row,
    compiled,
)

FLAT = 1e-12                # sums below this are rounding left over from prices that have left the window
DAYS_TO_MONDAY = 3          # 1970-01-01 was a Thursday
WEEK_MIN = 7 * DAY_MIN


@compiled
def volatility(s: Record, window: int) -> float:
    """Root mean squared 1-minute log return of a window, per minute."""
    if not valid(s, window):
        return math.nan
    return math.sqrt(max(s.sums[window, SQUARE], 0.0) / s.sums[window, BARS])


@compiled
def log_return(s: Record, lag: int) -> float:
    """Log return over `lag` minutes; NaN when either minute has no bar."""
    return bar_at(s, s.minute) - bar_at(s, s.minute - lag)


@compiled
def efficiency(s: Record, window: int, lag: int) -> float:
    """Net move over the path walked (Kaufman), signed, in [-1, 1]; 0 on a flat path."""
    path = s.sums[window, ABSOLUTE]
    if not valid(s, window):
        return math.nan
    if path <= FLAT:
        return 0.0
    return float(min(max(log_return(s, lag) / path, -1.0), 1.0))


@compiled
def _ratio(above: float, below: float) -> float:
    return above / below if below > FLAT else math.nan


@compiled
def _zscore(s: Record, window: int) -> float:
    if not valid(s, window):
        return math.nan
    count = s.sums[window, BARS]
    mean = s.sums[window, LEVEL] / count
    variance = s.sums[window, LEVEL_SQUARE] / count - mean * mean
    if variance <= FLAT:
        return 0.0
    return float((bar_at(s, s.minute) - s.anchor - mean) / math.sqrt(variance))


@compiled
def _mean_true_range(s: Record, window: int) -> float:
    return s.sums[window, TRUE_RANGE] / s.sums[window, BARS] if valid(s, window) else math.nan


@compiled
def _ema_distance(s: Record, k: int, window: int) -> float:
    return bar_at(s, s.minute) - s.ema[k] if valid(s, window) else math.nan


@compiled
def write_price(s: Record, out: Row) -> None:
    """Fill the price columns of one row."""
    out[Column.LOG_RETURN_1] = log_return(s, 1)
    out[Column.LOG_RETURN_5] = log_return(s, 5)
    out[Column.LOG_RETURN_15] = log_return(s, 15)
    out[Column.LOG_RETURN_60] = log_return(s, 60)
    out[Column.LOG_RETURN_240] = log_return(s, 240)
    out[Column.LOG_RETURN_1440] = log_return(s, DAY_MIN)
    day = volatility(s, W1440)
    out[Column.REALISED_VOL_15] = volatility(s, W15)
    out[Column.REALISED_VOL_60] = volatility(s, W60)
    out[Column.REALISED_VOL_240] = volatility(s, W240)
    out[Column.REALISED_VOL_1440] = day
    out[Column.VOL_RATIO_15] = _ratio(out[Column.REALISED_VOL_15], day)
    out[Column.VOL_RATIO_60] = _ratio(out[Column.REALISED_VOL_60], day)
    out[Column.ATR_14] = _mean_true_range(s, W14)
    out[Column.ATR_60] = _mean_true_range(s, W60)
    out[Column.RSI_14] = 0.5 * (1.0 + efficiency(s, W14, 14))
    out[Column.RSI_60] = 0.5 * (1.0 + efficiency(s, W60, 60))
    out[Column.EMA_DISTANCE_15] = _ema_distance(s, 0, W60)
    out[Column.EMA_DISTANCE_60] = _ema_distance(s, 1, W240)
    out[Column.EMA_DISTANCE_240] = _ema_distance(s, 2, W1440)
    out[Column.ZSCORE_60] = _zscore(s, W60)
    out[Column.ZSCORE_240] = _zscore(s, W240)
    out[Column.ZSCORE_1440] = _zscore(s, W1440)
    out[Column.EFFICIENCY_15] = abs(efficiency(s, W15, 15))
    out[Column.TREND_1440] = _ratio(out[Column.LOG_RETURN_1440], day * math.sqrt(DAY_MIN))
    out[Column.AUTOCORRELATION_240] = _autocorrelation(s)
    _write_range(s, out)


@compiled
def _autocorrelation(s: Record) -> float:
    if not valid(s, W240):
        return math.nan
    return s.sums[W240, LAGGED] / s.sums[W240, SQUARE] if s.sums[W240, SQUARE] > FLAT else 0.0


@compiled
def _write_range(s: Record, out: Row) -> None:
    close = s.log_close[s.minute % RING]
    ready = s.minute - s.genesis_minute >= DAY_MIN
    day = hours.place(close, s.high_24h, s.low_24h, s.hour_high, s.hour_low)
    week = hours.place(close, s.high_7d, s.low_7d, s.hour_high, s.hour_low)
    out[Column.RANGE_POSITION_24H] = day if ready else math.nan
    out[Column.RANGE_POSITION_7D] = week if ready else math.nan


@compiled
def write_time(minute: int, out: Row) -> None:
    """Fill the calendar columns from the bar's close, UTC; the week begins on Monday."""
    close = minute + 1
    day = 2.0 * math.pi * (close % DAY_MIN) / DAY_MIN
    week = 2.0 * math.pi * ((close + DAYS_TO_MONDAY * DAY_MIN) % WEEK_MIN) / WEEK_MIN
    out[Column.TIME_OF_DAY_SIN], out[Column.TIME_OF_DAY_COS] = math.sin(day), math.cos(day)
    out[Column.DAY_OF_WEEK_SIN], out[Column.DAY_OF_WEEK_COS] = math.sin(week), math.cos(week)

"""Stylised facts of one listed symbol as numbers; definitions follow Cont (2001), "Empirical properties of asset returns:
stylized facts and statistical issues", Quantitative Finance 1."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS
from huracan_platform.simulator.market.bars import F64, I64, ListedSymbol

MINUTES_PER_DAY = 1_440
MINUTES_PER_YEAR = 525_600
LAGS = np.unique(np.rint(np.geomspace(1, 2 * MINUTES_PER_DAY, 40)).astype(np.int64))
HORIZONS = {"1m": 1, "5m": 5, "1h": 60, "4h": 240, "1d": 1_440}
HILL_SHARE = 0.005


def log_returns(listed: ListedSymbol, minutes: int = 1) -> F64:
    """Log returns of consecutive closes `minutes` apart; those across a gap of the record are left out."""
    ts, close = listed.bars.ts_ms[::minutes], listed.bars.close[::minutes]
    whole = np.diff(ts) == minutes * MINUTE_MS
    return np.asarray(np.diff(np.log(close))[whole], dtype=np.float64)


def excess_kurtosis(values: F64) -> float:
    """Fourth central moment over the squared variance, less 3; nan for fewer than four values."""
    if len(values) < 4:
        return float("nan")
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2 - 3)


def hill_index(values: F64, share: float = HILL_SHARE) -> float:
    """Hill's estimate of the tail index from the largest `share` of absolute values (Hill 1975)."""
    largest = np.sort(np.abs(values))[::-1]
    k = max(2, int(len(largest) * share))
    return float(1 / np.mean(np.log(largest[:k] / largest[k])))


def autocorrelation(values: F64, lags: I64) -> F64:
    """Correlation of the values with themselves at each lag in steps."""
    return np.array([np.corrcoef(values[:-k], values[k:])[0, 1] for k in lags], dtype=np.float64)


def leverage_effect(listed: ListedSymbol, days_later: I64) -> F64:
    """Correlation of a day's return with the log realised variance of the day that many days later; nan where too few."""
    r = log_returns(listed)
    days = len(r) // MINUTES_PER_DAY
    minutes = r[: days * MINUTES_PER_DAY].reshape(days, MINUTES_PER_DAY)
    day, volatility = minutes.sum(axis=1), np.log((minutes**2).sum(axis=1))
    return np.array([_correlation_at(day, volatility, int(lag)) for lag in days_later], dtype=np.float64)


def _correlation_at(first: F64, second: F64, lag: int) -> float:
    if abs(lag) > len(first) - 4:
        return float("nan")
    a, b = (first[: len(first) - lag], second[lag:]) if lag >= 0 else (first[-lag:], second[: len(second) + lag])
    return float(np.corrcoef(a, b)[0, 1])


def hourly_season(listed: ListedSymbol) -> F64:
    """Mean absolute minute return and mean volume by hour of the UTC day over their means, (24, 2)."""
    r, hour = np.abs(log_returns(listed)), (listed.bars.ts_ms // HOUR_MS) % 24
    hour_of_return = hour[1:][np.diff(listed.bars.ts_ms) == MINUTE_MS]
    out = np.empty((24, 2))
    for h in range(24):
        out[h] = r[hour_of_return == h].mean() / r.mean(), listed.bars.volume[hour == h].mean() / listed.bars.volume.mean()
    return out


def moves_and_volumes(listed: ListedSymbol) -> tuple[F64, F64]:
    """Absolute minute return and volume in lots of every minute that follows the one before."""
    whole = np.diff(listed.bars.ts_ms) == MINUTE_MS
    return np.abs(log_returns(listed)), listed.bars.volume[1:][whole].astype(np.float64)


def volume_volatility(listed: ListedSymbol) -> float:
    """Correlation of the absolute minute return with log volume."""
    absolute, volume = moves_and_volumes(listed)
    return float(np.corrcoef(absolute, np.log(volume + 1.0))[0, 1])


def value_of_tick_and_lot(listed: ListedSymbol) -> float:
    """USDT that one lot is worth per tick of its price."""
    return 10.0 ** -(listed.instrument.price_decimals + listed.instrument.quantity_decimals)


def cross_correlation(one: ListedSymbol, other: ListedSymbol, minutes: int) -> float:
    """Correlation of the two symbols' returns over the same periods."""
    both, left, right = np.intersect1d(one.bars.ts_ms, other.bars.ts_ms, return_indices=True)
    whole = np.diff(both[::minutes]) == minutes * MINUTE_MS
    a, b = (np.diff(np.log(s.bars.close[i][::minutes]))[whole] for s, i in ((one, left), (other, right)))
    return float(np.corrcoef(a, b)[0, 1])

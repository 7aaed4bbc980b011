"""How much of a Sharpe ratio is luck: probabilistic and deflated Sharpe, probability of backtest overfitting.

Bailey & Lopez de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The Deflated Sharpe Ratio" (2014); Bailey,
Borwein, Lopez de Prado & Zhu, "The Probability of Backtest Overfitting" (2016). Sharpe ratios here are per period
(per day), not annual; kurtosis is raw (3 for a normal).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import norm

from huracan_platform.contracts.market import Float64

EULER_MASCHERONI = 0.5772156649015329


@dataclass(frozen=True)
class SharpeMoments:
    """Per-period Sharpe ratio with what its sampling error depends on."""

    sharpe: float
    periods: int
    skew: float
    kurtosis: float


def sharpe_moments(returns: Float64) -> SharpeMoments:
    """Moments of per-period returns; NaN throughout where they do not vary."""
    centred = returns - returns.mean() if len(returns) else returns
    spread = float(np.sqrt(np.mean(centred**2))) if len(returns) else 0.0
    if len(returns) < 2 or spread < 1e-14:
        return SharpeMoments(math.nan, len(returns), math.nan, math.nan)
    z = centred / spread
    ratio = float(returns.mean() / returns.std(ddof=1))
    return SharpeMoments(ratio, len(returns), float(np.mean(z**3)), float(np.mean(z**4)))


def probabilistic_sharpe(moments: SharpeMoments, benchmark: float = 0.0) -> float:
    """P(true Sharpe > `benchmark`), benchmark per period."""
    sr = moments.sharpe
    variance = 1.0 - moments.skew * sr + (moments.kurtosis - 1.0) / 4.0 * sr * sr
    if not variance > 0.0 or moments.periods < 2:
        return math.nan
    return float(norm.cdf((sr - benchmark) * math.sqrt(moments.periods - 1) / math.sqrt(variance)))


def expected_best_sharpe(trials: int, variance: float) -> float:
    """Expected maximum per-period Sharpe of `trials` trials without skill whose Sharpes have this variance."""
    if trials < 1 or variance < 0.0:
        raise ValueError(f"expected trials >= 1 and variance >= 0, got {trials} and {variance}")
    if trials == 1:
        return 0.0
    upper = (1.0 - EULER_MASCHERONI) * norm.ppf(1.0 - 1.0 / trials) + EULER_MASCHERONI * norm.ppf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * float(upper)


def deflated_sharpe(moments: SharpeMoments, trials: int, variance: float | None = None) -> float:
    """P(true Sharpe > what the best of all trials would show by luck).

    `variance` is that of the trials' per-period Sharpes; None takes the sampling variance of a Sharpe estimate
    without skill, 1 / (periods - 1).
    """
    if moments.periods < 2:
        return math.nan
    spread = 1.0 / (moments.periods - 1) if variance is None else variance
    return probabilistic_sharpe(moments, expected_best_sharpe(trials, spread))


def backtest_overfitting(returns: Float64, splits: int = 10) -> float:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    `returns` is (periods, trials). Over all ways to halve `splits` blocks of periods, the share in which the trial
    with the best in-sample Sharpe ranks at or below the median out of sample.
    """
    if splits < 2 or splits % 2 or len(returns) < 2 * splits or returns.ndim != 2 or returns.shape[1] < 2:
        raise ValueError(f"expected even splits and at least ({2 * splits}, 2) returns, got {splits} and {returns.shape}")
    size = len(returns) // splits
    blocks = returns[: size * splits].reshape(splits, size, -1)
    count, total, squares = size * splits // 2, blocks.sum(axis=1), (blocks**2).sum(axis=1)
    overfit = 0
    halves = list(combinations(range(splits), splits // 2))
    for half in halves:
        inside = np.zeros(splits, dtype=bool)
        inside[list(half)] = True
        best = int(np.argmax(_sharpes(total[inside].sum(axis=0), squares[inside].sum(axis=0), count)))
        outside = _sharpes(total[~inside].sum(axis=0), squares[~inside].sum(axis=0), count)
        rank = float(np.mean(outside < outside[best]) + 0.5 * np.mean(outside == outside[best]))
        overfit += rank <= 0.5
    return overfit / len(halves)


def _sharpes(total: Float64, squares: Float64, count: int) -> Float64:
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return np.where(spread > 0.0, mean / np.where(spread > 0.0, spread, 1.0), 0.0)

"""Performance metrics, each agreeing with one named oracle.

Daily metrics take simple daily UTC returns marked to market, flat days included; annual figures use 365 days, the
risk-free rate is 0 and the standard deviation has ddof 1. Trade metrics take net returns per trade. A metric whose
denominator is 0 is NaN: it is not known, and no gate may pass on it. Oracle values are kept in
`tests/judging/oracle_values.json`, computed by the libraries named beside each function.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Float64

DAYS_PER_YEAR = 365


def sharpe(returns: Float64) -> float:
    """Annual Sharpe ratio. Oracle: `empyrical.sharpe_ratio(r, risk_free=0, annualization=365)`."""
    return _ratio(_mean(returns), volatility_per_day(returns)) * math.sqrt(DAYS_PER_YEAR)


def sortino(returns: Float64) -> float:
    """Annual Sortino ratio, downside deviation over all days. Oracle: `empyrical.sortino_ratio(r, 0, annualization=365)`."""
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2))) if len(returns) else math.nan
    return _ratio(_mean(returns), downside) * math.sqrt(DAYS_PER_YEAR)


def annual_return(returns: Float64) -> float:
    """Compound annual growth rate. Oracle: `empyrical.annual_return(r, annualization=365)`."""
    if len(returns) == 0:
        return math.nan
    return math.exp(float(np.log1p(returns).sum()) * DAYS_PER_YEAR / len(returns)) - 1.0


def calmar(returns: Float64) -> float:
    """Annual return over maximum drawdown. Oracle: `empyrical.calmar_ratio(r, annualization=365)`."""
    return _ratio(annual_return(returns), max_drawdown(returns))


def max_drawdown(returns: Float64) -> float:
    """Largest fall from a high-water mark, as a positive fraction. Oracle: `-empyrical.max_drawdown(r)`."""
    if len(returns) == 0:
        return math.nan
    equity = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return float(np.max(1.0 - equity / np.maximum.accumulate(equity)))


def volatility(returns: Float64) -> float:
    """Annual volatility. Oracle: `empyrical.annual_volatility(r, annualization=365)`."""
    return volatility_per_day(returns) * math.sqrt(DAYS_PER_YEAR)


def volatility_per_day(returns: Float64) -> float:
    """Standard deviation of daily returns, ddof 1; NaN under 2 days. Oracle: `numpy.std(r, ddof=1)`."""
    return float(np.std(returns, ddof=1)) if len(returns) > 1 else math.nan


def win_rate(trade_returns: Float64) -> float:
    """Share of trades with a positive net return. Oracle: `numpy.mean(t > 0)`."""
    return float(np.mean(trade_returns > 0.0)) if len(trade_returns) else math.nan


def profit_factor(trade_returns: Float64) -> float:
    """Sum of gains over sum of losses; inf without a loss, NaN without either. Oracle: sums by `pandas.Series.clip`."""
    gains, losses = float(trade_returns.clip(min=0.0).sum()), float(-trade_returns.clip(max=0.0).sum())
    return math.inf if losses == 0.0 and gains > 0.0 else _ratio(gains, losses)


def longest_losing_run(trade_returns: Float64) -> int:
    """Most consecutive trades with a net loss (a trade of exactly 0 ends a run). Oracle: `itertools.groupby`."""
    losing = np.concatenate(([0], (trade_returns < 0.0).astype(np.int64), [0]))
    edges = np.diff(losing)
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(runs.max()) if len(runs) else 0


def expected_losing_run(loss_rate: float, trades: int, probability: float = 0.95) -> int:
    """Smallest k with P(longest run of losses <= k) >= `probability` in independent trades; exact, no simulation.

    Follows the distribution of the current run length, absorbing what grows past k.
    """
    if not 0.0 <= loss_rate <= 1.0 or trades < 0:
        raise ValueError(f"expected a loss rate within [0, 1] and trades >= 0, got {loss_rate} and {trades}")
    for k in range(trades + 1):
        if _probability_of_runs_within(k, loss_rate, trades) >= probability:
            return k
    return trades


def turnover(traded_notional: float, days: int) -> float:
    """Traded notional per day as a multiple of starting equity. Oracle: plain division."""
    return traded_notional / days if days else math.nan


def _probability_of_runs_within(k: int, loss_rate: float, trades: int) -> float:
    at: npt.NDArray[np.float64] = np.zeros(k + 1)
    at[0] = 1.0
    for _ in range(trades):
        longer = at[:-1] * loss_rate
        at[0] = at.sum() * (1.0 - loss_rate)
        at[1:] = longer
    return float(at.sum())


def _mean(values: Float64) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _ratio(numerator: float, denominator: float) -> float:
    """NaN where the denominator is 0 up to rounding: an account that never moved has no ratio."""
    return numerator / denominator if abs(denominator) > 1e-14 else math.nan

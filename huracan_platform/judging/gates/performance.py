"""Gate 1, performance: does it earn after costs, and how surely is that not luck."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.model import Criterion
from huracan_platform.judging.backtest.engine import BacktestResult
from huracan_platform.judging.backtest.trades import cost_breakdown, net_returns
from huracan_platform.judging.evaluation import metrics
from huracan_platform.judging.evaluation.bootstrap import bootstrap_interval
from huracan_platform.judging.evaluation.sharpe import deflated_sharpe, probabilistic_sharpe, sharpe_moments
from huracan_platform.judging.gates.evidence import (
    MIN_DAYS_FOR_RATIOS,
    MIN_TRADES_FOR_RATIOS,
    GateAnswer,
    JudgingEvidence,
    Trials,
    compare,
    not_judged,
    sample,
)
from huracan_platform.settings import GateSettings

# Mean bootstrap blocks: volatility clusters over days, and trades of one day share its regime.
DAYS_PER_BLOCK = 5
TRADES_PER_BLOCK = 10


def judge_performance(evidence: JudgingEvidence, gates: GateSettings, rng: np.random.Generator) -> GateAnswer:
    """Every criterion under the account's fees and again under the founding schedule; both must hold."""
    criteria: list[Criterion] = []
    costs = {}
    for label, backtest in (("account", evidence.account), ("founding", evidence.founding)):
        if backtest is None:
            why = "no walk-forward fold could be fitted"
            criteria.append(not_judged(f"out-of-sample days ({label})", ">=", gates.min_oos_days, why))
            continue
        criteria += _under_schedule(label, backtest, evidence.trials, gates, rng)
        costs[label] = cost_breakdown(backtest.trades)
    return GateAnswer(tuple(criteria), {
        "costs": costs, "trials": evidence.trials.count, "trial_sharpe_variance": evidence.trials.sharpe_variance,
        "notes": list(evidence.notes),
    })


def _under_schedule(
    label: str, backtest: BacktestResult, trials: Trials, gates: GateSettings, rng: np.random.Generator,
) -> list[Criterion]:
    daily, trades = backtest.daily.returns, net_returns(backtest.trades)
    enough = len(daily) >= MIN_DAYS_FOR_RATIOS and len(trades) >= MIN_TRADES_FOR_RATIOS
    moments = sharpe_moments(daily)
    variance = _trial_variance(trials, len(daily))
    draws = gates.bootstrap_draws if enough else 0

    def interval(statistic: Callable[[Float64], float], values: Float64, block: int) -> tuple[float, float] | None:
        return bootstrap_interval(lambda at: statistic(values[at]), len(values), block, draws, rng)

    return [
        sample(f"out-of-sample days ({label})", len(daily), gates.min_oos_days, "days"),
        sample(f"closed trades ({label})", len(trades), gates.min_trades, "trades"),
        compare(f"sharpe ({label})", metrics.sharpe(daily), ">=", gates.min_sharpe, n=len(daily), enough=enough,
                interval=interval(metrics.sharpe, daily, DAYS_PER_BLOCK)),
        compare(f"win rate ({label})", metrics.win_rate(trades), ">=", gates.min_win_rate, n=len(trades), enough=enough,
                interval=interval(metrics.win_rate, trades, TRADES_PER_BLOCK)),
        compare(f"profit factor ({label})", metrics.profit_factor(trades), ">=", gates.min_profit_factor, n=len(trades),
                enough=enough, interval=interval(metrics.profit_factor, trades, TRADES_PER_BLOCK)),
        compare(f"probabilistic sharpe ({label})", probabilistic_sharpe(moments), ">=", gates.min_psr, n=len(daily),
                enough=enough),
        compare(f"deflated sharpe ({label})", deflated_sharpe(moments, max(trials.count, 1), variance), ">=",
                gates.min_dsr, n=len(daily), enough=enough),
    ]


def _trial_variance(trials: Trials, days: int) -> float | None:
    """Variance of the trials' daily Sharpes, but no less than luck alone gives over so many days.

    A handful of near-equal trials would show almost none, and deflate nothing.
    """
    if trials.sharpe_variance is None or days < 2:
        return None
    return max(trials.sharpe_variance, 1.0 / (days - 1))

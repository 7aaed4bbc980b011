"""Gate 2, risk: drawdown, volatility and losing runs of the out-of-sample account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.judging.backtest.trades import net_returns
from huracan_platform.judging.evaluation import metrics
from huracan_platform.judging.evaluation.bootstrap import bootstrap_interval
from huracan_platform.judging.gates.evidence import (
    MIN_DAYS_FOR_RATIOS,
    MIN_TRADES_FOR_RATIOS,
    GateAnswer,
    JudgingEvidence,
    compare,
    not_judged,
    sample,
)
from huracan_platform.judging.gates.performance import DAYS_PER_BLOCK
from huracan_platform.settings import GateSettings

EXPECTED_RUN_PROBABILITY = 0.95


def judge_risk(evidence: JudgingEvidence, gates: GateSettings, rng: np.random.Generator) -> GateAnswer:
    """Under the account's fees. A losing run may be as long as luck makes it at this win rate and number of trades."""
    backtest = evidence.account
    if backtest is None:
        return GateAnswer((not_judged("max drawdown", "<=", gates.max_drawdown, "no walk-forward fold could be fitted"),))
    daily, trades = backtest.daily.returns, net_returns(backtest.trades)
    days, count = len(daily), len(trades)
    enough = days >= MIN_DAYS_FOR_RATIOS and count >= MIN_TRADES_FOR_RATIOS
    expected = metrics.expected_losing_run(float(np.mean(trades < 0.0)), count, EXPECTED_RUN_PROBABILITY) if count else 0

    def interval(statistic: Callable[[Float64], float]) -> tuple[float, float] | None:
        draws = gates.bootstrap_draws if enough else 0
        return bootstrap_interval(lambda at: statistic(daily[at]), days, DAYS_PER_BLOCK, draws, rng)

    allowed = max(gates.max_consecutive_losses, expected)
    return GateAnswer((
        sample("days", days, MIN_DAYS_FOR_RATIOS, "days"),
        sample("closed trades", count, MIN_TRADES_FOR_RATIOS, "trades"),
        compare("max drawdown", metrics.max_drawdown(daily), "<=", gates.max_drawdown, n=days, enough=enough,
                interval=interval(metrics.max_drawdown)),
        compare("annual volatility", metrics.volatility(daily), "<=", gates.max_volatility, n=days, enough=enough,
                interval=interval(metrics.volatility)),
        compare("consecutive losses", metrics.longest_losing_run(trades), "<=", allowed, n=count, enough=enough,
                note=f"fixed bound {gates.max_consecutive_losses}, 95th percentile expected {expected}"),
    ), {"expected_losing_run_95": expected, "fixed_losing_run": gates.max_consecutive_losses})

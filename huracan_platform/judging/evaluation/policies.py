"""Policies against each other on the same held-out days: utility, interquartile mean over seeds, bootstrap intervals.

The interval of a lead resamples days in blocks, the same for everyone, and seeds (Agarwal et al. 2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import trim_mean

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.policy import Contender
from huracan_platform.judging.evaluation.bootstrap import stationary_indices
from huracan_platform.learning.policies.replay import Played

TRAINED = "trained"
MIN_DAYS = 30          # fewer held-out days prove nothing about a policy
MEAN_BLOCK_DAYS = 5.0
COVERAGE = 0.90


@dataclass(frozen=True)
class Comparison:
    """Contenders by falling score, and what follows from them."""

    contenders: tuple[Contender, ...]
    approved: bool
    reason: str
    days: int

    @property
    def winner(self) -> str:
        """Name of the best score, whoever it is."""
        return self.contenders[0].name


def interquartile_mean(values: Float64) -> float:
    """Mean of the middle half; of all values where there are fewer than four."""
    return float(trim_mean(values, 0.25))


def utility(daily_log_returns: Float64, drawdown_weight: float) -> float:
    """Log growth less `drawdown_weight` times the largest drawdown of the daily equity, a fraction."""
    return float(daily_log_returns.sum()) - drawdown_weight * largest_drawdown(daily_log_returns)


def largest_drawdown(daily_log_returns: Float64) -> float:
    """Largest fraction lost of the highest equity before, by days."""
    logs = np.concatenate(([0.0], np.cumsum(daily_log_returns)))
    return float(1.0 - np.exp((logs - np.maximum.accumulate(logs)).min()))


def compare_policies(
    trained: Sequence[Played], rivals: Mapping[str, Played], drawdown_weight: float, draws: int, rng: np.random.Generator
) -> Comparison:
    """Compare the trained policy's seeds with the rivals; all played the same rows.

    Approval needs `MIN_DAYS`, the lower end of every lead above 0, and the first seed, which is the one that would be used,
    ahead of every rival.
    """
    seeds = [p.daily()[1] for p in trained]
    others = {name: p.daily()[1] for name, p in rivals.items()}
    days = len(seeds[0])
    scores = np.array([utility(daily, drawdown_weight) for daily in seeds])
    leads = _leads(seeds, others, drawdown_weight, draws, rng)
    contenders = [
        Contender(
            TRAINED, interquartile_mean(scores), interquartile_mean(np.array([d.sum() for d in seeds])),
            interquartile_mean(np.array([largest_drawdown(d) for d in seeds])), trained[0].trades,
            tuple(float(s) for s in scores),
        )
    ]
    for name, daily in others.items():
        drawdown = largest_drawdown(daily)
        contenders.append(
            Contender(
                name, utility(daily, drawdown_weight), float(daily.sum()), drawdown, rivals[name].trades, lead=leads[name]
            )
        )
    reason = _refusal(contenders, float(scores[0]), days)
    ranked = tuple(sorted(contenders, key=lambda c: -c.score))  # a tie goes to the rule before it
    return Comparison(ranked, not reason, reason or f"leads every rival beyond chance over {days} days", days)


def _refusal(contenders: Sequence[Contender], first_seed: float, days: int) -> str:
    if days < MIN_DAYS:
        return f"{days} held-out days, at least {MIN_DAYS} needed"
    for rival in contenders:
        if rival.lead is None:
            continue
        if rival.lead[0] <= 0.0:
            return f"lead over {rival.name} may be {rival.lead[0]:+.4f} ({COVERAGE:.0%} interval to {rival.lead[1]:+.4f})"
        if first_seed <= rival.score:
            return f"the version itself scored {first_seed:+.4f}, {rival.name} {rival.score:+.4f}"
    return ""


def _leads(
    seeds: Sequence[Float64], rivals: Mapping[str, Float64], weight: float, draws: int, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(draws):
        days = stationary_indices(len(seeds[0]), MEAN_BLOCK_DAYS, rng)
        drawn = rng.integers(0, len(seeds), len(seeds))
        ours = interquartile_mean(np.array([utility(seeds[k][days], weight) for k in drawn]))
        for name, daily in rivals.items():
            found[name].append(ours - utility(daily[days], weight))
    ends = (1.0 - COVERAGE) / 2.0, (1.0 + COVERAGE) / 2.0
    quantiles = {name: np.quantile(values, ends) for name, values in found.items()}
    return {name: (float(q[0]), float(q[1])) for name, q in quantiles.items()}

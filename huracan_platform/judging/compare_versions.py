"""A candidate against the version in charge, before it may take its place: on the same days that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, day_of
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.equity import DailyEquity
from huracan_platform.judging.evaluation.bootstrap import bootstrap_interval
from huracan_platform.judging.evaluation.metrics import max_drawdown, sharpe
from huracan_platform.judging.gates.performance import DAYS_PER_BLOCK
from huracan_platform.judging.shadow import Shadow
from huracan_platform.learning.dataset import load_frame
from huracan_platform.learning.models.manifest import Recipe
from huracan_platform.learning.models.split import forward_split
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """Daily net returns (n,) of two versions over the same days; `interval` is the 90 % bootstrap interval of the mean
    difference, candidate less incumbent, None where it has none."""

    day_ms: tuple[int, int]
    candidate: Float64
    incumbent: Float64
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """Mean daily net return of the candidate less that of the incumbent."""
        return float(np.mean(self.candidate - self.incumbent))

    @property
    def worse(self) -> bool:
        """Whether the candidate earned less: the rule. The interval is shown and does not decide."""
        return self.difference < 0.0

    @property
    def text(self) -> str:
        """`-3.1 bp a day [-5.0, -1.2] than ... over 54 days`, for people."""
        low, high = self.interval or (float("nan"), float("nan"))
        first, last = (day_of(ms) for ms in self.day_ms)
        return (
            f"{1e4 * self.difference:+.2f} bp a day (90 % interval {1e4 * low:+.2f} to {1e4 * high:+.2f}) "
            f"over {len(self.candidate)} days, {first} to {last}"
        )

    def figures(self) -> dict[str, Any]:
        """Everything in plain values."""
        return {
            "first_day": str(day_of(self.day_ms[0])), "last_day": str(day_of(self.day_ms[1])), "days": len(self.candidate),
            "mean_difference": self.difference, "interval": self.interval and list(self.interval),
            **{
                name: {"mean": float(np.mean(r)), "sharpe": _known(sharpe(r)), "max_drawdown": _known(max_drawdown(r))}
                for name, r in (("candidate", self.candidate), ("incumbent", self.incumbent))
            },
        }


def compare_versions(
    brain: Brain, store: FeatureStore, shadow: Shadow, candidate: ModelCard, incumbent: ModelCard, settings: Settings
) -> Comparison:
    """Trade both over the days held out from both: from the later beginning of their test parts to the end of the later data set.

    Days after the older data set are held out from its version as much as its test part is.

    Raises
    ------
    DataContractError
        The library does not hold a data set any more, or there are fewer than `rollback.min_days` such days.
    PermanentError
        A manifest is not one that this code writes.
    """
    cards = (candidate, incumbent)
    start = -(-max(_held_out_from(brain, store, card) for card in cards) // DAY_MS) * DAY_MS
    end = max(Recipe.of(card.manifest).spec.end_ms for card in cards)
    days, needed = max(end - start, 0) // DAY_MS, settings.rollback.min_days
    if days < needed:
        raise DataContractError(f"days held out from both: expected at least {needed}, got {days}")
    mine, theirs = (shadow.follow(card, start, end).backtest.daily for card in cards)
    difference = _on(mine, start, end) - _on(theirs, start, end)
    interval = bootstrap_interval(
        lambda at: float(np.mean(difference[at])), len(difference), DAYS_PER_BLOCK, settings.gates.bootstrap_draws,
        np.random.default_rng(settings.seed),
    )
    return Comparison((start, end - DAY_MS), _on(mine, start, end), _on(theirs, start, end), interval)


def _held_out_from(brain: Brain, store: FeatureStore, card: ModelCard) -> int:
    recipe = Recipe.of(card.manifest)
    frame = load_frame(brain, store, recipe.spec, recipe.features, recipe.labels, recipe.cost)
    rows = forward_split(frame, recipe.training).test
    if len(rows) == 0:
        raise DataContractError(f"{card.model_id}: expected rows held out from its training, got none")
    return int(frame.ts_ms[rows[0]])


def _on(daily: DailyEquity, start_ms: int, end_ms: int) -> Float64:
    """Returns on every day of the window; 0 on days without bars at its ends."""
    returns = np.zeros((end_ms - start_ms) // DAY_MS)
    returns[(daily.day_ms - start_ms) // DAY_MS] = daily.returns
    return returns


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None

"""The held-out comparison: its statistics by hand, and when it approves."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.market import Float64
from huracan_platform.judging.evaluation.policies import (
    TRAINED,
    Comparison,
    compare_policies,
    interquartile_mean,
    largest_drawdown,
    utility,
)
from huracan_platform.learning.policies.replay import Played


def played(daily: Float64) -> Played:
    equity = np.exp(np.cumsum(daily))
    return Played(np.arange(len(daily), dtype=np.int64) * DAY_MS, equity, 1.0 - equity / np.maximum.accumulate(equity), 7)


def compared(edge: float, *, days: int = 60, first: float = 0.0) -> Comparison:
    """Three seeds that lead noise by `edge` a day, the first of them by `first` more."""
    rng = np.random.default_rng(1)
    base = rng.normal(0.0, 0.01, days)
    seeds = [played(base + edge + (first if k == 0 else 0.0) + rng.normal(0.0, 1e-4, days)) for k in range(3)]
    rivals = {"fixed": played(base), "flat": played(np.zeros(days))}
    return compare_policies(seeds, rivals, 1.0, 200, np.random.default_rng(2))


def test_the_interquartile_mean_drops_a_quarter_at_either_end() -> None:
    assert interquartile_mean(np.array([-100.0, 1.0, 2.0, 300.0])) == 1.5
    assert interquartile_mean(np.array([1.0, 2.0, 6.0])) == 3.0


def test_utility_is_growth_less_the_largest_drawdown() -> None:
    daily = np.log([1.1, 0.9, 0.9, 1.3])
    assert largest_drawdown(daily) == pytest.approx(1 - 0.81)
    assert utility(daily, 2.0) == pytest.approx(np.log(1.1 * 0.81 * 1.3) - 2 * 0.19)
    assert largest_drawdown(np.log([0.8, 1.1])) == pytest.approx(0.2), "the start counts as a peak"


def test_a_clear_lead_over_every_rival_is_approved() -> None:
    found = compared(0.006)
    assert (found.winner, found.approved, found.days) == (TRAINED, True, 60)
    assert all(c.lead is not None and c.lead[0] > 0 for c in found.contenders if c.name != TRAINED)


def test_without_a_lead_the_winner_is_whoever_wins_and_nothing_is_approved() -> None:
    found = compared(-0.001)
    assert found.winner == "flat"
    assert not found.approved
    assert "lead over fixed may be" in found.reason


def test_a_lead_that_chance_could_give_is_not_enough() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(0.0, 0.01, 60)
    seeds = [played(base + rng.normal(2e-4, 0.003, 60)) for _ in range(3)]
    found = compare_policies(seeds, {"fixed": played(base)}, 1.0, 200, np.random.default_rng(6))
    fixed = next(c for c in found.contenders if c.name == "fixed")
    assert found.winner == TRAINED
    assert fixed.lead is not None
    assert fixed.lead[0] < 0.0 < fixed.lead[1]
    assert (found.approved, found.reason.startswith("lead over fixed may be -")) == (False, True)


def test_fewer_than_thirty_days_approve_nothing() -> None:
    found = compared(0.006, days=29)
    assert (found.winner, found.approved, found.reason) == (TRAINED, False, "29 held-out days, at least 30 needed")


def test_a_version_that_is_itself_behind_is_not_approved_for_its_siblings() -> None:
    rng = np.random.default_rng(3)
    good = [rng.normal(0.01, 1e-3, 60) for _ in range(7)]
    seeds = [played(d) for d in (np.full(60, -0.001), *good)]
    found = compare_policies(seeds, {"flat": played(np.zeros(60))}, 1.0, 200, np.random.default_rng(4))
    assert found.winner == TRAINED
    assert (found.approved, found.reason.startswith("the version itself scored")) == (False, True), found.reason

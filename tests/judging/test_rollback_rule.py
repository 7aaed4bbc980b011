"""The rule of rolling back: how often it errs, what it finds, and how often it may act."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.rollback import RollbackKind, ShadowReturns
from huracan_platform.judging.backtest.engine import run_backtest
from huracan_platform.judging.evaluation.betting import best_capital, betting_capital
from huracan_platform.judging.evaluation.walk_forward import on_bars
from huracan_platform.judging.rollback_rule import RollbackEvidence, rollback_due
from huracan_platform.settings import RollbackSettings
from tests.judging.world import COSTLY, PARAMETERS, START_MS, random_walk

RULE = RollbackSettings()
SEEDS = 400


def followed(name: str, net: np.ndarray, first_hour: int = 0) -> ShadowReturns:
    return ShadowReturns(name, START_MS + HOUR_MS * np.arange(first_hour, first_hour + len(net), dtype=np.int64), net)


def due(mine: np.ndarray, theirs: np.ndarray, rule: RollbackSettings = RULE) -> RollbackKind | None:
    found = rollback_due(RollbackEvidence(followed("new", mine), followed("old", theirs)), rule)
    return found and found.kind


@pytest.mark.parametrize("draw", ["normal", "heavy tails", "clusters", "mostly idle"])
def test_a_version_that_is_no_worse_is_rolled_back_in_five_percent_however_often_one_looks(draw: str) -> None:
    """Three months of hours, every one of them looked at, over 400 seeds; the binomial spread allows 31 at a rate of 5 %."""
    wrong = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        difference = {
            "normal": lambda rng: rng.normal(0.0, 0.001, 2_160),
            "heavy tails": lambda rng: rng.standard_t(3, 2_160) * 0.0005,
            "clusters": lambda rng: rng.normal(0.0, 1.0, 2_160) * np.repeat(rng.lognormal(-7.0, 0.8, 90), 24),
            "mostly idle": lambda rng: rng.choice([0.0, 0.0, 0.0, 0.0025, -0.0025], 2_160),
        }[draw](rng)
        wrong += best_capital(betting_capital(difference, RULE.clip)) >= 1.0 / RULE.alpha
    assert wrong <= 31


@pytest.mark.slow
def test_two_versions_without_skill_traded_by_the_backtest_do_not_roll_each_other_back() -> None:
    """Coins on the same bars after costs: marks inside a trade depend on each other, which the theory leaves out."""
    wrong, days = 0, 20
    for seed in range(SEEDS):
        candles, rng = random_walk(days, seed % 20), np.random.default_rng(10_000 + seed)
        at = np.arange(14, days * 1_440, 15)
        sigma = on_bars(candles, candles.ts_ms[at], np.full(len(at), 0.006))
        mine, theirs = (
            run_backtest(candles, None, on_bars(candles, candles.ts_ms[at], rng.uniform(0.3, 0.7, len(at))), sigma, PARAMETERS,
                         COSTLY).hourly.returns
            for _ in range(2)
        )
        wrong += best_capital(betting_capital(theirs - mine, RULE.clip)) >= 1.0 / RULE.alpha
    assert wrong <= 31


def test_a_clearly_worse_version_is_found_within_a_month_and_a_better_one_never_falls_to_it() -> None:
    found = lost = 0
    for seed in range(100):
        worse = np.random.default_rng(seed).normal(2e-4, 1e-3, 720)  # 0.48 % a day behind
        found += due(-worse, np.zeros(720)) is not None
        lost += due(worse, np.zeros(720)) is RollbackKind.SEQUENTIAL
    assert found >= 95
    assert lost <= 1


def test_capital_is_what_the_bets_make_and_no_bet_is_made_before_anything_was_seen() -> None:
    capital = betting_capital(np.array([0.005, 0.005, -0.01]), 0.005)
    # mean 1/2, variance (1/4 + 1/4)/2 after one win: share min(0.5/(0.25 + 0.25), 0.5)
    assert capital[0] == 1.0
    assert capital[1] == pytest.approx(1.5)
    assert capital[2] == pytest.approx(0.75), "beyond the bound counts as the bound"
    assert best_capital(betting_capital(np.empty(0), 0.005)) == 1.0
    with pytest.raises(ValueError, match="finite"):
        betting_capital(np.array([np.nan]), 0.005)


def test_the_bets_are_never_against_the_predecessor() -> None:
    falling = betting_capital(np.full(500, -0.001), RULE.clip)
    assert falling.tolist() == [1.0] * 500


def test_evidence_once_reached_stays_though_the_difference_turned_later() -> None:
    worse = np.concatenate((np.full(200, 0.001), np.full(600, -0.001)))
    wide = replace_limit(1.0 - 1e-9)
    assert due(-worse / 2, worse / 2, wide) is RollbackKind.SEQUENTIAL


def test_the_loss_limit_acts_at_once_unless_the_predecessor_lost_as_much() -> None:
    crash = np.array([0.0, -0.03, -0.025])
    assert due(crash, np.zeros(3)) is RollbackKind.LOSS_LIMIT
    assert due(crash, crash) is None
    assert due(np.array([0.0, -0.03, -0.015]), np.zeros(3)) is None


def test_critical_drift_acts_only_where_the_predecessor_was_measured_and_did_not_drift() -> None:
    flat = RollbackEvidence(followed("new", np.zeros(5)), followed("old", np.zeros(5)), ("atr_14",), ())
    found = rollback_due(flat, RULE)
    assert found is not None
    assert (found.kind, found.reason) == (RollbackKind.DRIFT, "critical drift of atr_14, none of its predecessor")
    assert rollback_due(replace(flat, drifted_before=("atr_14",)), RULE) is None
    assert rollback_due(replace(flat, drifted_before=None), RULE) is None
    assert rollback_due(replace(flat, drifted=()), RULE) is None


def test_only_hours_in_which_both_were_followed_are_paired() -> None:
    mine, theirs = followed("new", np.full(300, -0.001), 100), followed("old", np.zeros(150), 0)
    found = rollback_due(RollbackEvidence(mine, theirs), replace_limit(0.01))
    assert found is not None
    assert found.figures["hours"] == 50
    assert rollback_due(RollbackEvidence(followed("new", np.empty(0)), theirs), RULE) is None


def replace_limit(max_drawdown: float) -> RollbackSettings:
    return RULE.model_copy(update={"max_drawdown": max_drawdown})

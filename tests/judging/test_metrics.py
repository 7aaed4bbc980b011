from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.judging.evaluation import metrics
from huracan_platform.judging.evaluation.bootstrap import (
    block_permutation,
    bootstrap_interval,
    effective_observations,
    stationary_indices,
)
from huracan_platform.judging.evaluation.sharpe import (
    SharpeMoments,
    backtest_overfitting,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe_moments,
)

ORACLE = json.loads(Path(__file__).with_name("oracle_values.json").read_text())["cases"]
NAMES = (
    "sharpe", "sortino", "calmar", "annual_return", "max_drawdown", "volatility", "win_rate", "profit_factor",
    "longest_losing_run",
)


@pytest.mark.parametrize("case", sorted(ORACLE))
@pytest.mark.parametrize("name", NAMES)
def test_metric_agrees_with_its_oracle(case: str, name: str) -> None:
    returns = np.array(ORACLE[case]["returns"])
    assert getattr(metrics, name)(returns) == pytest.approx(ORACLE[case][name], rel=1e-10, abs=1e-12)


def test_metrics_of_an_account_that_never_moved_are_not_known() -> None:
    flat = np.zeros(50)
    assert all(math.isnan(f(flat)) for f in (metrics.sharpe, metrics.sortino, metrics.calmar, metrics.profit_factor))
    assert metrics.max_drawdown(flat) == 0.0
    assert metrics.longest_losing_run(flat) == 0
    nothing = np.empty(0)
    every = (metrics.sharpe, metrics.sortino, metrics.calmar, metrics.win_rate, metrics.volatility)
    assert all(math.isnan(f(nothing)) for f in every)


def test_profit_factor_without_a_loss_is_infinite() -> None:
    assert metrics.profit_factor(np.array([0.01, 0.0])) == math.inf


def test_drawdown_counts_a_loss_on_the_first_day() -> None:
    assert metrics.max_drawdown(np.array([-0.2, 0.1])) == pytest.approx(0.2)


def test_expected_losing_run_is_the_exact_quantile_of_the_longest_run() -> None:
    rng = np.random.default_rng(3)
    for rate, trades in ((0.4, 120), (0.5, 500), (0.2, 60)):
        lost = rng.random((4_000, trades)) < rate
        runs = np.array([max((len(list(g)) for losing, g in groupby(row) if losing), default=0) for row in lost])
        k = metrics.expected_losing_run(rate, trades)
        assert (runs <= k).mean() > 0.95 - 0.01
        assert (runs <= k - 1).mean() < 0.95 + 0.01
    assert metrics.expected_losing_run(0.0, 100) == 0
    assert metrics.expected_losing_run(1.0, 7) == 7


def test_five_losses_in_a_row_are_to_be_expected_of_a_fair_coin_over_500_trades() -> None:
    assert metrics.expected_losing_run(0.5, 500) > 5


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_gives_the_papers_golden_values(trials: int, expected: float) -> None:
    moments = SharpeMoments(2.5 / math.sqrt(250), 1_250, -3.0, 10.0)
    assert deflated_sharpe(moments, trials, 0.5 / 250) == pytest.approx(expected, abs=5e-4)


def test_probabilistic_sharpe_of_a_normal_series_is_that_of_its_t_statistic() -> None:
    normal = SharpeMoments(0.1, 401, 0.0, 3.0)
    assert probabilistic_sharpe(normal) == pytest.approx(0.5 * (1 + math.erf(2.0 / math.sqrt(1 + 0.5 * 0.01) / math.sqrt(2))))
    assert probabilistic_sharpe(normal, 0.1) == 0.5


def test_more_trials_never_raise_the_deflated_sharpe() -> None:
    moments = sharpe_moments(np.random.default_rng(1).normal(0.002, 0.01, 300))
    values = [deflated_sharpe(moments, n) for n in (1, 2, 10, 100, 10_000)]
    assert values == sorted(values, reverse=True)
    assert values[0] == probabilistic_sharpe(moments)
    with pytest.raises(ValueError, match="got 0"):
        expected_best_sharpe(0, 1.0)


def test_overfitting_is_a_coin_toss_for_noise_and_rare_for_a_planted_edge() -> None:
    noise = [backtest_overfitting(np.random.default_rng(seed).normal(size=(1_000, 50))) for seed in range(20)]
    assert 0.35 <= np.mean(noise) <= 0.65
    planted = np.random.default_rng(99).normal(size=(1_000, 50))
    planted[:, 7] += 0.3
    assert backtest_overfitting(planted) <= 0.004


def test_overfitting_refuses_what_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="even splits"):
        backtest_overfitting(np.zeros((100, 5)), splits=7)


def test_stationary_bootstrap_draws_runs_of_neighbours_of_the_asked_mean_length() -> None:
    at = stationary_indices(50_000, 10.0, np.random.default_rng(4))
    breaks = (np.diff(at) % 50_000 != 1).mean()
    assert breaks == pytest.approx(0.1, abs=0.01)
    assert at.min() >= 0
    assert at.max() < 50_000


def test_block_permutation_moves_whole_blocks() -> None:
    at = block_permutation(103, 10, np.random.default_rng(1))
    assert sorted(at) == list(range(103))
    assert (np.diff(at) == 1).sum() >= 103 - 11 * 2


def test_bootstrap_interval_of_a_mean_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(100):
        values = rng.normal(0.3, 1.0, 200)
        low, high = bootstrap_interval(lambda at, v=values: float(v[at].mean()), 200, 1.0, 200, rng) or (0.0, 0.0)
        hits += low <= 0.3 <= high
    assert 80 <= hits <= 98


def test_bootstrap_interval_is_none_where_the_statistic_is_not_known() -> None:
    assert bootstrap_interval(lambda at: math.nan, 10, 1.0, 50, np.random.default_rng(0)) is None


def test_effective_observations_follow_the_autocorrelation() -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(size=8_000)
    slow = np.empty(8_000)
    slow[0] = 0.0
    for i in range(1, 8_000):
        slow[i] = 0.95 * slow[i - 1] + noise[i]
    assert effective_observations(noise) > 7_000
    assert effective_observations(slow) == pytest.approx(8_000 * 0.05 / 1.95, rel=0.35)
    assert effective_observations(noise, least_step=4) == 2_000
    assert effective_observations(np.ones(100)) == 100

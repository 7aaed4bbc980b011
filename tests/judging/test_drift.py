from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from huracan_platform.contracts.drift import DriftLevel
from huracan_platform.errors import DataContractError
from huracan_platform.judging.evaluation.drift import DriftThresholds, column_drift, measure_drift, psi

THRESHOLDS = DriftThresholds(warn_psi=0.1, max_psi=0.2, min_observations=500, draws=100, block=96, overlap=1)


def normal(n: int, seed: int, *, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.0, n)


def test_psi_equals_the_plain_sum_over_quantile_bins() -> None:
    reference, current = normal(10_000, 1), normal(8_000, 2, mean=0.4)
    edges = np.r_[-np.inf, np.quantile(reference, np.arange(0.1, 0.95, 0.1)), np.inf]
    a = np.histogram(reference, edges)[0] / 10_000
    b = np.histogram(current, edges)[0] / 8_000
    assert psi(reference, current) == pytest.approx(((b - a) * np.log(b / a)).sum(), rel=1e-6)


def test_psi_of_columns_with_few_values_stays_finite() -> None:
    assert psi(np.zeros(100), np.zeros(50)) == 0.0
    assert 0.2 < psi(np.repeat([0.0, 1.0], 100), np.ones(100)) < 20.0


def test_same_distribution_shows_no_drift_and_a_shifted_one_is_critical() -> None:
    rng = np.random.default_rng(0)
    same = column_drift("x", normal(6_000, 1), normal(3_000, 2), THRESHOLDS, rng)
    assert same.level is DriftLevel.NONE
    moved = column_drift("x", normal(6_000, 1), normal(3_000, 2, mean=0.8), THRESHOLDS, rng)
    assert moved.level is DriftLevel.CRITICAL
    assert moved.psi > moved.critical_psi >= 0.2
    assert moved.ks == pytest.approx(ks_2samp(normal(6_000, 1), normal(3_000, 2, mean=0.8)).statistic)
    slightly = column_drift("x", normal(6_000, 1), normal(3_000, 2, mean=0.37), THRESHOLDS, rng)
    assert slightly.level is DriftLevel.WARNING


def test_few_observations_are_never_critical() -> None:
    rng = np.random.default_rng(0)
    few = column_drift("x", normal(6_000, 1), normal(400, 2, mean=2.0), THRESHOLDS, rng)
    assert few.level is DriftLevel.UNMEASURED
    overlapping = DriftThresholds(0.1, 0.2, 500, 100, 96, overlap=8)
    assert column_drift("x", normal(6_000, 1), normal(3_000, 2, mean=2.0), overlapping, rng).level is DriftLevel.UNMEASURED


def test_variable_that_wanders_as_it_always_did_is_not_critical_above_the_fixed_threshold() -> None:
    rng = np.random.default_rng(7)
    days = np.repeat(rng.normal(0.0, 1.0, 125), 96) + rng.normal(0.0, 1.0, 12_000)
    lenient = replace(THRESHOLDS, min_observations=10)
    drift = column_drift("x", days[: 120 * 96], days[120 * 96:], lenient, rng)
    assert 0.2 < drift.psi < drift.critical_psi
    assert drift.level is DriftLevel.WARNING
    gone = column_drift("x", days[: 120 * 96], days[120 * 96:] + 3.0, lenient, rng)
    assert gone.level is DriftLevel.CRITICAL


def test_rows_that_are_not_finite_are_left_out() -> None:
    current = np.where(np.arange(3_000) % 2 == 0, np.nan, normal(3_000, 2))
    assert column_drift("x", normal(6_000, 1), current, THRESHOLDS, np.random.default_rng(0)).rows == 1_500
    nothing = column_drift("x", normal(10, 1), np.full(5, np.nan), THRESHOLDS, np.random.default_rng(0))
    assert nothing.level is DriftLevel.UNMEASURED


def test_every_column_and_the_prediction_are_measured() -> None:
    reference, current = normal(4_000, 1).reshape(-1, 2), normal(2_000, 2).reshape(-1, 2)
    found = measure_drift(
        ("a", "b"), reference, current, THRESHOLDS, np.random.default_rng(0), reference_prediction=reference[:, 0],
        prediction=current[:, 0],
    )
    assert [d.column for d in found] == ["a", "b", "prediction"]
    with pytest.raises(DataContractError, match="expected 3 columns, got 2 and 2"):
        measure_drift(("a", "b", "c"), reference, current, THRESHOLDS, np.random.default_rng(0))


def test_days_of_clustered_volatility_alarm_the_fixed_threshold_and_not_the_bootstrapped_one() -> None:
    """Returns are no more alike from row to row than coin tosses, so they count in full; their volatility comes in days."""
    rng = np.random.default_rng(5)

    def returns(days: int) -> np.ndarray:
        return np.repeat(np.exp(rng.normal(0.0, 1.0, days)), 288) * rng.normal(0.0, 1.0, 288 * days)

    by_days, alarms, critical = replace(THRESHOLDS, block=288), 0, 0
    for _ in range(8):
        reference = returns(100)
        found = [column_drift("x", reference, returns(3), by_days, rng) for _ in range(5)]
        enough = [d for d in found if d.effective >= by_days.min_observations]
        assert enough, "they are not spared for having too few rows"
        alarms += sum(d.psi > by_days.max_psi for d in enough)
        critical += sum(d.level is DriftLevel.CRITICAL for d in enough)
    assert alarms >= 12
    assert critical <= alarms // 4
    gone = column_drift("x", reference, 5.0 + returns(3), by_days, rng)
    assert gone.level is DriftLevel.CRITICAL
    assert gone.critical_psi > THRESHOLDS.max_psi


def test_rows_that_repeat_one_another_count_as_the_few_observations_they_are() -> None:
    rng = np.random.default_rng(8)
    slow = np.repeat(rng.normal(0.0, 1.0, 200), 50) + rng.normal(0.0, 0.1, 10_000)
    drift = column_drift("x", slow, normal(3_000, 2, mean=2.0), THRESHOLDS, rng)
    assert drift.rows == 3_000
    assert drift.effective == pytest.approx(200, rel=0.2)
    assert (drift.psi > 1.0, drift.level) == (True, DriftLevel.UNMEASURED)


def test_predictions_are_judged_as_columns_are() -> None:
    same, rng = normal(8_000, 1).reshape(-1, 1), np.random.default_rng(0)
    before, surer = (1.0 / (1.0 + np.exp(-z)) for z in (normal(5_000, 3), 3.0 * normal(3_000, 4)))
    found = measure_drift(
        ("a",), same, same[:3_000], THRESHOLDS, rng, reference_prediction=before, prediction=surer
    )
    assert {d.column: d.level for d in found} == {"a": DriftLevel.NONE, "prediction": DriftLevel.CRITICAL}

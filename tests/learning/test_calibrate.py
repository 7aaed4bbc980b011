from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from huracan_platform.contracts.market import Float64
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models import calibrate, scores


def draw(n: int, seed: int, *, slope: float = 1.0, shift: float = 0.0) -> tuple[Float64, Float64]:
    """Scores whose true probability is sigmoid(slope * logit(p) + shift)."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, n)
    truth = 1 / (1 + np.exp(-(slope * np.log(p / (1 - p)) + shift)))
    return p, (rng.uniform(size=n) < truth).astype(np.float64)


def test_metrics_agree_with_scikit_learn() -> None:
    p, y = draw(500, 1)
    p = np.round(p, 2)  # ties
    assert scores.auc(p, y) == pytest.approx(roc_auc_score(y, p))
    assert scores.brier(p, y) == pytest.approx(brier_score_loss(y, p))
    assert scores.log_loss(p, y) == pytest.approx(log_loss(y, p))


def test_skill_is_zero_for_the_base_rate_and_undefined_for_one_class() -> None:
    y = np.array([1.0, 0, 0, 1, 1])
    assert scores.brier_skill(np.full(5, 0.6), y) == pytest.approx(0.0)
    assert np.isnan(scores.brier_skill(np.full(5, 0.6), np.ones(5)))
    assert np.isnan(scores.auc(np.full(5, 0.6), np.ones(5)))


@pytest.mark.parametrize(("n", "bins"), [(5, 1), (100, 1), (499, 4), (1500, 15), (90_000, 15)])
def test_bins_are_a_hundredth_of_the_rows_up_to_fifteen(n: int, bins: int) -> None:
    assert scores.bin_count(n) == bins


@given(st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7]), min_size=1, max_size=80), st.integers(1, 10))
@settings(deadline=None)
def test_equal_probabilities_share_a_bin_and_every_row_is_in_one(p: list[float], bins: int) -> None:
    diagram = scores.reliability(np.array(p), np.zeros(len(p)), bins)
    assert diagram.count.sum() == len(p)
    assert (diagram.count > 0).all()
    assert len(set(np.round(diagram.predicted, 9))) == len(diagram.predicted)


def test_debiasing_takes_away_what_noise_alone_makes() -> None:
    perfect = [scores.debiased_ece(*draw(600, seed)) for seed in range(60)]
    plain = []
    for seed in range(60):
        d = scores.reliability(*draw(600, seed))
        plain.append(float((np.abs(d.predicted - d.observed) * d.count).sum() / d.count.sum()))
    assert np.mean(perfect) < 0.5 * np.mean(plain)


def test_a_constant_gap_is_measured_as_such() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.3, 0.5, 40_000)
    y = (rng.uniform(size=40_000) < p + 0.2).astype(np.float64)
    assert scores.debiased_ece(p, y) == pytest.approx(0.2, abs=0.01)


def test_platt_and_temperature_recover_the_planted_distortion() -> None:
    p, y = draw(20_000, 5, slope=0.5, shift=0.4)
    platt = calibrate.fit_platt(p, y)
    assert (platt.slope, platt.intercept) == (pytest.approx(0.5, abs=0.05), pytest.approx(0.4, abs=0.05))
    p, y = draw(20_000, 6, slope=0.5)
    assert calibrate.fit_temperature(p, y).slope == pytest.approx(0.5, abs=0.05)


def test_a_score_that_ranks_backwards_becomes_the_base_rate() -> None:
    p, y = draw(5_000, 7, slope=-1.0)
    np.testing.assert_allclose(calibrate.fit_platt(p, y).apply(p), y.mean(), atol=1e-3)


def test_isotonic_is_monotone_and_never_certain() -> None:
    p, y = draw(2_000, 8)
    y[p > 0.9], y[p < 0.1] = 1.0, 0.0
    mapped = calibrate.fit_isotonic(p, y).apply(np.linspace(0, 1, 500))
    assert (np.diff(mapped) >= 0).all()
    assert 0 < mapped.min() < mapped.max() < 1


def test_isotonic_needs_a_thousand_points() -> None:
    for n, there in ((999, False), (1000, True)):
        choice = calibrate.choose_calibrator(*draw(n, 9), *draw(500, 10))
        assert ("isotonic" in choice.brier) is there
        assert (choice.fitted_on, choice.picked_on) == (n, 500)


def test_the_picked_map_is_the_best_on_the_picking_rows() -> None:
    kinked = np.random.default_rng(11)
    p = kinked.uniform(0, 1, 6_000)
    y = (kinked.uniform(size=6_000) < np.where(p < 0.5, 0.2, 0.8)).astype(np.float64)
    choice = calibrate.choose_calibrator(p[:3000], y[:3000], p[3000:], y[3000:])
    assert choice.calibrator.method == "isotonic" == min(choice.brier, key=lambda m: choice.brier[m])


def test_scores_stay_as_they_are_when_nothing_can_be_learnt() -> None:
    p, y = draw(50, 12)
    assert calibrate.choose_calibrator(p, np.ones(50), p, y).calibrator.method == "identity"
    assert calibrate.choose_calibrator(p, y, p[:0], y[:0]).calibrator.method == "identity"


@pytest.mark.parametrize("method", ["identity", "platt", "temperature", "isotonic"])
def test_every_map_survives_json_bit_for_bit(method: str) -> None:
    p, y = draw(1_500, 13, slope=0.7)
    made = {
        "identity": calibrate.IdentityCalibrator(), "platt": calibrate.fit_platt(p, y),
        "temperature": calibrate.fit_temperature(p, y), "isotonic": calibrate.fit_isotonic(p, y),
    }[method]
    again = calibrate.calibrator_from_json(json.loads(json.dumps(made.to_json())))
    np.testing.assert_array_equal(made.apply(p), again.apply(p))


def test_an_unknown_map_is_refused() -> None:
    with pytest.raises(DataContractError, match="got 'spline'"):
        calibrate.calibrator_from_json({"method": "spline"})

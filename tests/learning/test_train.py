from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import MINUTE_MS
from huracan_platform.errors import DataContractError, PermanentError
from huracan_platform.learning.models.calibrate import fit_platt, fit_temperature
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scaling import Scaler
from huracan_platform.learning.models.scores import brier
from huracan_platform.learning.models.split import ended_before, forward_split
from huracan_platform.learning.models.train import FittedModel, fit_model, train_model
from huracan_platform.learning.models.zoo import ZOO
from huracan_platform.settings import Settings
from tests.learning.frames import synthetic_frame

SETTINGS = Settings()
ARCHITECTURES = sorted(ZOO)


@pytest.fixture(scope="module")
def frame() -> TrainingFrame:
    return synthetic_frame(days=40, seed=3, strength=0.8)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def fitted(request: pytest.FixtureRequest, frame: TrainingFrame) -> FittedModel:
    return train_model(frame, request.param, SETTINGS).fitted


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_planted_signal_is_found_and_named_in_the_importance(architecture: str, frame: TrainingFrame) -> None:
    trained = train_model(frame, architecture, SETTINGS)
    assert trained.test.auc > 0.65
    assert trained.test.brier_skill > 0.05
    assert next(iter(trained.importance)) == "a"
    assert sum(trained.importance.values()) == pytest.approx(1.0)


def test_an_interaction_is_found_by_trees_and_missed_by_the_linear_model() -> None:
    frame = synthetic_frame(days=60, seed=4, signal="interaction", strength=0.8)
    assert train_model(frame, "xgboost", SETTINGS).test.auc > 0.65
    assert train_model(frame, "linear", SETTINGS).test.auc < 0.58


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_shuffled_labels_teach_nothing(architecture: str, frame: TrainingFrame) -> None:
    aucs = []
    for seed in range(3):
        y = frame.y.copy()
        labelled = np.flatnonzero(np.isfinite(y))
        y[labelled] = np.random.default_rng(seed).permutation(y[labelled])
        aucs.append(train_model(frame.with_labels(y), architecture, SETTINGS).test.auc)
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_lies_after_the_validation_part_changes_nothing(architecture: str, frame: TrainingFrame) -> None:
    split = forward_split(frame, SETTINGS.training)
    rng = np.random.default_rng(0)
    x, y = frame.x.copy(), frame.y.copy()
    x[split.test] = rng.normal(100, 50, x[split.test].shape)
    y[split.test] = rng.integers(0, 2, len(split.test))
    before = fit_model(frame, split.train, split.validation, architecture, SETTINGS)
    after = fit_model(replace(frame, x=x, y=y), split.train, split.validation, architecture, SETTINGS)
    assert before.artefact_hash == after.artefact_hash


def test_the_scaler_knows_the_training_rows_only(frame: TrainingFrame) -> None:
    split = forward_split(frame, SETTINGS.training)
    fitted = fit_model(frame, split.train, split.validation, "linear", SETTINGS)
    np.testing.assert_array_equal(fitted.scaler.mean, frame.x[split.train].mean(axis=0))
    assert not np.array_equal(fitted.scaler.mean, frame.x.mean(axis=0))
    assert fitted.scaler.scale[-1] == 1.0, "a constant column is left alone"


def test_a_row_alone_scores_as_in_a_batch_to_the_last_bit(fitted: FittedModel, frame: TrainingFrame) -> None:
    batch = fitted.probability(frame.x[:300])
    alone = np.concatenate([fitted.probability(row) for row in frame.x[:300]])
    np.testing.assert_array_equal(batch, alone)
    assert ((batch > 0) & (batch < 1)).all()


def test_a_missing_feature_gives_no_opinion_and_leaves_other_rows_alone(fitted: FittedModel, frame: TrainingFrame) -> None:
    x = frame.x[:4].copy()
    x[1, 2], x[3, 0] = np.nan, np.inf
    p = fitted.probability(x)
    assert np.isnan(p).tolist() == [False, True, False, True]
    np.testing.assert_array_equal(p[[0, 2]], fitted.probability(frame.x[[0, 2]]))


def test_a_saved_model_predicts_the_same_bits(fitted: FittedModel, frame: TrainingFrame) -> None:
    again = FittedModel.from_files(fitted.files)
    np.testing.assert_array_equal(again.probability(frame.x), fitted.probability(frame.x))
    assert again.columns == fitted.columns


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_fit_in_two_processes_gives_the_same_artefact(architecture: str, frame: TrainingFrame) -> None:
    code = (
        "from tests.learning.frames import synthetic_frame\n"
        "from huracan_platform.learning.models.train import train_model\n"
        "from huracan_platform.settings import Settings\n"
        f"print(train_model(synthetic_frame(days=40, seed=3, strength=0.8), {architecture!r}, Settings()).fitted.artefact_hash)"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == train_model(frame, architecture, SETTINGS).fitted.artefact_hash


def test_another_seed_gives_other_trees(frame: TrainingFrame) -> None:
    other = SETTINGS.model_copy(update={"training": SETTINGS.training.model_copy(update={"seed": 12})})
    first = train_model(frame, "xgboost", SETTINGS).fitted
    assert train_model(frame, "xgboost", other).fitted.artefact_hash != first.artefact_hash


def test_calibration_is_fitted_and_picked_on_disjoint_validation_rows(fitted: FittedModel, frame: TrainingFrame) -> None:
    validation = frame.labelled(forward_split(frame, SETTINGS.training).validation)
    fitted_on, picked_on = fitted.report["calibration_rows"]
    assert fitted_on + picked_on <= len(validation)
    assert picked_on == len(validation) - len(validation) // 2


def test_calibrators_are_fitted_on_the_purged_first_half_of_validation_alone(fitted: FittedModel, frame: TrainingFrame) -> None:
    validation = frame.labelled(forward_split(frame, SETTINGS.training).validation)
    half = len(validation) // 2
    embargo_ms = SETTINGS.training.embargo_min * MINUTE_MS
    first = ended_before(frame, validation[:half], int(frame.decision_ms[validation[half]]), embargo_ms)
    second = validation[half:]
    p, y = fitted.raw_score(frame.x[first]), frame.y[first]
    assert (np.diff(first) > 1).any()  # purged in between, not at the end alone
    for method, fit in (("platt", fit_platt), ("temperature", fit_temperature)):
        picked = brier(fit(p, y).apply(fitted.raw_score(frame.x[second])), frame.y[second])
        assert fitted.report["calibration_brier"][method] == pytest.approx(picked, abs=1e-12)


def test_wrong_width_few_rows_one_class_and_unknown_architecture_are_refused(fitted: FittedModel, frame: TrainingFrame) -> None:
    with pytest.raises(DataContractError, match="expected 9 features, got 3"):
        fitted.probability(np.zeros((2, 3)))
    with pytest.raises(DataContractError, match="at least 100 labelled rows"):
        fit_model(frame, np.arange(20), np.arange(30, 300), "linear", SETTINGS)
    one_class = frame.with_labels(np.where(np.isnan(frame.y), np.nan, 1.0))
    with pytest.raises(DataContractError, match="both classes"):
        train_model(one_class, "linear", SETTINGS)
    with pytest.raises(PermanentError, match="linear, xgboost, got 'oracle'"):
        train_model(frame, "oracle", SETTINGS)
    with pytest.raises(DataContractError, match="not finite"):
        Scaler.fit(np.array([[1.0, np.nan]]))

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.errors import DataContractError
from huracan_platform.judging.evaluation.calibration_evidence import calibration_evidence
from huracan_platform.judging.evaluation.plots import equity_curve, reliability_diagram
from huracan_platform.judging.evaluation.walk_forward import WalkForward, backtest_walk_forward, between, on_bars, walk_forward
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.settings import Settings
from tests.judging.world import COSTLY, frame, planted_drift, random_walk

DAYS = 60
SETTINGS = Settings(training={"walk_forward_train_days": 20, "walk_forward_test_days": 10})


@pytest.fixture(scope="module")
def world() -> tuple[Candles, TrainingFrame]:
    drift, signal = planted_drift(DAYS, 3, 6e-5)
    candles = random_walk(DAYS, 4, drift=drift)
    return candles, frame(candles, {"signal": signal})


@pytest.fixture(scope="module")
def result(world: tuple[Candles, TrainingFrame]) -> WalkForward:
    return walk_forward(world[1], SETTINGS, "linear")


def test_every_probability_comes_from_a_model_fitted_before_the_row(
    world: tuple[Candles, TrainingFrame], result: WalkForward,
) -> None:
    made = world[1]
    embargo_ms = SETTINGS.training.embargo_min * MINUTE_MS
    for fold in result.folds:
        learnt = np.concatenate((fold.split.train, fold.split.validation))
        assert made.label_end_ms[learnt].max() + embargo_ms <= made.decision_ms[fold.split.test].min()
        told = result.p_up[np.isin(result.rows, fold.split.test)]
        assert np.array_equal(fold.model.probability(made.x[fold.split.test]), told)
    assert (np.diff(result.rows) > 0).all()
    assert result.start_ms % DAY_MS == 0
    assert len(result.folds) == result.fold[-1] + 1 == 4
    assert np.isfinite(result.p_up).all()


def test_labels_of_the_judged_days_change_nothing_before_them(world: tuple[Candles, TrainingFrame], result: WalkForward) -> None:
    made = world[1]
    last = result.folds[-1].split.test
    poisoned = made.y.copy()
    poisoned[last] = 1.0 - poisoned[last]
    again = walk_forward(made.with_labels(poisoned), SETTINGS, "linear")
    assert np.array_equal(again.p_up, result.p_up)


def test_planted_edge_is_found_out_of_sample_and_earns_before_costs(
    world: tuple[Candles, TrainingFrame], result: WalkForward,
) -> None:
    candles, made = world
    assert min(f.scores.auc for f in result.folds) > 0.55
    played = backtest_walk_forward(result, made, candles, None, COSTLY, SETTINGS)
    assert played.bars == (result.end_ms - result.start_ms) // MINUTE_MS
    assert played.decisions == len(result.rows)
    assert len(played.trades) > 50
    assert played.trades["gross"].sum() > 0
    assert played.trades["entry_ms"].min() >= result.start_ms


def test_too_short_a_history_gives_no_folds(world: tuple[Candles, TrainingFrame]) -> None:
    nothing = walk_forward(world[1], Settings(training={"walk_forward_train_days": 90}), "linear")
    assert nothing.folds == ()
    assert len(nothing.p_up) == 0
    assert len(calibration_evidence(world[1], nothing).y) == 0


def test_window_without_enough_past_is_skipped_and_named(world: tuple[Candles, TrainingFrame]) -> None:
    made = world[1]
    early = made.ts_ms < made.ts_ms[0] + 20 * DAY_MS
    one_sided = replace(made, y=np.where(early & np.isfinite(made.y), 1.0, made.y))
    partial = walk_forward(one_sided, SETTINGS, "linear")
    assert len(partial.folds) == 3
    assert "both classes" in partial.skipped[0]


def test_abstaining_rows_are_counted_not_scored(world: tuple[Candles, TrainingFrame], result: WalkForward) -> None:
    made = world[1]
    evidence = calibration_evidence(made, result)
    abstained = int(np.isnan(made.y[result.rows]).sum())
    assert evidence.abstained == abstained > 0
    assert len(evidence.y) == len(result.rows) - abstained
    low, high = evidence.skill_interval(100, np.random.default_rng(0)) or (0.0, 0.0)
    assert low < evidence.skill < high


def test_values_sit_on_the_bars_they_belong_to(world: tuple[Candles, TrainingFrame]) -> None:
    candles = world[0]
    placed = on_bars(candles, candles.ts_ms[[3, 7]], np.array([0.1, 0.9]))
    assert placed[[3, 7]].tolist() == [0.1, 0.9]
    assert np.isnan(placed).sum() == len(candles) - 2
    with pytest.raises(DataContractError, match="expected one for every row"):
        on_bars(candles, np.array([1], dtype=np.int64), np.array([0.5]))
    assert len(between(candles, int(candles.ts_ms[10]), int(candles.ts_ms[20]))) == 10


def test_pictures_are_png_files(world: tuple[Candles, TrainingFrame], result: WalkForward) -> None:
    candles, made = world
    played = backtest_walk_forward(result, made, candles, None, COSTLY, SETTINGS)
    for picture in (
        equity_curve({"account": played.daily, "founding": played.daily}, "equity"),
        reliability_diagram(calibration_evidence(made, result).reliability, "reliability"),
    ):
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5_000

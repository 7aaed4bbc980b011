"""Each way of knowing too much is planted once and must be found; the honest line must be clean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.judging.evaluation import leakage
from huracan_platform.judging.evaluation.leakage import RecomputeRow
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scaling import Scaler
from huracan_platform.learning.models.split import Split, forward_split
from huracan_platform.learning.models.train import FittedModel, fit_model
from huracan_platform.settings import Settings
from tests.judging.world import features, frame, random_walk

SETTINGS = Settings()
EMBARGO_MS = SETTINGS.training.embargo_min * MINUTE_MS
DAY_ROWS = 96


@pytest.fixture(scope="module")
def candles() -> Candles:
    return random_walk(40, 11)


@pytest.fixture(scope="module")
def honest(candles: Candles) -> TrainingFrame:
    return frame(candles)


@pytest.fixture(scope="module")
def split(honest: TrainingFrame) -> Split:
    return forward_split(honest, SETTINGS.training)


@pytest.fixture(scope="module")
def model(honest: TrainingFrame, split: Split) -> FittedModel:
    return fit_model(honest, split.train, split.validation, "linear", SETTINGS)


def recompute_on_truncated_history(candles: Candles, extra: dict[str, Float64] | None = None) -> RecomputeRow:
    def row(ts_ms: int) -> Float64:
        n = int(np.searchsorted(candles.ts_ms, ts_ms)) + 1
        columns = ("ts_ms", "open", "high", "low", "close", "volume")
        past = Candles(candles.symbol, **{c: getattr(candles, c)[:n] for c in columns})
        planted = {name: future_return(past) for name in extra or {}}
        return features(past, planted).values[-1]

    return row


def future_return(candles: Candles) -> Float64:
    """The mutant shift(-1): each bar sees the close an hour later, the last one its own."""
    ahead = np.minimum(np.arange(len(candles)) + 60, len(candles) - 1)
    return np.log(candles.close[ahead] / candles.close)


def test_honest_line_is_clean_and_every_check_had_something_to_examine(
    candles: Candles, honest: TrainingFrame, split: Split, model: FittedModel,
) -> None:
    rng = np.random.default_rng(0)
    rows = [500, 1_500, len(honest) - 1]
    findings = [
        leakage.split_overlap(honest, [split], EMBARGO_MS),
        leakage.look_ahead(honest, rows, recompute_on_truncated_history(candles)),
        leakage.target_leakage(honest, split.test, 0.65, DAY_ROWS, rng),
        leakage.preprocessing_leakage(honest, [(model, split.train)]),
        leakage.duplicate_rows(honest, [split], rng),
    ]
    assert [f.found for f in findings] == [0] * 5
    assert all(f.examined > 0 for f in findings)


def test_random_split_is_found_by_overlap(honest: TrainingFrame) -> None:
    shuffled = np.random.default_rng(1).permutation(len(honest))
    cut = int(0.7 * len(honest))
    mutant = Split(np.sort(shuffled[:cut]), np.empty(0, dtype=np.int64), np.sort(shuffled[cut:]), 0)
    assert leakage.split_overlap(honest, [mutant], EMBARGO_MS).found > 1_000


def test_missing_purge_and_missing_embargo_are_found(honest: TrainingFrame) -> None:
    everything = np.arange(len(honest))
    unpurged = Split(everything[:2_000], np.empty(0, dtype=np.int64), everything[2_000:], 0)
    assert leakage.split_overlap(honest, [unpurged], 0).found > 0
    begins = honest.decision_ms[2_000]
    no_embargo = replace(unpurged, train=everything[:2_000][honest.label_end_ms[:2_000] <= begins])
    assert leakage.split_overlap(honest, [no_embargo], 0).found == 0
    assert leakage.split_overlap(honest, [no_embargo], EMBARGO_MS).found > 0


def test_feature_from_the_future_is_found_by_recomputing_on_truncated_history(candles: Candles) -> None:
    mutant = frame(candles, {"tomorrow": future_return(candles)})
    rows = [500, 1_500]
    finding = leakage.look_ahead(mutant, rows, recompute_on_truncated_history(candles, {"tomorrow": future_return(candles)}))
    assert finding.found == 2
    assert finding.details["columns"] == ["tomorrow"]


def test_without_history_to_recompute_on_look_ahead_examined_nothing(honest: TrainingFrame) -> None:
    assert leakage.look_ahead(honest, [1, 2], None).examined == 0


def test_label_as_feature_is_found_by_its_auc_alone(honest: TrainingFrame, split: Split) -> None:
    rng = np.random.default_rng(2)
    told = np.nan_to_num(honest.y, nan=0.5) + rng.normal(0.0, 0.5, len(honest))
    mutant = replace(honest, x=np.column_stack((honest.x, told)), columns=(*honest.columns, "told"))
    finding = leakage.target_leakage(mutant, split.test, 0.65, DAY_ROWS, rng)
    assert list(finding.details["flagged"]) == ["told"]
    inverted = replace(mutant, x=np.column_stack((honest.x, -told)))
    assert leakage.target_leakage(inverted, split.test, 0.65, DAY_ROWS, rng).found == 1


def test_scaler_fitted_on_all_data_is_found(honest: TrainingFrame, split: Split, model: FittedModel) -> None:
    mutant = replace(model, scaler=Scaler.fit(honest.x))
    assert leakage.preprocessing_leakage(honest, [(mutant, split.train)]).found > 0


def test_a_column_that_never_varied_is_no_preprocessing_leak(candles: Candles) -> None:
    honest = frame(candles, {"constant": np.full(len(candles), 0.1)})
    split = forward_split(honest, SETTINGS.training)
    model = fit_model(honest, split.train, split.validation, "linear", SETTINGS)
    assert leakage.preprocessing_leakage(honest, [(model, split.train)]).found == 0


def test_scaler_of_the_labelled_rows_of_validation_too_is_found(honest: TrainingFrame, split: Split, model: FittedModel) -> None:
    mutant = replace(model, scaler=Scaler.fit(honest.x[np.concatenate((split.train, split.validation[:50]))]))
    assert leakage.preprocessing_leakage(honest, [(mutant, split.train)]).found > 0


def test_copied_and_nearly_copied_rows_across_the_split_are_counted(honest: TrainingFrame, split: Split) -> None:
    x = honest.x.copy()
    x[split.test[:7]] = x[split.train[100:107]]
    x[split.test[7:10]] = x[split.train[200:203]] * (1.0 + 1e-9)
    found = leakage.duplicate_rows(replace(honest, x=x), [split], np.random.default_rng(3))
    assert found.found == 10
    assert found.examined == len(split.test)

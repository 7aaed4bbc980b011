"""What a model relied on is found, and what it did not is not."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.importance import ImportanceRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.importance import FeatureImportance, overlap
from huracan_platform.errors import DataContractError
from huracan_platform.judging.evaluation.importance import exchanged, measure_importance
from huracan_platform.judging.evaluation.plots import importance_ranking
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.learning.frames import START_MS, SYMBOL, synthetic_frame

DAY_ROWS = 96


def ranking_of(architecture: str, signal: str, seed: int = 0) -> tuple[FeatureImportance, ...]:
    frame = synthetic_frame(days=60, signal=signal, strength=1.2, seed=seed)
    model = train_model(frame, architecture, Settings())
    rows = frame.labelled(model.split.test)
    return measure_importance(model.fitted, frame.x[rows], frame.y[rows], DAY_ROWS, np.random.default_rng(5))


@pytest.mark.parametrize("architecture", ["linear", "xgboost"])
def test_the_feature_that_drives_the_outcome_ranks_first_and_noise_costs_nothing(architecture: str) -> None:
    ranking = ranking_of(architecture, "linear")
    best, rest = ranking[0], ranking[1:]
    assert best.feature == "a"
    assert best.permutation > 10 * best.permutation_error > 0
    assert sum(i.contribution for i in ranking) == pytest.approx(1.0)
    assert all(abs(i.permutation) < best.permutation / 10 for i in rest)
    assert [i.rank for i in ranking] == list(range(1, len(ranking) + 1))


def test_both_parts_of_an_interaction_rank_above_noise() -> None:
    ranking = ranking_of("xgboost", "interaction")
    assert {i.feature for i in ranking[:2]} == {"a", "b"}


@pytest.mark.parametrize("architecture", ["linear", "xgboost"])
def test_contributions_and_a_constant_make_the_log_odds(architecture: str) -> None:
    frame = synthetic_frame(days=20)
    model = train_model(frame, architecture, Settings()).fitted
    x = model.scaler.apply(frame.x[:200])
    p = model.classifier.predict_proba(x)[:, 1]
    rest = np.log(p / (1 - p)) - model.classifier.contributions(x).sum(axis=1)
    assert np.ptp(rest) < 1e-4


def test_an_exchange_keeps_days_whole_and_loses_no_row() -> None:
    order = exchanged(250, 96, np.random.default_rng(0))
    assert sorted(order) == list(range(250))
    breaks = np.flatnonzero(np.diff(order) != 1)
    assert len(breaks) <= 2
    assert not np.array_equal(exchanged(960, 96, np.random.default_rng(1)), np.arange(960))


def test_rows_of_another_width_are_refused() -> None:
    model = train_model(synthetic_frame(days=20), "linear", Settings()).fitted
    with pytest.raises(DataContractError, match=r"expected rows of 9 features, got \(5, 2\)"):
        measure_importance(model, np.zeros((5, 2)), np.zeros(5), 1, np.random.default_rng(0))


def test_overlap_counts_the_best_features_of_both() -> None:
    first = [FeatureImportance(name, 0.1, 0.1, 0.0, rank) for rank, name in enumerate("abcde", 1)]
    second = [FeatureImportance(name, 0.1, 0.1, 0.0, rank) for rank, name in enumerate("abxyc", 1)]
    assert overlap(first, second, 4) == 0.5
    assert overlap(first, second, 5) == 0.6
    assert overlap([], second, 5) == 1.0


def test_a_version_is_compared_with_the_measured_one_before_it(brain: Brain, settings: Settings) -> None:
    registry, clock, ids = Registry(brain, str(settings.home / "artefacts")), ManualClock(START_MS + 90 * 86_400_000), []
    for seed in (1, 2):
        frame = synthetic_frame(days=20, seed=seed)
        spec = DatasetSpec("sim", SYMBOL, START_MS, START_MS + 20 * 86_400_000, clock.market_ms(), clock.wire_ms())
        model = train_model(frame, "linear", settings)
        manifest = build_manifest(model, frame, spec, settings, Provenance("0", None, None, None, {}))
        ids.append(registry.register(model.fitted, manifest, clock, by="test").model_id)
    repository = ImportanceRepository(brain)
    ranking = (FeatureImportance("b", 0.6, 0.2, 0.01, 1), FeatureImportance("a", 0.4, 0.1, 0.01, 2))
    assert repository.before(ids[1]) is None
    repository.save(ids[0], ranking, START_MS)
    repository.save(ids[0], ranking, START_MS)
    assert repository.of(ids[0]) == ranking
    assert repository.before(ids[1]) == (ids[0], ranking)
    assert repository.before(ids[0]) is None


def test_the_ranking_is_drawn() -> None:
    assert importance_ranking(ranking_of("linear", "linear"), "BTC").startswith(b"\x89PNG")

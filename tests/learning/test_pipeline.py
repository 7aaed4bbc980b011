"""From facts in the library to a registered model and back, with the real database and the real feature kernels."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from huracan_platform.brain.candles import CandleRepository
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.funding import FundingRepository
from huracan_platform.brain.trials import TrialLog
from huracan_platform.cli.models import register
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.learning.dataset import load_frame, newest_dataset, recompute_frame
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.manifest import DatasetSpec
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.pipeline import reproduce, train_and_register
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import FeatureSettings, LabelSettings, Settings
from tests.learning.frames import COST, START_MS, SYMBOL

VENUE = "sim-s7"
FIRST, DAYS = date(2025, 1, 1), 12
END_MS = START_MS + DAYS * DAY_MS
SETTINGS = Settings(features=FeatureSettings(profile="short_history"))
BAD_DAY = FIRST + timedelta(days=9)


@dataclass
class World:
    brain: Brain
    root: str
    clock: ManualClock
    store: FeatureStore
    spec: DatasetSpec

    def frame(self) -> TrainingFrame:
        return load_frame(self.brain, self.store, self.spec, SETTINGS.features, LabelSettings(), COST)

    def train(self, architecture: str) -> ModelCard:
        registry, trials = Registry(self.brain, self.root), TrialLog(self.brain)
        provenance = Provenance("0.1.0", None, None, None, {})
        card, _ = train_and_register(
            registry, trials, self.frame(), self.spec, architecture, SETTINGS, self.clock, provenance, by="test"
        )
        return card


def store_candles(brain: Brain, rows: slice, factor: float, recorded_ms: int) -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 8e-4, DAYS * 1440)))
    open_ = np.concatenate(([close[0]], close[:-1]))
    ts_ms = START_MS + MINUTE_MS * np.arange(len(close))
    columns: dict[str, Any] = {
        "open": open_, "high": np.maximum(open_, close) * 1.0001, "low": np.minimum(open_, close) * 0.9999, "close": close,
        "volume": rng.uniform(1, 5, len(close)) * factor,
    }
    CandleRepository(brain).upsert(VENUE, pa.table({
        "symbol": [SYMBOL] * len(ts_ms[rows]), "ts_ms": ts_ms[rows], "known_at_ms": ts_ms[rows] + MINUTE_MS + 2000,
        **{name: values[rows] for name, values in columns.items()},
    }), recorded_ms, revision_known_at_ms=START_MS)  # known at once: only the time of recording hides a revision


@pytest.fixture(scope="module")
def world(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> World:
    clock = ManualClock(END_MS + 30 * DAY_MS, END_MS + HOUR_MS)
    store_candles(module_brain, slice(None), 1.0, clock.wire_ms() - 1000)
    settled = np.arange(START_MS, END_MS, 8 * HOUR_MS)
    FundingRepository(module_brain).upsert(VENUE, pa.table({
        "symbol": [SYMBOL] * len(settled), "ts_ms": settled, "known_at_ms": settled + 5000,
        "rate": np.random.default_rng(4).normal(1e-4, 5e-5, len(settled)), "interval_h": np.full(len(settled), 8.0),
    }), clock.wire_ms() - 1000)
    root = str(tmp_path_factory.mktemp("home") / "artefacts")
    store = FeatureStore(module_brain, root, clock=clock)
    definition = feature_set("core", "short_history", settings=SETTINGS.features)
    days = {FIRST + timedelta(days=i) for i in range(DAYS)}
    store.build_days(VENUE, [SYMBOL], days, definition)
    clock.advance(1000)
    spec = DatasetSpec.of_days(VENUE, SYMBOL, FIRST, FIRST + timedelta(days=DAYS - 1), clock, days - {BAD_DAY})
    return World(module_brain, root, clock, store, spec)


def test_the_frame_from_stored_features_equals_the_one_computed_again(world: World) -> None:
    again = recompute_frame(world.brain, world.store, world.spec, SETTINGS.features, LabelSettings(), COST)
    stored = world.frame()
    assert len(stored) > 400
    assert again.dataset_hash == stored.dataset_hash
    assert again.feature_day_hashes == stored.feature_day_hashes
    assert len(stored.feature_day_hashes) == DAYS - 1


def test_a_day_that_failed_its_checks_gives_no_row_and_no_outcome(world: World) -> None:
    frame = world.frame()
    bad_ms = START_MS + 9 * DAY_MS
    assert not ((frame.label_end_ms > bad_ms) & (frame.ts_ms < bad_ms + DAY_MS)).any()
    everything = load_frame(
        world.brain, world.store, replace(world.spec, left_out_days=()), SETTINGS.features, LabelSettings(), COST
    )
    assert len(everything) > len(frame)


@pytest.mark.parametrize("architecture", ["linear", "xgboost"])
def test_a_model_is_made_again_from_the_library_even_after_a_late_revision(world: World, architecture: str) -> None:
    card = world.train(architecture)
    assert world.train(architecture).model_id == card.model_id
    store_candles(world.brain, slice(5000, 5003), 9.0, world.clock.wire_ms() + 5000)
    result = reproduce(world.brain, world.root, card, SETTINGS)
    assert result.same, result.reason


def test_other_weights_or_other_hyperparameters_are_not_a_reproduction(world: World) -> None:
    card = world.train("linear")
    other = {**card.manifest, "artefact": {**card.manifest["artefact"], "hash": "0" * 64}}
    assert "artefact: expected 000" in reproduce(world.brain, world.root, replace(card, manifest=other), SETTINGS).reason
    changed = {**card.manifest, "hyperparameters": {"inverse_penalty": 9.0}}
    assert not reproduce(world.brain, world.root, replace(card, manifest=changed), SETTINGS).same


def test_the_command_reproduces_and_notices_a_fact_changed_behind_the_library(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_HOME", str(Path(world.root).parent))
    monkeypatch.setenv("HURACAN_DATABASE__DSN", world.brain.dsn)
    app, card = typer.Typer(), world.train("linear")
    register(app)
    same = CliRunner().invoke(app, ["reproduce", card.model_id])
    assert (same.exit_code, "reproduced: artefact" in " ".join(same.output.split())) == (0, True), same.output
    with world.brain.connect() as connection:
        connection.execute("UPDATE candles SET close = high WHERE ts = to_timestamp(%s)", ((END_MS - 5 * HOUR_MS) / 1000,))
    other = CliRunner().invoke(app, ["reproduce", card.model_id, "--json"])
    assert other.exit_code == 1
    assert json.loads(other.output)["reason"].startswith("data set: expected")


def test_each_training_counts_as_one_trial(world: World) -> None:
    world.train("linear")
    before = TrialLog(world.brain).count()
    world.train("linear")
    assert TrialLog(world.brain).count() == before
    assert Path(world.root, "models").is_dir()


def test_no_data_set_is_made_of_features_whose_candles_were_revised_since(world: World) -> None:
    world.clock.advance(60_000)
    store_candles(world.brain, slice(9000, 9003), 5.0, world.clock.wire_ms())
    with pytest.raises(DataContractError, match=r"expected feature days that follow from the library, got .* first 2025-01-0"):
        newest_dataset(world.store, VENUE, SYMBOL, SETTINGS, world.clock)
    definition = feature_set("core", "short_history", settings=SETTINGS.features)
    world.store.build_days(VENUE, [SYMBOL], [FIRST + timedelta(days=i) for i in range(DAYS)], definition)
    spec = newest_dataset(world.store, VENUE, SYMBOL, SETTINGS, world.clock)
    made = (SETTINGS.features, LabelSettings(), COST)
    stored, again = (read(world.brain, world.store, spec, *made) for read in (load_frame, recompute_frame))
    assert stored.dataset_hash == again.dataset_hash

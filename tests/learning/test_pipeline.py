"""From facts in the library to a registered model and back, with the real database and the real feature kernels."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.trials import TrialLog
from huracan_platform.cli.models import register
from huracan_platform.clock import DAY_MS, HOUR_MS
from huracan_platform.data.features.registry import feature_set
from huracan_platform.errors import DataContractError
from huracan_platform.learning.dataset import load_frame, newest_dataset, recompute_frame
from huracan_platform.learning.pipeline import reproduce
from huracan_platform.settings import LabelSettings
from tests.learning.frames import COST, START_MS, SYMBOL
from tests.learning.library import DAYS, END_MS, FIRST, SETTINGS, VENUE, World, make_world, store_candles


@pytest.fixture(scope="module")
def world(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(module_brain, str(tmp_path_factory.mktemp("home") / "artefacts"))


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

"""The sensors around the version in charge, and the asset they look at, on a real instance and library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.brain.learning.shadow_returns import ShadowReturnRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.rollback import RollbackKind
from huracan_platform.data.features.registry import feature_set
from huracan_platform.defs.execution.sensors import hand_off_authorised_models, rollback_models
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.resources import Platform
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings, load_settings
from tests.defs.conftest import BTC, Launch
from tests.learning import library
from tests.learning.frames import START_MS
from tests.learning.test_registry import SYMBOL, VENUE, registered
from tests.operations.versions import add_returns, commanded, names, put_in_charge
from tests.session.world import scripted_model
from tests.venue_process import running_venue

Look = Callable[..., tuple[str, str | None]]


@pytest.fixture
def registry(brain: Brain, settings: Settings) -> Registry:
    return Registry(brain, str(settings.home / "artefacts"))


@pytest.fixture
def look(instance: dg.DagsterInstance) -> Look:
    """Evaluate a sensor from a cursor; what it said and its cursor afterwards."""

    def evaluate(sensor: dg.SensorDefinition, cursor: str | None = None) -> tuple[str, str | None]:
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"platform": Platform()}) as context:
            told = sensor(context)
            assert isinstance(told, dg.SkipReason)
            return told.skip_message or "", context.cursor

    return evaluate


def test_a_version_that_cannot_be_compared_is_not_handed_over_and_one_incident_says_so(
    brain: Brain, registry: Registry, look: Look, point_at: Callable
) -> None:
    clock = SystemClock()
    with running_venue(days=1, symbols=BTC) as url:
        point_at(url)
        first, second = registered(registry, clock), registered(registry, clock, seed=1)
        for card in (first, second):
            registry.authorise(card.model_id, "paper", 30, clock, by="test", reason="test")
        told, cursor = look(hand_off_authorised_models)
        assert told == f"{first.model_id} activated: no version was in charge of {SYMBOL}"
        assert commanded(brain) == [first.model_id]
        told, cursor = look(hand_off_authorised_models, cursor)
        assert told.startswith(f"{second.model_id} refused: cannot be compared with {first.model_id}:")
        assert commanded(brain) == []
        assert names(registry, first, clock) == [first.model_id]
        assert look(hand_off_authorised_models, cursor)[0] == "no new authorisation"
        assert look(hand_off_authorised_models)[0] == "no new authorisation", "a lost cursor settles nothing twice"
    assert [row.occurrences for row in IncidentRepository(brain).open("activation|")] == [1]


def test_new_returns_and_new_drift_are_looked_at_once_and_a_venue_is_asked_only_for_a_rollback(
    brain: Brain, registry: Registry, look: Look, point_at: Callable
) -> None:
    clock = SystemClock()
    point_at("http://127.0.0.1:9")
    cards = [registered(registry, clock, seed=seed) for seed in (1, 2, 3)]
    for card in cards:
        put_in_charge(registry, card, clock)
    commanded(brain)
    assert look(rollback_models) == ("nothing new", "0:0")
    add_returns(brain, cards[2].model_id, np.zeros(5))
    told, cursor = look(rollback_models, "0:0")
    assert told == f"{SYMBOL}: {cards[2].model_id} stays in charge"
    assert look(rollback_models, cursor) == ("nothing new", cursor)

    with running_venue(days=1, symbols=BTC) as url:
        point_at(url)
        add_returns(brain, cards[2].model_id, np.array([-0.06]), 5)
        told, cursor = look(rollback_models, cursor)
        assert told.startswith(f"{SYMBOL}: {cards[2].model_id} gave way to {cards[1].model_id} (loss_limit)")
        assert commanded(brain) == [cards[1].model_id]
        assert look(rollback_models, "0:0")[0] == f"{SYMBOL}: {cards[1].model_id} stays in charge", "a lost cursor does no harm"
        column = ColumnDrift("atr_14", 0.5, 0.2, 0.3, 0.0, 2_000, 700.0, DriftLevel.CRITICAL)
        drift = DriftRepository(brain)
        drift.save(cards[1].model_id, [column], START_MS, START_MS, START_MS)
        drift.save(cards[0].model_id, [], START_MS, START_MS, START_MS)
        told, _ = look(rollback_models, cursor)
        assert told == f"{SYMBOL}: {cards[1].model_id} stays in charge", "the one before was not measured"
    assert len(RollbackRepository(brain).logs(venue=VENUE)) == 1


@pytest.mark.slow
def test_a_planted_bad_version_is_followed_by_the_asset_and_rolled_back_by_the_sensor(
    brain: Brain, settings: Settings, instance: dg.DagsterInstance, launch: Launch, look: Look, point_at: Callable
) -> None:
    clock = SystemClock()
    with running_venue(days=14, symbols=BTC) as url:
        point_at(url, BTC, HURACAN_FEATURES__PROFILE="short_history", HURACAN_ROLLBACK__MAX_DRAWDOWN="0.9",
                 HURACAN_TRAINING__TRAIN_FRACTION="0.5", HURACAN_TRAINING__VALIDATION_FRACTION="0.3")
        venue, root = Platform().market().venue, Platform().artefact_root()
        world = library.make_world(brain, root, load_settings(), venue)
        world.spec = DatasetSpec.of_days(venue, BTC, library.FIRST, library.FIRST + timedelta(days=7), world.clock)
        trained, registry = train_model(world.frame(), "linear", world.settings), Registry(brain, root)
        manifest = build_manifest(trained, world.frame(), world.spec, world.settings, Provenance("0.1.0", None, None, None, {}))
        features = feature_set("core", "short_history", settings=world.settings.features)
        idler, churner = (
            registry.register(scripted_model(features, weights), manifest, clock, by="test")
            for weights in ({}, {"log_return_5": 4_000.0})
        )
        for card in (idler, churner):
            put_in_charge(registry, card, clock)
        commanded(brain)

        run = launch("shadow_job", symbol_key(BTC))
        assert run.success, run.errors
        assert run.metadata["shadow_returns"]["dagster/row_count"] == 2 * (4 * 24 - 1)
        told = run.partitions["shadow_returns"][symbol_key(BTC)]
        assert told["versions"] == f"{idler.model_id}, {churner.model_id}"
        assert "image/png" in str(told["equity"])
        assert launch("shadow_job", symbol_key(BTC)).metadata["shadow_returns"]["dagster/row_count"] == 0
        assert ShadowReturnRepository(brain).of_model(churner.model_id).net.sum() < -0.01

        _, cursor = look(rollback_models)
        look(rollback_models, cursor)
        look(rollback_models)
    log, = RollbackRepository(brain).logs()
    assert (log.from_model, log.to_model, log.kind) == (churner.model_id, idler.model_id, RollbackKind.SEQUENTIAL)
    assert commanded(brain) == [idler.model_id]

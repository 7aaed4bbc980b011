"""The nightly rehearsal of a rollback: a real run over a real library and registry, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import SystemClock
from huracan_platform.data.features.registry import feature_set
from huracan_platform.definitions import defs
from huracan_platform.defs.operations.sensors import failed_runs
from huracan_platform.defs.resources import Platform
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import load_settings
from tests.defs.conftest import BTC
from tests.learning import library
from tests.operations.versions import put_in_charge
from tests.session.world import scripted_model
from tests.venue_process import running_venue


def rehearse(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("rehearsal_job").execute_in_process(instance=instance, raise_on_error=False)


@pytest.mark.slow
def test_a_version_before_that_cannot_be_loaded_fails_the_night_and_is_told(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    clock = SystemClock()
    with running_venue(days=14, symbols=BTC) as url:
        point_at(url, BTC, HURACAN_FEATURES__PROFILE="short_history", HURACAN_TRAINING__TRAIN_FRACTION="0.5",
                 HURACAN_TRAINING__VALIDATION_FRACTION="0.3")
        assert rehearse(instance).success, "without a version in charge there is nothing to rehearse"
        venue, root = Platform().market().venue, Platform().artefact_root()
        world = library.make_world(brain, root, load_settings(), venue)
        world.spec = DatasetSpec.of_days(venue, BTC, library.FIRST, library.FIRST + timedelta(days=7), world.clock)
        trained, registry = train_model(world.frame(), "linear", world.settings), Registry(brain, root)
        manifest = build_manifest(trained, world.frame(), world.spec, world.settings, Provenance("0.1.0", None, None, None, {}))
        features = feature_set("core", "short_history", settings=world.settings.features)
        before, in_charge = (
            registry.register(scripted_model(features, weights), manifest, clock, by="test")
            for weights in ({}, {"log_return_5": 4_000.0})
        )
        put_in_charge(registry, before, clock)
        put_in_charge(registry, in_charge, clock)
        assert rehearse(instance).success

        damaged = [path for path in Path(root).rglob("*") if path.is_file() and before.artefact_hash in str(path)]
        for path in damaged:
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        assert damaged
        failed = rehearse(instance)
        assert not failed.success
    failed_runs(dg.build_run_status_sensor_context(
        sensor_name="failed_runs", dagster_instance=instance, dagster_run=failed.dagster_run,
        dagster_event=failed.get_run_failure_event(), resources={"platform": Platform()},
    ).for_run_failure())
    told = IncidentRepository(brain).open("run|rehearsal_job|")[0].incident
    assert "rehearsal: expected the version before to take over, got BTC/USDT:USDT" in told.title
    assert told.trading_effect.startswith("none by itself: were the version in charge to fail")

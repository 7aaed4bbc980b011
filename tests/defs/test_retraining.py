"""What asks for a training, once; and the version that comes of it says who asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.trigger import Trigger, TriggerKind
from huracan_platform.definitions import defs
from huracan_platform.defs.house import symbol_key
from huracan_platform.defs.learning.sensors import (
    cancelled_trainings,
    drifted_models,
    failed_trainings,
    new_feature_days,
    requested_trainings,
)
from huracan_platform.defs.learning.triggers import REQUEST_TAG
from huracan_platform.defs.resources import Platform
from huracan_platform.judging.evaluation.drift import DriftThresholds, measure_drift
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.defs.conftest import BTC, Launch
from tests.learning.frames import START_MS, SYMBOL, synthetic_frame
from tests.venue_process import running_venue

NOW = ManualClock(START_MS + 30 * 86_400_000)
DAY_MS = 86_400_000


@pytest.fixture
def model_id(brain: Brain, settings: Settings) -> str:
    """A registered model."""
    frame = synthetic_frame(days=20, strength=0.8)
    spec = DatasetSpec("sim", SYMBOL, START_MS, START_MS + 20 * DAY_MS, NOW.market_ms(), NOW.wire_ms())
    model = train_model(frame, "linear", settings)
    manifest = build_manifest(model, frame, spec, settings, Provenance("0.1.0", None, None, None, {}))
    return Registry(brain, str(settings.home / "artefacts")).register(model.fitted, manifest, NOW, by="test").model_id


@pytest.fixture
def look(instance: dg.DagsterInstance, point_at: Callable) -> Callable:
    """Evaluate a sensor from a cursor; returns what it answers and its cursor afterwards."""
    point_at("http://127.0.0.1:9")

    def evaluate(sensor: dg.SensorDefinition, cursor: str | None = None) -> tuple[object, str | None]:
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"platform": Platform()}) as context:
            return sensor(context), context.cursor

    return evaluate


def drift_of(columns: dict[str, DriftLevel]) -> list[ColumnDrift]:
    return [ColumnDrift(name, 0.5, 0.2, 0.3, 0.0, 2_000, 700.0, level) for name, level in columns.items()]


def test_critical_drift_asks_for_one_training_however_often_it_is_measured(brain: Brain, model_id: str, look: Callable) -> None:
    drift, requests = DriftRepository(brain), RetrainingRepository(brain)
    drift.save(model_id, drift_of({"a": DriftLevel.WARNING, "b": DriftLevel.UNMEASURED}), START_MS, START_MS, START_MS)
    _, cursor = look(drifted_models)
    assert requests.open() == []
    for _ in range(5):
        drift.save(model_id, drift_of({"a": DriftLevel.CRITICAL, "b": DriftLevel.CRITICAL}), START_MS, START_MS, START_MS)
        _, cursor = look(drifted_models, cursor)
    request, = requests.open()
    assert (request.venue, request.symbol, request.trigger.kind) == ("sim", SYMBOL, TriggerKind.DRIFT)
    assert request.trigger.reason == f"{model_id}: critical drift of a, b"
    requests.finish(request.request_id, "run", ["m"], START_MS)
    drift.save(model_id, drift_of({"a": DriftLevel.CRITICAL}), START_MS, START_MS, START_MS)
    look(drifted_models, cursor)
    assert requests.open() == []  # within the cool-down


def test_one_request_of_a_symbol_is_open_at_a_time_and_the_cool_down_ends(brain: Brain) -> None:
    requests, hour = RetrainingRepository(brain), 3_600_000

    def ask(kind: TriggerKind, at_ms: int, symbol: str = SYMBOL) -> int | None:
        return requests.request("sim", symbol, Trigger(kind, "why", "test", at_ms), timedelta(hours=24))

    first = ask(TriggerKind.DRIFT, START_MS)
    assert first is not None
    assert ask(TriggerKind.OPERATOR, START_MS + 1) is None
    assert ask(TriggerKind.DRIFT, START_MS, "ETH/USDT:USDT") is not None
    requests.finish(first, "run", [], START_MS + 2)
    assert ask(TriggerKind.DRIFT, START_MS + 23 * hour) is None
    assert ask(TriggerKind.OPERATOR, START_MS + 23 * hour) is not None
    open_one = next(r for r in requests.open() if r.symbol == SYMBOL)
    requests.finish(open_one.request_id, "run", [], START_MS + 24 * hour)
    assert ask(TriggerKind.DRIFT, START_MS + 25 * hour) is not None


def test_an_open_request_becomes_one_run_of_its_symbol(brain: Brain, look: Callable) -> None:
    number = RetrainingRepository(brain).request("sim", BTC, Trigger(TriggerKind.OPERATOR, "new fees", "ada", START_MS))
    for _ in range(2):
        (run,), _ = look(requested_trainings)
        assert (run.run_key, run.partition_key) == (f"retraining-{number}", symbol_key(BTC))
        assert run.tags[REQUEST_TAG] == str(number)


def test_a_training_that_failed_frees_its_symbol(brain: Brain, instance: dg.DagsterInstance, point_at: Callable) -> None:
    point_at("http://127.0.0.1:9")
    requests = RetrainingRepository(brain)
    number = requests.request("sim", BTC, Trigger(TriggerKind.OPERATOR, "new fees", "ada", START_MS))
    result = defs.resolve_job_def("training_job").execute_in_process(
        instance=instance, raise_on_error=False, partition_key=symbol_key(BTC), tags={REQUEST_TAG: str(number)}
    )
    assert not result.success
    failed_trainings(dg.build_run_status_sensor_context(
        sensor_name="failed_trainings", dagster_instance=instance, dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(), resources={"platform": Platform()},
    ).for_run_failure())
    assert requests.open() == []
    assert requests.request("sim", BTC, Trigger(TriggerKind.OPERATOR, "again", "ada", START_MS)) is not None


def test_a_training_that_a_person_ended_frees_its_symbol(brain: Brain, instance: dg.DagsterInstance, point_at: Callable) -> None:
    point_at("http://127.0.0.1:9")
    requests = RetrainingRepository(brain)
    number = requests.request("sim", BTC, Trigger(TriggerKind.OPERATOR, "new fees", "ada", START_MS))
    run = instance.create_run_for_job(defs.resolve_job_def("training_job"), tags={REQUEST_TAG: str(number)})
    event = instance.report_run_canceled(run)
    cancelled_trainings(dg.build_run_status_sensor_context(
        sensor_name="cancelled_trainings", dagster_instance=instance, dagster_run=run, dagster_event=event,
        resources={"platform": Platform()},
    ))
    assert requests.open() == []
    assert requests.request("sim", BTC, Trigger(TriggerKind.OPERATOR, "again", "ada", START_MS)) is not None


@pytest.mark.slow
def test_new_days_ask_for_a_training_and_the_version_names_its_trigger(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable, launch: Launch
) -> None:
    with running_venue(days=24, symbols=BTC) as url:
        point_at(url, BTC, HURACAN_FEATURES__PROFILE="short_history", HURACAN_TRAINING__WALK_FORWARD_TRAIN_DAYS="10",
                 HURACAN_TRAINING__WALK_FORWARD_TEST_DAYS="2", HURACAN_TRAINING__NEW_DAYS="4")
        requests, registry, venue = RetrainingRepository(brain), Platform().registry(brain), Platform().market().venue

        def days(first: str, last: str) -> None:
            assert launch("market_data_job", first, last).success
            assert launch("feature_job", first, last).success

        def ask() -> None:
            with dg.build_sensor_context(instance=instance, resources={"platform": Platform()}) as context:
                new_feature_days(context)

        days("2025-01-01", "2025-01-18")
        ask()
        assert requests.open() == []  # no version yet: nothing to renew
        assert launch("training_job", symbol_key(BTC)).success
        assert {c.manifest["trigger"]["kind"] for c in registry.cards(venue=venue)} == {"operator"}
        days("2025-01-19", "2025-01-21")
        ask()
        assert requests.open() == []
        days("2025-01-22", "2025-01-22")
        ask()
        ask()
        request, = requests.open()
        assert request.trigger.reason == f"4 feature days since the newest data set of {BTC}"

        result = defs.resolve_job_def("training_job").execute_in_process(
            instance=instance, partition_key=symbol_key(BTC), tags={REQUEST_TAG: str(request.request_id)}
        )
        assert result.success
        assert requests.open() == []
        newest = registry.newest(venue, BTC, "linear")
        assert newest is not None
        assert newest.version == 2
        assert newest.manifest["trigger"] == {
            "kind": "new_data", "reason": request.trigger.reason, "by": "new_feature_days",
            "requested_ms": request.trigger.requested_ms, "request_id": request.request_id,
        }
        measured = launch("drift_job", symbol_key(BTC))
        assert measured.success, measured.errors
        assert measured.metadata["model_drift"]["dagster/row_count"] == 0  # no day has come in since


def test_a_planted_shift_of_one_column_is_critical_and_of_no_other() -> None:
    rng = np.random.default_rng(3)
    reference, live = rng.normal(size=(8_000, 3)), rng.normal(size=(2_900, 3))
    live[:, 1] = live[:, 1] * 2.5
    found = measure_drift(("a", "b", "c"), reference, live, DriftThresholds(0.1, 0.2, 500, 100, 96, 4), rng)
    assert {d.column for d in found if d.level is DriftLevel.CRITICAL} == {"b"}

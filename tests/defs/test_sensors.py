"""The sensor and the schedules: one command per new authorisation, and the market clock's day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.brain.execution.sessions import CommandRepository, SessionRepository, SwitchRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.journal import CommandKind, SessionCommand, SessionRecord
from huracan_platform.definitions import defs
from huracan_platform.defs.data.automation import hourly_market_data
from huracan_platform.defs.execution.automation import paper_session_job
from huracan_platform.defs.execution.sensors import hand_off_authorised_models, keep_session
from huracan_platform.defs.features.automation import daily_features, daily_positioning
from huracan_platform.defs.house import DAYS, SYMBOLS
from huracan_platform.defs.judging.automation import daily_training
from huracan_platform.defs.resources import Platform
from huracan_platform.learning.models.manifest import DatasetSpec, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import train_model
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings
from tests.learning.frames import START_MS, SYMBOL, synthetic_frame
from tests.venue_process import running_venue

NOW = ManualClock(START_MS + 30 * 86_400_000)


@pytest.fixture
def model_id(brain: Brain, settings: Settings) -> str:
    """A registered model."""
    frame = synthetic_frame(days=20, strength=0.8)
    spec = DatasetSpec("sim2-s7", SYMBOL, START_MS, START_MS + 20 * 86_400_000, NOW.market_ms(), NOW.wire_ms())
    model = train_model(frame, "linear", settings)
    manifest = build_manifest(model, frame, spec, settings, Provenance("0.1.0", None, None, None, {}))
    return registry(brain, settings).register(model.fitted, manifest, NOW, by="test").model_id


def registry(brain: Brain, settings: Settings) -> Registry:
    return Registry(brain, str(settings.home / "artefacts"))


def taken(brain: Brain) -> list[SessionCommand]:
    """Take the open commands, as a session does."""
    commands = CommandRepository(brain)
    found = commands.claim(1)
    for command in found:
        commands.applied(command.command_id, "test")
    return found


def look(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """Evaluate the sensor once; returns its cursor afterwards."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"platform": Platform()}) as context:
        told = hand_off_authorised_models(context)
        assert isinstance(told, dg.SkipReason)
        return context.cursor


def test_each_new_authorisation_becomes_one_command_and_the_cursor_moves(
    brain: Brain, settings: Settings, model_id: str, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    point_at("http://127.0.0.1:9")
    models = registry(brain, settings)
    assert look(instance, None) is None
    assert taken(brain) == []

    models.authorise(model_id, "paper", 30, NOW, by="test", reason="first")
    models.authorise(model_id, "shadow", 30, NOW, by="test", reason="not for the paper session")
    first = look(instance, None)
    (command,) = taken(brain)
    assert (command.kind, command.payload) == (CommandKind.MODEL_AUTHORISED, {"model_id": model_id})

    assert look(instance, first) == first
    assert taken(brain) == []
    models.authorise(model_id, "paper", 30, NOW, by="test", reason="again")
    assert int(look(instance, first) or 0) > int(first or 0)
    assert len(taken(brain)) == 1


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """A paused market at 2025-01-03 00:00 UTC."""
    with running_venue(days=2, symbols="BTC/USDT:USDT") as url:
        yield url


def requested(schedule: dg.ScheduleDefinition, instance: dg.DagsterInstance, **resources: object) -> list[str | None]:
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime(2026, 6, 1, 0, 5, tzinfo=UTC), resources=resources
    )
    return [request.partition_key for request in schedule(context)]


@pytest.mark.slow
def test_schedules_ask_for_the_markets_day_not_the_wall_clocks(venue: str, point_at: Callable, instance) -> None:
    point_at(venue)
    assert requested(hourly_market_data, instance, platform=Platform()) == ["2025-01-02", "2025-01-03"]
    for schedule in (daily_features, daily_positioning):
        assert requested(schedule, instance, platform=Platform()) == ["2025-01-01", "2025-01-02"]
    assert all(DAYS.has_partition_key(day) for day in ("2025-01-02", "2025-01-03"))


@pytest.mark.slow
def test_schedules_ask_for_no_day_before_the_first_partition(point_at: Callable, instance) -> None:
    with running_venue(days=1, symbols="BTC/USDT:USDT", start="2024-12-31") as url:
        point_at(url)
        assert requested(hourly_market_data, instance, platform=Platform()) == ["2025-01-01"]
        assert requested(daily_features, instance, platform=Platform()) == []


def test_training_is_asked_for_every_symbol(instance: dg.DagsterInstance) -> None:
    assert requested(daily_training, instance) == SYMBOLS.get_partition_keys()


def test_a_dead_sessions_run_is_closed_and_another_is_launched(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    point_at("http://127.0.0.1:9")
    switch, leases, sessions = SwitchRepository(brain), LeaseRepository(brain), SessionRepository(brain)

    def tick() -> object:
        with dg.build_sensor_context(instance=instance, resources={"platform": Platform()}) as context:
            return keep_session(context)

    assert isinstance(tick(), dg.SkipReason)
    switch.turn("paper", True, by="ada", reason="test", wire_ms=START_MS)
    assert isinstance(tick(), dg.RunRequest)

    job = defs.resolve_job_def(paper_session_job.name)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(), dg.SkipReason)  # it is starting
    lease = leases.acquire("executor|sim|a", "worker", 60.0)
    assert lease is not None
    sessions.start(SessionRecord("s1", "paper", "paper", "sim", "a", lease.epoch, "rev", "h", START_MS, run.run_id))
    assert isinstance(tick(), dg.SkipReason)  # it trades
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED

    leases.release(lease)  # as when it runs out
    assert isinstance(tick(), dg.RunRequest)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
    switch.turn("paper", False, by="ada", reason="enough", wire_ms=START_MS)
    assert isinstance(tick(), dg.SkipReason)

"""A failed check and a failed run become incidents through the real event log, and end when they are repaired."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.defs.operations.sensors import failed_checks, failed_runs, recovered_runs
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, Launch
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow
DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
# The last minute of an hour of the second day: its close is the hour's.
END_OF_HOUR_MS = 1_735_689_600_000 + (24 * 60 + 5 * 60 + 59) * 60_000


def look(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """Evaluate the sensor once; returns its cursor afterwards."""
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"platform": Platform()}) as context:
        assert isinstance(failed_checks(context), dg.SkipReason)
        return context.cursor


def loud(incidents: IncidentRepository) -> list[Incident]:
    """Open incidents that people are told of."""
    return [row.incident for row in incidents.open() if row.incident.severity is not IncidentSeverity.INFO]


def arm(url: str, **fault: object) -> None:
    request = urllib.request.Request(f"{url}/control/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()


def test_a_bad_day_is_one_incident_until_it_is_repaired(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable, launch: Launch
) -> None:
    incidents = IncidentRepository(brain)
    with running_venue(days=3, symbols=BTC) as url:
        point_at(url)
        cursor = look(instance, None)
        launch("market_data_job", DAYS[0])
        arm(url, kind="revised_candle", path="/fapi/v1/klines", count=1, candle_ms=END_OF_HOUR_MS)
        bad = launch("market_data_job", DAYS[1])
        assert bad.failed_checks()["consistency"] == "ERROR"
        cursor = look(instance, cursor)
        found, = loud(incidents)
        assert (found.kind, found.severity) == ("check_failed", IncidentSeverity.CRITICAL)
        assert (found.asset, found.partition, found.symbol, found.rule) == ("candles", DAYS[1], BTC, "consistency")
        assert all((found.observed, found.expected, found.first_bad, found.sample))
        assert found.trading_effect.startswith("features skip the day")
        assert "quarantine" in found.action_taken
        assert f"partition={DAYS[1]}" in found.links["day"]

        launch("market_data_job", DAYS[2])  # another day passes: nothing is over
        cursor = look(instance, cursor)
        assert loud(incidents) == [found]

        repaired = launch("market_data_job", DAYS[1])
        assert "consistency" not in repaired.failed_checks()
        look(instance, cursor)
        assert loud(incidents) == []
        assert next(r for r in incidents.recent(50) if r.resolved_at is not None).incident == found


def test_what_happened_before_the_sensor_first_ran_is_not_told(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable, launch: Launch
) -> None:
    with running_venue(days=3, symbols=BTC) as url:
        point_at(url)
        arm(url, kind="revised_candle", path="/fapi/v1/klines", count=1, candle_ms=END_OF_HOUR_MS)
        launch("market_data_job", DAYS[1])
        cursor = look(instance, None)
        look(instance, cursor)
        assert IncidentRepository(brain).open() == []


def test_a_failed_run_is_told_once_and_its_next_success_ends_it(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    works = False

    @dg.op
    def refine() -> None:
        if not works:
            raise ValueError("disk of 4 GB is full")

    @dg.job
    def refinery() -> None:
        refine()

    point_at("http://127.0.0.1:9")
    incidents = IncidentRepository(brain)
    for _ in range(2):
        result = refinery.execute_in_process(instance=instance, raise_on_error=False)
        event = result.get_run_failure_event()
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs", dagster_instance=instance, dagster_run=result.dagster_run, dagster_event=event,
            resources={"platform": Platform()},
        ).for_run_failure()
        failed_runs(context)
    row, = incidents.open()
    assert row.incident.title == "refinery failed: ValueError: disk of 4 GB is full"
    assert row.occurrences == 2

    works = True
    result = refinery.execute_in_process(instance=instance)
    recovered_runs(dg.build_run_status_sensor_context(
        sensor_name="recovered_runs", dagster_instance=instance, dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(), resources={"platform": Platform()},
    ))
    assert incidents.open() == []


def test_a_run_that_a_failed_check_explains_is_told_by_the_check_alone(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="ore", blocking=True)])
    def ore() -> dg.MaterializeResult:
        missing = dg.AssetCheckResult(check_name="whole", passed=False, description="3 t missing")
        return dg.MaterializeResult(check_results=[missing])

    point_at("http://127.0.0.1:9")
    cursor = look(instance, None)
    result = dg.materialize([ore, dg.asset(deps=[ore], name="metal")(lambda: None)], instance=instance, raise_on_error=False)
    assert not result.success
    failed_runs(dg.build_run_status_sensor_context(
        sensor_name="failed_runs", dagster_instance=instance, dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(), resources={"platform": Platform()},
    ).for_run_failure())
    look(instance, cursor)
    row, = IncidentRepository(brain).open()
    assert (row.incident.dedupe_key, row.incident.severity) == ("check|ore|whole|", IncidentSeverity.CRITICAL)
    assert row.incident.title == "ore: whole failed. 3 t missing"

"""Pruning Dagster's event log: talk of old runs goes, what a partition or a check is stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster import DagsterEventType, EventRecordsFilter

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.operations.run_log import RunLog

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01")


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("sound", asset="rows")])
def rows(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for line in range(20):
        context.log.info(f"line {line}")
    return dg.MaterializeResult(metadata={"rows": 7}, check_results=[dg.AssetCheckResult(passed=False, check_name="sound")])


@dg.asset
def broken(context: dg.AssetExecutionContext) -> None:
    raise ValueError("on purpose")


@pytest.fixture
def instance(brain: Brain, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """On the test's database, which stands in for Dagster's own."""
    storage = {"postgres": {"postgres_url": brain.dsn}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as instance:
        yield instance


def made_old(brain: Brain, run_id: str) -> None:
    with brain.connect() as connection:
        connection.execute("UPDATE event_logs SET timestamp = timestamp - interval '90 days' WHERE run_id = %s", (run_id,))


def test_before_dagster_ever_ran_there_is_nothing_to_prune(brain: Brain) -> None:
    log = RunLog(brain.dsn)
    assert log.size() is None
    assert log.prune(datetime.now(UTC)) == 0


@pytest.mark.slow
def test_talk_of_old_finished_runs_goes_and_results_stay(brain: Brain, instance: dg.DagsterInstance) -> None:
    old = dg.materialize([rows], instance=instance, partition_key="2025-01-03")
    new = dg.materialize([rows], instance=instance, partition_key="2025-01-04")
    failed = dg.materialize([broken], instance=instance, raise_on_error=False)
    made_old(brain, old.run_id)
    made_old(brain, failed.run_id)
    log, before = RunLog(brain.dsn), datetime.now(UTC) - timedelta(days=30)
    talk, events = log.talk(before), log.size().events
    assert talk > 25
    just_after = (before - timedelta(days=60) + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-9)))
    assert log.talk(just_after) == talk
    assert log.prune(before) == talk
    assert log.size().events == events - talk
    assert log.talk(before) == log.prune(before) == 0
    asset = dg.AssetKey("rows")
    assert instance.get_materialized_partitions(asset) == {"2025-01-03", "2025-01-04"}
    made = instance.get_event_records(EventRecordsFilter(DagsterEventType.ASSET_MATERIALIZATION, asset_key=asset))
    assert [record.asset_materialization.metadata["rows"].value for record in made] == [7, 7]
    checks = instance.get_event_records(EventRecordsFilter(DagsterEventType.ASSET_CHECK_EVALUATION))
    assert len(checks) == 2
    lines = {run: sum(e.level == 20 for e in instance.all_logs(run)) for run in (old.run_id, new.run_id)}
    assert lines[old.run_id] == 0
    assert lines[new.run_id] >= 20
    (why,) = instance.all_logs(failed.run_id, of_type=DagsterEventType.STEP_FAILURE)
    assert "on purpose" in str(why.dagster_event.step_failure_data.error)
    assert instance.get_run_by_id(old.run_id).status is dg.DagsterRunStatus.SUCCESS


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_log_however_old(brain: Brain, instance: dg.DagsterInstance) -> None:
    done = dg.materialize([rows], instance=instance, partition_key="2025-01-03")
    made_old(brain, done.run_id)
    with psycopg.connect(brain.dsn) as connection:
        connection.execute("UPDATE runs SET status = 'STARTED' WHERE run_id = %s", (done.run_id,))
    assert RunLog(brain.dsn).prune(datetime.now(UTC) - timedelta(days=30)) == 0

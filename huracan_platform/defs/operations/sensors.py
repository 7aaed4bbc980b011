"""Failed checks and failed runs become incidents, and end when what failed is well again.

A failed check that does not block leaves its run green, and one that blocks fails it too: both sensors are needed, and a run that
failed by its checks is told through these alone.
"""

import dagster as dg
from dagster import DagsterEventType, EventRecordsFilter
from dagster_shared.error import SerializableErrorInfo

from huracan_platform.brain.roles import Role
from huracan_platform.defs.automatic import sensor
from huracan_platform.defs.house import partition_of
from huracan_platform.defs.lost_runs import LOST, is_lost
from huracan_platform.defs.queue import SESSION_TAG
from huracan_platform.defs.resources import Platform
from huracan_platform.operations.check_incidents import (
    BY_PARTITION,
    FAILURES,
    LOUDNESS,
    CheckOutcome,
    CheckWatch,
    interruption_key,
    run_incident,
    run_key,
)

EVENTS_AT_ONCE = 1_000


@sensor(minimum_interval_seconds=15)
def failed_checks(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Open and close incidents of checks; the cursor is the last evaluation's place in the event log.

    Evaluations read twice are harmless: an open incident is counted, not opened again. What was evaluated before the
    sensor first ran is not told.
    """
    from huracan_platform.clock import SystemClock, to_datetime

    newest = EventRecordsFilter(DagsterEventType.ASSET_CHECK_EVALUATION)
    if context.cursor is None:
        last = context.instance.get_event_records(newest, limit=1)
        context.update_cursor(str(last[0].storage_id if last else 0))
        return dg.SkipReason("begins here")
    after = EventRecordsFilter(DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=int(context.cursor))
    records = context.instance.get_event_records(after, limit=EVENTS_AT_ONCE, ascending=True)
    watch = CheckWatch(platform.brain(Role.DAGSTER), platform.ui_url())
    opened = watch.take(outcome for record in records for outcome in outcomes_of(record))
    closed = watch.close_repaired(to_datetime(SystemClock().wire_ms()))
    if records:
        context.update_cursor(str(records[-1].storage_id))
    return dg.SkipReason(f"{len(records)} evaluations: {opened} incidents opened, {closed} closed")


def outcome_of(record: dg.EventLogRecord) -> CheckOutcome:
    """An evaluation in the event log as plain values."""
    event = record.event_log_entry.dagster_event
    assert event is not None  # asked for by its type
    found = event.asset_check_evaluation_data
    failures = found.metadata[FAILURES].value if FAILURES in found.metadata else None
    loudness = found.metadata[LOUDNESS].value if LOUDNESS in found.metadata else ""
    return CheckOutcome(
        found.asset_key.to_user_string(), found.check_name, found.passed,
        bool(found.blocking) and found.severity is dg.AssetCheckSeverity.ERROR, found.description or "", found.partition or "",
        record.run_id, int(record.timestamp * 1000), str(loudness), failures,  # type: ignore[arg-type]
    )


def outcomes_of(record: dg.EventLogRecord) -> list[CheckOutcome]:
    """The same, one for each partition where the check told them apart."""
    whole, event = outcome_of(record), record.event_log_entry.dagster_event
    assert event is not None  # asked for by its type
    metadata = event.asset_check_evaluation_data.metadata
    told = metadata[BY_PARTITION].value if BY_PARTITION in metadata else {}
    return whole.by_partition(told) or [whole]  # type: ignore[arg-type]


@sensor(dg.run_failure_sensor, minimum_interval_seconds=15)
def failed_runs(context: dg.RunFailureSensorContext, platform: Platform) -> None:
    """Open an incident for a failed run that no failed check explains."""
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.clock import SystemClock, to_datetime

    run = context.dagster_run
    records = context.instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    if any(outcome.blocking and not outcome.passed for outcome in map(outcome_of, records)):
        return
    errors = [e.event_specific_data.error for e in context.get_step_failure_events()]  # type: ignore[union-attr]
    causes = [_root(e).message.strip() for e in errors if e is not None] or [context.failure_event.message or "no step says why"]
    incident = run_incident(run.job_name, partition_of(run.tags), run.run_id, "; ".join(causes), platform.ui_url())
    IncidentRepository(platform.brain(Role.DAGSTER)).open_incident(to_datetime(SystemClock().wire_ms()), incident)


@sensor(dg.run_status_sensor, run_status=dg.DagsterRunStatus.SUCCESS, minimum_interval_seconds=15)
def recovered_runs(context: dg.RunStatusSensorContext, platform: Platform) -> None:
    """Close the incidents of a job whose run for the same partitions succeeds."""
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.clock import SystemClock, to_datetime

    run, at = context.dagster_run, to_datetime(SystemClock().wire_ms())
    of = (run.job_name, partition_of(run.tags))
    IncidentRepository(platform.brain(Role.DAGSTER)).resolve(at, [run_key(*of), interruption_key(*of)])


@sensor(minimum_interval_seconds=30)
def close_lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail runs whose process is gone: they are told then, and leave their places in the queue. Sessions are `keep_session`'s.

    One that had been asked to end did so, if not in order: it is canceled.
    """
    under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    runs = [run for run in context.instance.get_runs(under_way) if SESSION_TAG not in run.tags]
    lost = [run for run in runs if is_lost(context.instance, run)]
    for run in lost:
        asked = run.status is dg.DagsterRunStatus.CANCELING
        report = context.instance.report_run_canceled if asked else context.instance.report_run_failed
        report(run, f"run {run.run_id}: {LOST}")
    return dg.SkipReason(f"{len(runs)} runs under way, {len(lost)} of them lost")


def _root(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """The error at the bottom: what the step itself raised."""
    while error.cause is not None:
        error = error.cause
    return error

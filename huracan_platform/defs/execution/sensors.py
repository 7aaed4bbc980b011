"""Feeds the executor, and keeps it alive: what was authorised becomes a command, and a dead session is followed by another."""

import dagster as dg

from huracan_platform.clock import SystemClock
from huracan_platform.defs.execution.automation import paper_session_job
from huracan_platform.defs.resources import Platform
from huracan_platform.operations.keep_session import SessionRun

RUNS_LOOKED_AT = 10


@dg.sensor(minimum_interval_seconds=15, default_status=dg.DefaultSensorStatus.RUNNING)
def hand_off_authorised_models(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SkipReason:
    """Put one `model_authorised` command per new paper authorisation; the cursor is the last authorisation's id.

    A command put twice (the process died between writing and moving the cursor) is harmless: the session appoints the
    same version again.
    """
    from huracan_platform.brain.authorisations import AuthorisationRepository
    from huracan_platform.brain.sessions import CommandRepository
    from huracan_platform.contracts.journal import CommandKind

    brain = platform.brain()
    found = AuthorisationRepository(brain).since(int(context.cursor or 0), platform.settings().execution.gateway)
    for authorisation_id, model_id in found:
        CommandRepository(brain).put(CommandKind.MODEL_AUTHORISED, {"model_id": model_id}, "hand_off_authorised_models")
        context.update_cursor(str(authorisation_id))
    return dg.SkipReason(f"handed over: {', '.join(m for _, m in found)}" if found else "no new authorisation")


@dg.sensor(job=paper_session_job, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def keep_session(context: dg.SensorEvaluationContext, platform: Platform) -> dg.RunRequest | dg.SkipReason:
    """Relaunch the session that is wanted when no lease is held, after closing the runs of dead ones.

    A stale run would count against the limit of one session for ever. The cursor is not needed: leases, sessions and runs are.
    """
    from huracan_platform.brain.leases import LeaseRepository
    from huracan_platform.brain.sessions import SessionRepository, SwitchRepository
    from huracan_platform.operations.keep_session import plan_session

    brain, gateway = platform.brain(), platform.settings().execution.gateway
    records = context.instance.get_run_records(dg.RunsFilter(job_name=paper_session_job.name), limit=RUNS_LOOKED_AT)
    sessions = SessionRepository(brain).of_runs([r.dagster_run.run_id for r in records])
    runs = [_seen(record, sessions) for record in records]
    plan = plan_session(SwitchRepository(brain).wanted(gateway), len(LeaseRepository(brain).running()), runs)
    for record in records:
        if record.dagster_run.run_id in plan.close:
            context.instance.report_run_failed(record.dagster_run, f"{record.dagster_run.run_id}: its session's lease ran out")
    return dg.RunRequest() if plan.launch else dg.SkipReason(plan.reason)


def _seen(record: dg.RunRecord, sessions: dict[str, bool]) -> SessionRun:
    run, now = record.dagster_run, SystemClock().wire_ms() / 1000
    alive = not run.is_finished
    return SessionRun(
        run.run_id, alive, run.status is dg.DagsterRunStatus.FAILURE, now - record.create_timestamp.timestamp(),
        None if alive or record.end_time is None else now - record.end_time, sessions.get(run.run_id),
    )

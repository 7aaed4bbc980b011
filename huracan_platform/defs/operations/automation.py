"""What evaluates the assets' automation conditions, and what keeps Dagster's own log from growing for ever."""

import dagster as dg

from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.resources import Platform

# Dagster's own sensor of this name is off until someone switches it on.
follow_up = dg.AutomationConditionSensorDefinition(
    "default_automation_condition_sensor",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Starts what the conditions of assets ask for: repaired days, judgements of new versions, contract terms daily",
)


@dg.op(description="Delete what finished runs said longer ago than the settings keep it; results of runs stay.")
def forget_old_talk(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Log lines and step events; never materialisations or checks."""
    from datetime import timedelta

    from huracan_platform.brain.connection import ensure_server
    from huracan_platform.brain.operations.run_log import RunLog
    from huracan_platform.clock import SystemClock, to_datetime

    settings = platform.settings()
    before = to_datetime(SystemClock().wire_ms()) - timedelta(days=settings.retention.run_log_days)
    gone = RunLog(ensure_server(settings).dagster_dsn).prune(before)
    context.log.info(f"{gone:,} events of runs older than {settings.retention.run_log_days} days deleted")
    context.add_output_metadata({"deleted_events": gone})


@dg.job(description="Prune Dagster's event log")
def run_log_job() -> None:
    """One op."""
    forget_old_talk()


@schedule(job=run_log_job, cron_schedule="40 3 * * *")
def nightly_run_log() -> dg.RunRequest:
    """Prune Dagster's event log by the wall's clock, at night."""
    return dg.RunRequest()

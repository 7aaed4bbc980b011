"""Jobs and schedules of models and verdicts."""

import dagster as dg

from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.house import SYMBOLS
from huracan_platform.defs.judging.assets import feature_importance, gate_verdicts, model_drift, shadow_returns
from huracan_platform.defs.learning.assets import trained_models

training_job = dg.define_asset_job(
    "training_job",
    selection=[trained_models, feature_importance, gate_verdicts],
    partitions_def=SYMBOLS,
    description="Train, rank and judge every architecture, a partition per symbol",
)


drift_job = dg.define_asset_job(
    "drift_job",
    selection=[model_drift],
    partitions_def=SYMBOLS,
    description="Live rows against the training rows of every version in use",
)


@schedule(job=drift_job, cron_schedule="20 * * * *")
def hourly_drift(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Drift of each symbol every hour, after the bars of the hour before."""
    hour = context.scheduled_execution_time
    return [dg.RunRequest(run_key=f"{hour:%Y-%m-%dT%H}-{key}", partition_key=key) for key in SYMBOLS.get_partition_keys()]


shadow_job = dg.define_asset_job(
    "shadow_job",
    selection=[shadow_returns],
    partitions_def=SYMBOLS,
    description="What the version in charge and those before it would have earned since their training",
)


@schedule(job=shadow_job, cron_schedule="25 * * * *")
def hourly_shadow(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Shadow returns of each symbol every hour: feature days come in once a day, and a late one soon shows."""
    hour = context.scheduled_execution_time
    return [dg.RunRequest(run_key=f"{hour:%Y-%m-%dT%H}-{key}", partition_key=key) for key in SYMBOLS.get_partition_keys()]


@schedule(job=training_job, cron_schedule="40 0 * * *")
def daily_training(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """A new candidate per symbol and architecture every day, after the features of the day before."""
    day = context.scheduled_execution_time.date()
    return [dg.RunRequest(run_key=f"{day}-{key}", partition_key=key) for key in SYMBOLS.get_partition_keys()]

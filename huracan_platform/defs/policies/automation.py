"""The job and the schedule of risk policies."""

import dagster as dg

from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.house import SYMBOLS
from huracan_platform.defs.policies.assets import rl_policies

policy_job = dg.define_asset_job(
    "policy_job",
    selection=[rl_policies],
    partitions_def=SYMBOLS,
    description="Train and judge a risk policy, a partition per symbol",
)


@schedule(job=policy_job, cron_schedule="20 2 * * 0")
def weekly_policies(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """A policy per symbol every Sunday, after the training of that day."""
    day = context.scheduled_execution_time.date()
    return [dg.RunRequest(run_key=f"{day}-{key}", partition_key=key) for key in SYMBOLS.get_partition_keys()]

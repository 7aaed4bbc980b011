"""Jobs and schedules of the care of market data."""

import dagster as dg

from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.data.quality.assets import data_inventory, data_repair, data_summary

repair_job = dg.define_asset_job(
    "repair_job", selection=[data_repair, data_inventory], description="Fetch bad days again, then count what is missing"
)
summary_job = dg.define_asset_job(
    "summary_job", selection=[data_summary], description="Tell what is wrong with the data and what to do about it"
)


@schedule(job=repair_job, cron_schedule="22 0 * * *")
def nightly_repair(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Fetch bad days of the last weeks again, then compare what must be there with what is."""
    return dg.RunRequest()


@schedule(job=summary_job, cron_schedule="30 0 * * *")
def daily_summary(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Tell what is wrong with the data of the market's yesterday, and what to do about it."""
    return dg.RunRequest()

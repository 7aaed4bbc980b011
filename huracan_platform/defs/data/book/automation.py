"""Jobs and schedules of trades and books."""

import dagster as dg

from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.data.automation import days_so_far
from huracan_platform.defs.data.book.assets import book, trades
from huracan_platform.defs.house import DAYS
from huracan_platform.defs.resources import Platform

microstructure_job = dg.define_asset_job(
    "microstructure_job",
    selection=[trades, book],
    partitions_def=DAYS,
    description="Check days of trades and books that were recorded per second",
)


@schedule(job=microstructure_job, cron_schedule="16 * * * *")
def hourly_microstructure(context: dg.ScheduleEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """Check trades and books of the market's day so far, some minutes after its prices."""
    return days_so_far(platform)

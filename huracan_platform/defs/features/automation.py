"""Jobs and schedules of features."""

from datetime import timedelta

import dagster as dg

from huracan_platform.clock import to_datetime
from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.features.assets import features, positioning_features
from huracan_platform.defs.house import DAYS, FIRST_DAY
from huracan_platform.defs.resources import Platform

feature_job = dg.define_asset_job("feature_job", selection=[features], partitions_def=DAYS, description="Build feature days")
positioning_job = dg.define_asset_job(
    "positioning_job",
    selection=[positioning_features],
    partitions_def=DAYS,
    description="Build days of what traders hold, pay, say and lose",
)


@schedule(job=feature_job, cron_schedule="20 0 * * *")
def daily_features(context: dg.ScheduleEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """Build features of the market's last two full days: the older once more, for a last bar that was not known in time."""
    return _last_full_days(platform)


@schedule(job=positioning_job, cron_schedule="25 0 * * *")
def daily_positioning(context: dg.ScheduleEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """Build positioning features of the market's last two full days: the older once more, for facts that were collected late."""
    return _last_full_days(platform)


def _last_full_days(platform: Platform) -> list[dg.RunRequest]:
    today = to_datetime(platform.market().clock().market_ms()).date()
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    return [dg.RunRequest(run_key=f"{day}-{today}", partition_key=day.isoformat()) for day in days if day >= FIRST_DAY]

"""Jobs and schedules of market data."""

from datetime import timedelta

import dagster as dg

from huracan_platform.clock import to_datetime
from huracan_platform.defs.automatic import schedule
from huracan_platform.defs.data.assets import (
    candles,
    funding_rates,
    instruments,
    liquidations,
    open_interest,
    sentiment,
)
from huracan_platform.defs.data.sources import source_assets
from huracan_platform.defs.house import DAYS, FIRST_DAY
from huracan_platform.defs.resources import Platform

instruments_job = dg.define_asset_job("instruments_job", selection=[instruments], description="Contract terms of the venue")
market_data_job = dg.define_asset_job(
    "market_data_job",
    selection=[candles, funding_rates],
    partitions_def=DAYS,
    description="Download and check days of market data",
)
market_facts_job = dg.define_asset_job(
    "market_facts_job",
    selection=[open_interest, liquidations, sentiment, *source_assets],
    partitions_def=DAYS,
    description="Collect and check days of what markets tell beside prices",
)


@schedule(job=market_data_job, cron_schedule="5 * * * *")
def hourly_market_data(context: dg.ScheduleEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """Download the market's day so far, and at its beginning the day before once more, so that a day is closed complete."""
    return days_so_far(platform)


@schedule(job=market_facts_job, cron_schedule="12 * * * *")
def hourly_market_facts(context: dg.ScheduleEvaluationContext, platform: Platform) -> list[dg.RunRequest]:
    """Collect what markets tell beside prices of the market's day so far, some minutes after its prices."""
    return days_so_far(platform)


def days_so_far(platform: Platform) -> list[dg.RunRequest]:
    """The market's day, and in its first hour the day before too."""
    now = to_datetime(platform.market().clock().market_ms())
    days = [now.date()] if now.hour else [now.date() - timedelta(days=1), now.date()]
    return [dg.RunRequest(run_key=f"{day}-{now:%Y%m%dT%H}", partition_key=day.isoformat()) for day in days if day >= FIRST_DAY]

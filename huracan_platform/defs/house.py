"""What every asset shares: groups in the order of the data's way, partitions, owners, the way a range of days is read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg
from pydantic import Field

from huracan_platform.settings import load_settings

# In the order in which a trade comes about: an edge of the graph never goes to an earlier group.
GROUPS = ("market_data", "features", "models", "gates", "policies", "execution")

OWNERS = ["team:huracan"]

_settings = load_settings()

FIRST_DAY = date.fromisoformat(_settings.first_day)
DAYS = dg.DailyPartitionsDefinition(
    start_date=_settings.first_day,
    end_date=None if _settings.last_day is None else str(date.fromisoformat(_settings.last_day) + timedelta(days=1)),
    end_offset=1 if _settings.last_day is None else 0,
)
SYMBOLS = dg.StaticPartitionsDefinition([s.replace("/", "-") for s in _settings.symbols])

# A run of many days costs milliseconds a day where a run per day costs seconds; 60 bounds what a retry repeats.
DAY_BACKFILL = dg.BackfillPolicy.multi_run(60)

_PARTITION_TAGS = ("dagster/partition", "dagster/asset_partition_range_start")

_CHECKED = dg.AutomationCondition.all_deps_blocking_checks_passed()

# A day that was attempted before and whose inputs came again: repaired or restated, of whatever age. Its first build is the
# schedule's: only that knows when the market's day is over, whereas `eager()` goes by the newest day of the wall's calendar.
REPAIRED = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.missing()
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
    & _CHECKED
).with_label("repaired")

# New versions, also those that a person trained by hand. Market data comes in every hour and is no reason to judge again.
TRAINED = (dg.AutomationCondition.eager().allow(dg.AssetSelection.assets("trained_models")) & _CHECKED).with_label("trained")

DAILY = dg.AutomationCondition.on_cron("1 0 * * *").with_label("daily")


class DayRunConfig(dg.Config):
    """Narrow a run to some symbols: their rows merge into the day, other symbols' rows stay."""

    symbols: list[str] = Field(default_factory=list)


def partition_of(tags: Mapping[str, str]) -> str:
    """The partition of a run, the first of a range, by the run's tags; empty where it has none."""
    return next((tags[name] for name in _PARTITION_TAGS if name in tags), "")


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The run's day partitions in order."""
    return [date.fromisoformat(key) for key in sorted(context.partition_keys)]


def symbol_of(key: str) -> str:
    """Unified symbol of a partition key (a key cannot hold a slash): `BTC-USDT:USDT` is `BTC/USDT:USDT`."""
    return key.replace("-", "/", 1)


def symbol_key(symbol: str) -> str:
    """Partition key of a unified symbol."""
    return symbol.replace("/", "-", 1)


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG as metadata that the UI draws."""
    return dg.MetadataValue.md(f"![](data:image/png;base64,{base64.b64encode(png).decode()})")

"""What the assets that care for market data read: books of days, failed partitions, the reliability of sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, days_between, to_datetime
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.defs.house import DAYS
from huracan_platform.operations.check_incidents import DATASETS

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.data.market_data.newest import NewestRow
    from huracan_platform.data.market_data.reliability import SourceWeek
    from huracan_platform.data.market_data.summary import DataSummary
    from huracan_platform.settings import Settings

# Assets by the name of their dataset where it is another.
BOOKS = {dataset: asset for asset, dataset in DATASETS.items()}


def books_of(brain: Brain, venue: str, settings: Settings, first: date, last: date) -> tuple[int, str]:
    """Number of symbol-days in the books from first to last, and a hash of how they stand."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.data.market_data.ingest import dataset_names

    books = [
        [dataset, day.symbol, str(day.day), day.state.value, day.content_hash]
        for dataset in dataset_names()
        for day in QualityRepository(brain).days(venue, dataset, settings.symbols, first, last)
    ]
    return len(books), hash_json(books)


def repaired_day(
    brain: Brain, venue: str, dataset: str, symbols: Sequence[str], day: date
) -> dict[str, str | int | dg.MarkdownMetadataValue]:
    """What a repaired day's materialisation tells, as that of a run does: it is what the asset's page shows from then on."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.data.market_data.heat_map import coverage_text

    books = QualityRepository(brain).days(venue, dataset, symbols, day, day)
    return {
        "dagster/row_count": sum(book.rows for book in books), "venue": venue,
        "states": ", ".join(f"{b.symbol} {b.state}" for b in books),
        "last_60_days": dg.MetadataValue.md(coverage_text(brain, venue, dataset, symbols, day)),
    }


def failed_partitions(
    instance: dg.DagsterInstance, assets: Sequence[dg.AssetsDefinition], first: date, last: date
) -> list[tuple[str, date]]:
    """(dataset, day) of the partitions from first to last whose newest run failed."""
    days = {str(day): day for day in days_between(first, last)}
    keys = [key for key in DAYS.get_partition_keys() if key in days]
    found = []
    for asset in assets:
        name = asset.key.to_user_string()
        statuses = instance.get_status_by_partition(asset.key, keys, DAYS) or {}
        failed = [days[key] for key, status in statuses.items() if status is AssetPartitionStatus.FAILED]
        found += [(DATASETS.get(name, name), day) for day in sorted(failed)]
    return found


def reliability_table(weeks: Sequence[SourceWeek]) -> str:
    """Markdown, newest week first."""
    head = "| week | source | dataset | days | good | coverage | lent | not fetched | failed checks | median delay |"
    rows = [
        f"| {w.week} | {w.source} | {w.dataset} | {w.days} | {w.good:.1%} | {w.coverage:.2%} | {w.lent:.2%} | {w.unfetched} | "
        f"{w.failed_checks} | {'' if w.median_delay_ms is None else f'{w.median_delay_ms} ms'} |"
        for w in weeks
    ]
    return "\n".join([head, "|---" * 10 + "|", *rows])


def summary_text(summary: DataSummary) -> str:
    """Markdown: the headline, a list of what is to be done and one of what needs nothing."""
    lists = [
        "\n".join([f"**{title}**", "", *(f"- {line}" for line in lines)])
        for title, lines in (("To do", summary.to_do), ("Noted", summary.noted)) if lines
    ]
    return "\n\n".join([summary.headline, *lists])


def newest_table(rows: Sequence[NewestRow], now_ms: int) -> str:
    """Markdown: how far the newest row of each series is behind the market's clock."""
    table = [f"| {r.dataset} | {r.symbol} | {to_datetime(r.ts_ms):%Y-%m-%d %H:%M:%S} | {_span(now_ms - r.ts_ms)} |" for r in rows]
    head = [f"market clock {to_datetime(now_ms):%Y-%m-%d %H:%M:%S} UTC", "", "| dataset | symbol | newest row | behind |"]
    return "\n".join([*head, "|---|---|---|---|", *table])


def _span(span_ms: int) -> str:
    """`2 d 03:04`; hours and minutes alone below a day."""
    days, rest = divmod(max(0, span_ms), DAY_MS)
    clock = f"{rest // HOUR_MS:02}:{rest % HOUR_MS // MINUTE_MS:02}"
    return f"{days} d {clock}" if days else clock

"""The care of market data: what is missing is filled again, what is left is counted, and what is to be done is told."""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.defs.data.assets import candles, funding_rates, liquidations, open_interest, sentiment
from huracan_platform.defs.data.book.assets import book, trades
from huracan_platform.defs.data.quality.books import (
    BOOKS,
    books_of,
    failed_partitions,
    newest_table,
    reliability_table,
    repaired_day,
    summary_text,
)
from huracan_platform.defs.data.sources import source_assets
from huracan_platform.defs.house import OWNERS, picture
from huracan_platform.defs.resources import Platform
from huracan_platform.defs.symbol_checks import warn_by_symbol
from huracan_platform.operations.data_incidents import REPAIR_CHECK, by_dataset

DAY_ASSETS: Sequence[dg.AssetsDefinition] = [candles, funding_rates, open_interest, sentiment, liquidations, *source_assets]
# No repair fetches what recorders write by the second; a run that failed to judge it is told all the same.
PARTITIONED: Sequence[dg.AssetsDefinition] = [*DAY_ASSETS, trades, book]
# A summary's incident is over when that of a later day is told, at the latest after so many days without one.
SUMMARIES_CLOSED = 7


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=DAY_ASSETS,
    check_specs=[dg.AssetCheckSpec(REPAIR_CHECK, asset="data_repair", description="Bad days of the last weeks are well again")],
    description="Days of the last weeks that were missing, holed, degraded, quarantined or unlike their books, fetched again.",
)
def data_repair(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Fetch bad days again and tell Dagster of those that changed, so that what is made of them follows."""
    from huracan_platform.data.market_data.ingest import dataset_names
    from huracan_platform.data.market_data.inventory import find_lacks, newest_full_day
    from huracan_platform.data.market_data.repair import repair

    settings, market, brain = platform.settings(), platform.market(), platform.brain(Role.INGEST)
    last = newest_full_day(market.clock().market_ms())
    first = last - timedelta(days=settings.repair.days - 1)
    done = repair(brain, market, settings, find_lacks(brain, market, settings, first, last))
    well = [one.finding for one in done if one.is_well]
    for dataset, day in sorted({(found.dataset, found.day) for found in well}):
        told = repaired_day(brain, market.venue, dataset, settings.symbols, day)
        asset = BOOKS.get(dataset, dataset)
        context.log_event(dg.AssetMaterialization(asset, partition=str(day), description="repaired", metadata=told))
    left = [(one.finding.dataset, str(one)) for one in done if not one.is_well]
    rows, content_hash = books_of(brain, market.venue, settings, first, last)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows, "content_hash": content_hash, "repaired": len(well), "left": len(left),
            "done": _listed([(one.finding.day, str(one)) for one in done], "nothing to repair"),
        },
        check_results=[warn_by_symbol(
            REPAIR_CHECK, {name: [text] if text else [] for name, text in by_dataset(left, dataset_names()).items()},
            f"{len(well)} symbol-days repaired, none left",
        )],
    )


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[data_repair],
    check_specs=[dg.AssetCheckSpec(
        "nothing_missing", asset="data_inventory", description="No failed or missing partition, no rows unknown to the books",
    )],
    description="Every day that must be there up to the market's yesterday, by the library's books and Dagster's partitions.",
)
def data_inventory(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Compare what must be there with the books, the rows and the partitions."""
    from huracan_platform.data.market_data.heat_map import coverage_picture
    from huracan_platform.data.market_data.ingest import all_dataset_names
    from huracan_platform.data.market_data.inventory import find_lacks, newest_full_day

    settings, market, brain = platform.settings(), platform.market(), platform.brain(Role.VIEWER)
    last = newest_full_day(market.clock().market_ms())
    first = last - timedelta(days=settings.repair.days - 1)
    lacks = find_lacks(brain, market, settings, first, last)
    failed = failed_partitions(context.instance, PARTITIONED, date.fromisoformat(settings.first_day), last)
    missing = [(found.dataset, str(found)) for found in lacks if found.lack.is_unnoticed]
    missing += [(dataset, f"{dataset} {day}: its last run failed") for dataset, day in failed]
    rows, content_hash = books_of(brain, market.venue, settings, first, last)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows, "content_hash": content_hash, "missing": len(missing),
            "not_good": _listed([(found.day, str(found)) for found in lacks], "no day needs a repair"),
            "coverage": picture(coverage_picture(brain, market.venue, all_dataset_names(), settings.symbols, last)),
        },
        check_results=[warn_by_symbol(
            "nothing_missing", {name: [text] if text else [] for name, text in by_dataset(missing, all_dataset_names()).items()},
            f"all days up to {last} are there",
        )],
    )


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[data_inventory],
    check_specs=[dg.AssetCheckSpec("nothing_to_do", asset="data_summary", description="No sentence asks a person to act")],
    description="What is wrong with the data and what to do about it, in sentences; how reliable each source was, week by week.",
)
def data_summary(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Write the summary of the market's yesterday, store it and tell it where something is to be done."""
    from huracan_platform.brain.facts.summaries import SummaryRepository
    from huracan_platform.data.market_data.inventory import newest_full_day
    from huracan_platform.data.market_data.newest import newest_rows
    from huracan_platform.data.market_data.reliability import reliability
    from huracan_platform.data.market_data.summary import data_summary as summary_of

    settings, market, brain = platform.settings(), platform.market(), platform.brain(Role.INGEST)
    clock = market.clock()
    last = newest_full_day(clock.market_ms())
    summary = summary_of(brain, venue=market.venue)
    SummaryRepository(brain).save(market.venue, last, summary.lines, clock.wire_ms())
    rows, content_hash = books_of(brain, market.venue, settings, last - timedelta(days=settings.repair.days - 1), last)
    earlier = {str(last - timedelta(days=k)): list[str]() for k in range(SUMMARIES_CLOSED, 0, -1)}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows, "content_hash": content_hash, "day": str(last), "to_do": len(summary.to_do),
            "noted": len(summary.noted), "summary": dg.MetadataValue.md(summary_text(summary)),
            "newest_rows": dg.MetadataValue.md(newest_table(newest_rows(brain, market, settings), clock.market_ms())),
            "reliability": dg.MetadataValue.md(reliability_table(reliability(brain))),
        },
        check_results=[warn_by_symbol(
            "nothing_to_do", {**earlier, str(last): [summary.message] if summary.to_do else []}, f"{last}: {summary.headline}",
            loudness="warning" if summary.errors else "info",
        )],
    )


def _listed(told: Sequence[tuple[date, str]], otherwise: str) -> dg.MarkdownMetadataValue:
    """A line per run of days of which the same is told."""
    from huracan_platform.data.market_data.day_runs import by_days

    return dg.MetadataValue.md("\n".join(f"- {line}" for line in by_days(told)) or otherwise)

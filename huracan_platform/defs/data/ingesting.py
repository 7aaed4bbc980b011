"""How an asset of market data takes its days in, and what it tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.quality import DayReport, DayState
from huracan_platform.data.market_data.report import IngestReport, coverage_of
from huracan_platform.defs.console import progress_of
from huracan_platform.defs.data import checks
from huracan_platform.defs.house import DAY_BACKFILL, DAYS, OWNERS, DayRunConfig, days_of
from huracan_platform.defs.resources import Platform

MOST_WHYS = 6  # of a partition; the rest is counted


def day_asset(
    *, deps: Iterable[Any], description: str, kinds: Iterable[str] = ("python", "postgres"), name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """An asset of market data, a partition per UTC day, with the contract and the six checks; its function's name, or `name`."""

    def of(function: Callable[..., dg.MaterializeResult]) -> dg.AssetsDefinition:
        called = name or function.__name__
        return dg.asset(
            name=called, group_name="market_data", owners=OWNERS, kinds=set(kinds), deps=deps, partitions_def=DAYS,
            backfill_policy=DAY_BACKFILL, check_specs=checks.specs(called), description=description, metadata=metadata,
        )(function)

    return of


def ingested(
    context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig, asset: str, ingest: Callable[..., IngestReport]
) -> dg.MaterializeResult:
    """Download, check and store the run's days."""
    settings, days = platform.settings(), days_of(context)
    progress = progress_of(context, "symbol-days")
    symbols = config.symbols or settings.symbols
    report = ingest(platform.brain(Role.INGEST), platform.market(), symbols, days[0], days[-1], settings, progress)
    for day in days:
        of_day = report.of_day(day)
        context.add_asset_metadata({**_of_day(of_day), "hash": report.day_hash(day)}, partition_key=day.isoformat())
    changes = f"{report.inserted:,} new, {report.revised:,} revised, {report.unchanged:,} unchanged"
    context.log.info(f"{report.rows:,} rows of {report.venue}: {changes}")
    return dg.MaterializeResult(
        metadata={
            "last_60_days": _last_days(platform, report, symbols),
            "venue": report.venue,
            "revised": report.revised,
            "content_hash": report.content_hash,
        },
        check_results=checks.results(asset, report),
        data_version=dg.DataVersion(report.content_hash) if len(days) == 1 else None,
    )


def _of_day(of_day: Sequence[DayReport]) -> dict[str, int | float | str]:
    """What a partition's page tells of its own day: where its symbols stand, and why where there is something to say."""
    whys = [why for day in of_day for why in day.reasons]
    more = [f"and {len(whys) - MOST_WHYS} more: huracan data summary"] if len(whys) > MOST_WHYS else []
    return {
        "dagster/row_count": sum(day.rows for day in of_day),
        "coverage": coverage_of(of_day),
        "states": ", ".join(f"{day.symbol} {day.state}" for day in of_day),
        "quarantined_symbols": sum(day.state is DayState.QUARANTINED for day in of_day),
        "unavailable_symbols": sum(day.state is DayState.UNAVAILABLE for day in of_day),
        **({"why": "; ".join([*whys[:MOST_WHYS], *more])} if whys else {}),
    }


def _last_days(platform: Platform, report: IngestReport, symbols: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Where the dataset's newest days stand by now."""
    from huracan_platform.clock import day_of
    from huracan_platform.data.market_data.heat_map import coverage_text

    today = day_of(platform.market().clock().market_ms())
    return dg.MetadataValue.md(coverage_text(platform.brain(Role.INGEST), report.venue, report.dataset, symbols, today))


def with_others(
    result: dg.MaterializeResult, context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig, dataset: str
) -> dg.MaterializeResult:
    """Then the days of the alternative venues, each under its own name, where the settings want the dataset of them."""
    from huracan_platform.data.market_data.other_venues import ingest_others

    settings, days = platform.settings(), days_of(context)
    brain, symbols = platform.brain(Role.INGEST), config.symbols or settings.symbols
    others = ingest_others(dataset, brain, platform.alternatives(), symbols, days[0], days[-1], settings)
    told = {f"alternative {name}": _told(outcome) for name, outcome in others.items()}
    return result._replace(metadata={**(result.metadata or {}), **told})


def _told(outcome: IngestReport | str) -> str:
    """What became of an alternative venue's rows, in a line."""
    if isinstance(outcome, str):
        return f"not fetched: {outcome}"
    states = ", ".join(f"{len(outcome.in_state(state))} {state}" for state in DayState if outcome.in_state(state))
    return f"{outcome.rows} rows as {outcome.venue}; symbol-days: {states or 'none'}"

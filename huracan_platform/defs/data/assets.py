"""Market data: from the venue to checked days in the library.

A day that fails its contract or a blocking check is quarantined with its rows; the other days of the run go on.
"""

from collections.abc import Callable

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.defs.console import progress_of
from huracan_platform.defs.data import checks
from huracan_platform.defs.house import DAILY, DAY_BACKFILL, DAYS, OWNERS, DayRunConfig, days_of
from huracan_platform.defs.resources import Platform


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    automation_condition=DAILY,
    description="Tick, lot and minimum sizes of every traded symbol as its venue states them; orders are rounded to these.",
)
def instruments(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Read the venue's contract terms into the library."""
    from huracan_platform.brain.facts.instruments import InstrumentRepository

    settings, market = platform.settings(), platform.market()
    found, clock = market.instruments(settings.symbols), market.clock()
    InstrumentRepository(platform.brain(Role.INGEST)).save(found, clock.wire_ms(), known_at_ms=clock.market_ms())
    rows = "\n".join(f"| {i.symbol} | {i.tick_size} | {i.lot_size} | {i.min_notional} |" for i in found)
    return dg.MaterializeResult(
        metadata={
            "venue": market.venue,
            "dagster/row_count": len(found),
            "content_hash": hash_json([repr(i) for i in found]),
            "terms": dg.MetadataValue.md(f"| symbol | tick | lot | min notional |\n|---|---|---|---|\n{rows}"),
        }
    )


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "ccxt", "postgres"},
    deps=[instruments],
    partitions_def=DAYS,
    backfill_policy=DAY_BACKFILL,
    check_specs=checks.specs("candles"),
    description="Closed 1-minute bars of every symbol, a partition per UTC day, versioned with event, known and recorded time.",
)
def candles(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days."""
    from huracan_platform.data.market_data.ingest import ingest_candles

    return _ingest(context, platform, config, "candles", ingest_candles)


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "ccxt", "postgres"},
    deps=[instruments],
    partitions_def=DAYS,
    backfill_policy=DAY_BACKFILL,
    check_specs=checks.specs("funding_rates"),
    description="Settled funding rates of every symbol as a fraction per interval, with the interval in hours, which may change.",
)
def funding_rates(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days; then, each under its own name, those of the alternative venues."""
    from huracan_platform.data.market_data.funding.other_venues import ingest_other_funding
    from huracan_platform.data.market_data.ingest import ingest_funding

    result = _ingest(context, platform, config, "funding_rates", ingest_funding)
    settings, days = platform.settings(), days_of(context)
    others = ingest_other_funding(
        platform.brain(Role.INGEST), platform.alternatives(), config.symbols or settings.symbols, days[0], days[-1], settings
    )
    told = {f"alternative {name}": _told(outcome) for name, outcome in others.items()}
    return result._replace(metadata={**(result.metadata or {}), **told})


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "ccxt", "postgres"},
    deps=[instruments],
    partitions_def=DAYS,
    backfill_policy=DAY_BACKFILL,
    check_specs=checks.specs("open_interest"),
    description="Open interest of every symbol each 5 minutes, in contracts and USD; of the past the venue keeps a month.",
)
def open_interest(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days, as far back as the venue keeps them."""
    from huracan_platform.data.market_data.ingest import ingest_open_interest

    return _ingest(context, platform, config, "open_interest", ingest_open_interest)


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[instruments],
    partitions_def=DAYS,
    backfill_policy=DAY_BACKFILL,
    check_specs=checks.specs("sentiment"),
    description="Scores of the texts that became known per symbol and 15 minutes; what no collector saw in time is a gap.",
)
def sentiment(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Put together, check and store what was collected on the run's days."""
    from huracan_platform.data.market_data.ingest import ingest_sentiment

    return _ingest(context, platform, config, "sentiment", ingest_sentiment)


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    deps=[instruments, candles],
    partitions_def=DAYS,
    backfill_policy=DAY_BACKFILL,
    check_specs=checks.specs("liquidations"),
    description="Forced closes per minute and side as the recorder heard them, with cascades and clusters; its gaps stay gaps.",
)
def liquidations(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Put together, label, check and store what was recorded on the run's days."""
    from huracan_platform.data.market_data.ingest import ingest_liquidations

    return _ingest(context, platform, config, "liquidations", ingest_liquidations)


def _told(outcome: IngestReport | str) -> str:
    """What became of an alternative venue's funding, in a line."""
    if isinstance(outcome, str):
        return f"not fetched: {outcome}"
    states = ", ".join(f"{len(outcome.in_state(state))} {state}" for state in DayState if outcome.in_state(state))
    return f"{outcome.rows} rows as {outcome.venue}; symbol-days: {states or 'none'}"


def _ingest(
    context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig, asset: str, ingest: Callable[..., IngestReport]
) -> dg.MaterializeResult:
    settings, days = platform.settings(), days_of(context)
    progress = progress_of(context, "symbol-days")
    symbols = config.symbols or settings.symbols
    report = ingest(platform.brain(Role.INGEST), platform.market(), symbols, days[0], days[-1], settings, progress)
    for day in days:
        of_day = report.of_day(day)
        context.add_asset_metadata(
            {
                "rows": sum(d.rows for d in of_day),
                "hash": report.day_hash(day),
                "states": ", ".join(f"{d.symbol} {d.state}" for d in of_day),
            },
            partition_key=day.isoformat(),
        )
    changes = f"{report.inserted:,} new, {report.revised:,} revised, {report.unchanged:,} unchanged"
    context.log.info(f"{report.rows:,} rows of {report.venue}: {changes}")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.rows,
            "coverage": report.coverage,
            "venue": report.venue,
            "revised": report.revised,
            "quarantined_symbol_days": len(report.in_state(DayState.QUARANTINED)),
            "unavailable_symbol_days": len(report.in_state(DayState.UNAVAILABLE)),
            "content_hash": report.content_hash,
        },
        check_results=checks.results(asset, report),
        data_version=dg.DataVersion(report.content_hash) if len(days) == 1 else None,
    )

"""Market data: from the venue to checked days in the library.

A day that fails its contract or a blocking check is quarantined with its rows; the other days of the run go on.
"""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.defs.data.ingesting import day_asset, ingested, with_others
from huracan_platform.defs.data.recorded.assets import liquidation_stream
from huracan_platform.defs.house import DAILY, OWNERS, DayRunConfig
from huracan_platform.defs.resources import Platform


@dg.asset(
    group_name="market_data",
    owners=OWNERS,
    kinds={"python", "postgres"},
    automation_condition=DAILY,
    description="What the venue lists and listed, with dates, and the tick, lot and minimum sizes that orders are rounded to.",
)
def instruments(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult:
    """Read the venue's catalogue into the library: every listing, and the terms of each contract."""
    from huracan_platform.data.market_data.universe import Universe, read_catalogue

    settings, market, brain = platform.settings(), platform.market(), platform.brain(Role.INGEST)
    changes = read_catalogue(brain, market)
    universe = Universe(brain, market.venue)
    # Refuses a symbol that the venue never traded; of what it dropped since, the terms that are known stay.
    found = market.instruments([symbol for symbol in settings.symbols if not universe.is_dropped(symbol)])
    rows = "\n".join(f"| {i.symbol} | {i.tick_size} | {i.lot_size} | {i.min_notional} |" for i in found)
    return dg.MaterializeResult(
        metadata={
            "venue": market.venue,
            "dagster/row_count": changes.listings,
            "content_hash": hash_json([repr(i) for i in found]),
            "new_listings": ", ".join(changes.added) or "none",
            "ended_listings": ", ".join(changes.ended) or "none",
            "terms": dg.MetadataValue.md(f"| symbol | tick | lot | min notional |\n|---|---|---|---|\n{rows}"),
        }
    )


@day_asset(
    deps=[instruments],
    kinds=("python", "ccxt", "postgres"),
    description="Closed 1-minute bars of every symbol, a partition per UTC day, versioned with event, known and recorded time.",
)
def candles(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days."""
    from huracan_platform.data.market_data.ingest import ingest_candles

    return ingested(context, platform, config, "candles", ingest_candles)


@day_asset(
    deps=[instruments],
    kinds=("python", "ccxt", "postgres"),
    description="Settled funding rates of every symbol as a fraction per interval, with the interval in hours, which may change.",
)
def funding_rates(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days; then, each under its own name, those of the alternative venues."""
    from huracan_platform.data.market_data.ingest import ingest_funding

    result = ingested(context, platform, config, "funding_rates", ingest_funding)
    return with_others(result, context, platform, config, "funding")


@day_asset(
    deps=[instruments],
    kinds=("python", "ccxt", "postgres"),
    description="Open interest of every symbol each 5 minutes, in contracts and USD; of the past the venue keeps a month.",
)
def open_interest(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Download, check and store the run's days, as far back as the venue keeps them; then those of the alternative venues."""
    from huracan_platform.data.market_data.ingest import ingest_open_interest

    result = ingested(context, platform, config, "open_interest", ingest_open_interest)
    return with_others(result, context, platform, config, "open_interest")


@day_asset(
    deps=[instruments],
    description="Scores of the texts that became known per symbol and 15 minutes; what no collector saw in time is a gap.",
)
def sentiment(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Put together, check and store what was collected on the run's days."""
    from huracan_platform.data.market_data.ingest import ingest_sentiment

    return ingested(context, platform, config, "sentiment", ingest_sentiment)


@day_asset(
    deps=[instruments, candles, liquidation_stream],
    description="Forced closes per minute and side as the recorder heard them, with cascades and clusters; its gaps stay gaps.",
)
def liquidations(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Put together, label, check and store what was recorded on the run's days, also at the alternative venues."""
    from huracan_platform.data.market_data.ingest import ingest_liquidations

    result = ingested(context, platform, config, "liquidations", ingest_liquidations)
    return with_others(result, context, platform, config, "liquidations")

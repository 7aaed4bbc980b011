"""Trades and books per second: what the recorder wrote, judged day by day."""

import dagster as dg

from huracan_platform.brain.roles import Role
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.defs.data.assets import candles, instruments
from huracan_platform.defs.data.ingesting import day_asset, ingested, with_others
from huracan_platform.defs.house import DayRunConfig, days_of, picture
from huracan_platform.defs.resources import Platform


@day_asset(
    deps=[instruments, candles],
    description="What aggressors bought and sold in each second, as the recorder heard it; held against the minutes' volume.",
)
def trades(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Check what was recorded on the run's days, also at the alternative venues where the settings want it."""
    from huracan_platform.data.market_data.microstructure.ingest import ingest_trades

    result = ingested(context, platform, config, "trades", ingest_trades)
    return with_others(result, context, platform, config, "trades")


@day_asset(
    deps=[instruments, candles],
    description="Best prices, depth and order-flow imbalance of each second, as the recorder heard them; gaps stay gaps.",
)
def book(context: dg.AssetExecutionContext, platform: Platform, config: DayRunConfig) -> dg.MaterializeResult:
    """Check what was recorded on the run's days, also at the alternative venues, and draw the last of them."""
    from huracan_platform.brain.facts.seconds import BookSecondRepository
    from huracan_platform.data.market_data.book.picture import spread_picture
    from huracan_platform.data.market_data.microstructure.ingest import ingest_book

    result = with_others(
        ingested(context, platform, config, "book", ingest_book), context, platform, config, "book"
    )
    last, symbols = days_of(context)[-1], config.symbols or platform.settings().symbols
    start = day_start_ms(last)
    found = BookSecondRepository(platform.brain(Role.INGEST)).read(platform.market().venue, list(symbols), start, start + DAY_MS)
    drawn = picture(spread_picture({symbol: rows for symbol, rows in found.items() if len(rows)}, f"Books of {last}"))
    return result._replace(metadata={**(result.metadata or {}), "spread and depth": drawn})

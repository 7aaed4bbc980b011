"""`huracan data explain`: why a window has no data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import MINUTE, DatasetOption, expect_window, said
from huracan_platform.cli.output import console
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    symbol: Annotated[str, typer.Option(help="unified symbol")],
    start: Annotated[datetime, typer.Option("--from", **MINUTE, help="UTC, first minute")],
    end: Annotated[datetime, typer.Option("--to", **MINUTE, help="UTC, first minute after")],
    reason: Annotated[str, typer.Option(parser=said, metavar="TEXT", help="why the venue has no data there")],
    dataset: DatasetOption = "candles",
) -> None:
    """Say why a window has no data; completeness leaves it out from the next ingest of those days on."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import to_ms
    from huracan_platform.contracts.quality import ExplainedGap
    from huracan_platform.venues.market import MarketData

    expect_window("gap", start, end)
    settings = load_settings()
    expect_venue(settings)
    market = MarketData(settings)
    market.instruments([symbol])  # refuses what the venue does not list
    gap = ExplainedGap(symbol, to_ms(start.replace(tzinfo=UTC)), to_ms(end.replace(tzinfo=UTC)), reason)
    QualityRepository(open_brain(settings, Role.INGEST)).explain_gap(market.venue, dataset, gap, market.clock().wire_ms())
    console.print(f"explained: {dataset} {symbol} {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")

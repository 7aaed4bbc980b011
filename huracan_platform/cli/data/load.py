"""`huracan data load`: a file of one symbol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DatasetOption
from huracan_platform.cli.data.output import finish
from huracan_platform.cli.output import JsonOption
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(load)


def load(
    file: Annotated[Path, typer.Argument(help="parquet or CSV with whole days of one symbol")],
    symbol: Annotated[str, typer.Option(help="unified symbol, BTC/USDT:USDT")],
    dataset: DatasetOption = "candles",
    as_json: JsonOption = False,
) -> None:
    """Take a file through the same contract and checks as what the venue delivers."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.market_data.load import load_batch
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    brain = open_brain(settings, Role.INGEST)
    finish(load_batch(brain, MarketData(settings), file, dataset, symbol, settings), as_json)

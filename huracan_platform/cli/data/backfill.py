"""`huracan data backfill`: days from the venue, or of what was recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY, DatasetOption, expect_days
from huracan_platform.cli.data.output import finish, progress_bar
from huracan_platform.cli.output import JsonOption
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backfill)


def backfill(
    first: Annotated[datetime, typer.Option("--from", **DAY, help="first UTC day")],
    last: Annotated[datetime, typer.Option("--to", **DAY, help="last UTC day, included")],
    dataset: DatasetOption = "candles",
    symbols: Annotated[str | None, typer.Option(help="comma-separated, default: all of the settings")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch days from the venue, or put together what was recorded of them; check and store, quarantine the bad. Repeatable."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.market_data.ingest import ingest_dataset
    from huracan_platform.errors import PermanentError
    from huracan_platform.venues.market import MarketData

    expect_days(first, last)
    settings = load_settings()
    expect_venue(settings)
    wanted = settings.symbols if symbols is None else tuple(s.strip() for s in symbols.split(",") if s.strip())
    if not wanted:
        raise PermanentError(f"--symbols: expected one or more like BTC/USDT:USDT, got {symbols!r}")
    brain, market = open_brain(settings, Role.INGEST), MarketData(settings)
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task(f"{dataset} {first:%Y-%m-%d} to {last:%Y-%m-%d}", total=None)
        report = ingest_dataset(
            dataset, brain, market, wanted, first.date(), last.date(), settings,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    finish(report, as_json)
    if not any(report.as_dict()["symbol_days"].values()):
        raise PermanentError(f"days: expected some that the venue has, got {first:%Y-%m-%d} to {last:%Y-%m-%d}, none of them")

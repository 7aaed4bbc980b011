"""`huracan data repair`: find days that need it, and fill them again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY, expect_days, known_dataset
from huracan_platform.cli.output import JsonOption, console, emit
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(repair)


def repair(
    dataset: Annotated[str | None, typer.Option(parser=known_dataset, metavar="NAME", help="default: all")] = None,
    symbol: Annotated[str | None, typer.Option(help="unified symbol, default: all of the settings")] = None,
    first: Annotated[datetime | None, typer.Option("--from", **DAY, help="first UTC day, default: as nightly")] = None,
    last: Annotated[datetime | None, typer.Option("--to", **DAY, help="last UTC day, default: the last full one")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what is wrong")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find days that are missing, with gaps, degraded, quarantined or not as their books say, and fetch them again."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.market_data.day_runs import by_days
    from huracan_platform.data.market_data.inventory import find_lacks, newest_full_day
    from huracan_platform.data.market_data.repair import repair as fill
    from huracan_platform.errors import DataContractError
    from huracan_platform.operations.data_incidents import tell_repair
    from huracan_platform.venues.market import MarketData

    expect_days(first, last)
    settings = load_settings()
    expect_venue(settings)
    brain, market = open_brain(settings, Role.VIEWER if dry_run else Role.INGEST), MarketData(settings)
    until: date = last.date() if last else newest_full_day(market.clock().market_ms())
    since = first.date() if first else until - timedelta(days=settings.repair.days - 1)
    findings = find_lacks(
        brain, market, settings, since, until, datasets=[dataset] if dataset else None, symbols=[symbol] if symbol else None
    )
    done = [] if dry_run else fill(brain, market, settings, findings)
    told = [(found.day, str(found)) for found in findings] if dry_run else [(one.finding.day, str(one)) for one in done]
    lines = by_days(told) or [f"nothing to repair from {since} to {until}"]
    left = [one for one in done if not one.is_well]
    if left:
        tell_repair(open_brain(settings, Role.DAGSTER), left, f"http://{settings.ui.host}:{settings.ui.port}")
    emit(
        {"findings": [str(found) for found in findings], "repaired": [str(one) for one in done if one.is_well],
         "left": [str(one) for one in left]},
        as_json, lambda: console.print("\n".join(lines), highlight=False, soft_wrap=True),
    )
    if left:
        raise DataContractError(f"repair: expected {len(done)} symbol-days to be well, got {len(left)} that are not")

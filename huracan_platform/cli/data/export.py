"""`huracan data export`: facts as a file, as a pin sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY, SECOND, expect_days, venue_with
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    out: Annotated[Path, typer.Argument(help="file to write, .parquet or .csv")],
    symbol: Annotated[str, typer.Option(help="unified symbol")],
    first: Annotated[datetime, typer.Option("--from", **DAY, help="first UTC day")],
    last: Annotated[datetime, typer.Option("--to", **DAY, help="last UTC day, included")],
    dataset: Annotated[str, typer.Option(help="candles, funding, open_interest, … or a source")] = "candles",
    venue: Annotated[str | None, typer.Option(help="default: the only one with the symbol")] = None,
    as_of: Annotated[datetime | None, typer.Option(**SECOND, help="only what was known by then, market time, UTC")] = None,
    recorded_before: Annotated[
        datetime | None, typer.Option(**SECOND, help="only what was recorded before, wall time, UTC")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset's rows of some days; the file carries venue, pin and hash, and `huracan data load` reads it back."""
    from huracan_platform.brain.facts.revisions import Revisions
    from huracan_platform.clock import DAY_MS, to_ms
    from huracan_platform.contracts.market import Pin
    from huracan_platform.data.market_data.export import write_facts
    from huracan_platform.operations.impact import facts_of

    expect_days(first, last)
    brain = library()
    facts = facts_of(brain, dataset)
    venues = [v for v, s in Revisions(brain, facts.table).series() if s == symbol]
    name = venue_with(symbol, dataset, venues, venue)
    pin = Pin(*(None if at is None else at.replace(tzinfo=UTC) for at in (as_of, recorded_before)))
    start, end = to_ms(first.replace(tzinfo=UTC)), to_ms(last.replace(tzinfo=UTC)) + DAY_MS
    written = write_facts(facts, out, name, symbol, start, end, pin)
    emit({"file": str(out), **written}, as_json, lambda: console.print(
        f"{written['rows']:,} rows of {dataset} {symbol} at {written['venue']} to {out}, content hash {written['content_hash']}",
        highlight=False, soft_wrap=True,
    ))

"""`huracan data quarantine`: refused batches, with their rows, and what people decide about them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huracan_platform.cli.data.options import said
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.brain.facts.quarantine import QuarantineEntry

Batch = Annotated[int, typer.Argument(help="number from the list")]
By = Annotated[str, typer.Option(parser=said, metavar="NAME", help="who decides")]
Reason = Annotated[str, typer.Option(parser=said, metavar="TEXT", help="why; kept for good")]
quarantine_app = typer.Typer(no_args_is_help=True, help="Refused batches: look at their rows, release or discard them.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_quarantine(
    every: Annotated[bool, typer.Option("--all", help="also those released, discarded, or whose day was repaired")] = False,
    as_json: JsonOption = False,
) -> None:
    """Refused batches that wait for a person or for their day's repair, newest first."""
    from huracan_platform.brain.facts.quarantine import Quarantine

    entries = Quarantine(library()).entries(every=every)

    def state(entry: QuarantineEntry) -> str:
        if entry.ruling is not None:
            return entry.ruling.told
        return "waits" if entry.waits else f"its day was repaired on {entry.released_at:%Y-%m-%d %H:%M}"

    emit(
        [{**asdict(entry), "state": state(entry)} for entry in entries], as_json,
        lambda: table("Quarantine", ("id", "dataset", "symbol", "day", "source", "rows", "why", "state"), [
            (e.batch_id, e.dataset, e.symbol, e.day, e.source, e.row_count, e.reason, state(e)) for e in entries
        ]),
    )


@quarantine_app.command("show")
def show_quarantine(
    batch_id: Batch,
    out: Annotated[Path | None, typer.Option(help="write all rows to this parquet file")] = None,
    rows: Annotated[int, typer.Option(min=1, help="rows to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The rows of a refused batch as they came."""
    import io

    import pyarrow.parquet as pq

    from huracan_platform.brain.facts.quarantine import Quarantine
    from huracan_platform.errors import PermanentError

    stored = Quarantine(library()).rows(batch_id)
    if out is not None:
        try:
            out.write_bytes(stored)
        except OSError as error:
            raise PermanentError(f"--out: expected a path to write to, got {out} ({error.strerror})") from None
    refused = pq.read_table(io.BytesIO(stored))
    shown: list[dict[str, Any]] = refused.slice(0, rows).to_pylist()
    emit(
        {"batch_id": batch_id, "row_count": refused.num_rows, "rows": shown}, as_json,
        lambda: table(f"Batch {batch_id}: {refused.num_rows} rows", refused.column_names, [list(row.values()) for row in shown]),
    )


@quarantine_app.command("release")
def release_batch(batch_id: Batch, by: By, reason: Reason, as_json: JsonOption = False) -> None:
    """Take a batch's rows into the library although checks failed. What breaks its contract cannot be released."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.data.market_data.quarantine import release
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    done = release(open_brain(settings), MarketData(settings), batch_id, by, reason, settings)
    report = done.report
    day, = report.days
    emit(
        {"batch_id": batch_id, "ruling": done.ruling.told, "state": day.state.value, **report.as_dict()}, as_json,
        lambda: console.print(
            f"{done.entry.dataset} {day.symbol} {day.day}: {done.ruling.told}; {report.inserted} rows new, "
            f"{report.revised} revised, {report.unchanged} unchanged; the day is {day.state}",
            highlight=False, soft_wrap=True,
        ),
    )


@quarantine_app.command("discard")
def discard_batch(batch_id: Batch, by: By, reason: Reason, as_json: JsonOption = False) -> None:
    """Leave a batch out: it is kept and marked, and its day stays as it is until it is fetched again."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.quarantine import discard

    ruling = discard(open_brain(load_settings()), batch_id, by, reason, SystemClock().wire_ms())
    emit(
        {"batch_id": batch_id, "ruling": ruling.told}, as_json,
        lambda: console.print(f"batch {batch_id}: {ruling.told}", highlight=False, soft_wrap=True),
    )

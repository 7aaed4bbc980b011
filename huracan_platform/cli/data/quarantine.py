"""`huracan data quarantine`: refused batches, with their rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, emit, table

quarantine_app = typer.Typer(no_args_is_help=True, help="Refused batches, with their rows.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_quarantine(
    include_released: Annotated[bool, typer.Option("--all", help="also those whose day was repaired since")] = False,
    as_json: JsonOption = False,
) -> None:
    """Refused batches, newest first."""
    from huracan_platform.brain.facts.quality import QualityRepository

    entries = QualityRepository(library()).quarantined(include_released=include_released)
    names = ("batch_id", "dataset", "symbol", "day", "source", "row_count", "reason")
    emit(
        [asdict(entry) for entry in entries], as_json,
        lambda: table("Quarantine", names, [[getattr(entry, name) for name in names] for entry in entries]),
    )


@quarantine_app.command("show")
def show_quarantine(
    batch_id: Annotated[int, typer.Argument(help="number from the list")],
    out: Annotated[Path | None, typer.Option(help="write all rows to this parquet file")] = None,
    rows: Annotated[int, typer.Option(min=1, help="rows to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The rows of a refused batch as they came."""
    import io

    import pyarrow.parquet as pq

    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.errors import PermanentError

    stored = QualityRepository(library()).quarantined_rows(batch_id)
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

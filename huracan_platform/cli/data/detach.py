"""`huracan data detach` and `attach`: old days of what is recorded into files and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.settings import load_settings


class Detachable(StrEnum):
    """Datasets that are partitioned by date."""

    LIQUIDATIONS = "liquidations"
    TRADES = "trades"
    BOOK = "book"


DatasetArgument = Annotated[Detachable, typer.Argument(help="which dataset")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(detach)
    app.command()(attach)


def detach(
    dataset: DatasetArgument,
    before: Annotated[datetime, typer.Option(**DAY, help="days before this UTC day")],
    out: Annotated[Path, typer.Option(help="directory for the files")],
    as_json: JsonOption = False,
) -> None:
    """Write old days to parquet files with their hashes, read them back, and drop them from the library."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.detached import detach_before

    settings = load_settings()
    # Cascades look back; of seconds only the running day is written to.
    trailing_days = settings.liquidations.trailing_days if dataset is Detachable.LIQUIDATIONS else 0
    moved = detach_before(open_brain(settings), dataset.value, before.date(), out, trailing_days, SystemClock().wire_ms())
    emit(
        [asdict(day) for day in moved], as_json,
        lambda: table("Detached", ("dataset", "day", "rows", "file", "SHA-256"), [tuple(asdict(day).values()) for day in moved]),
    )


def attach(
    dataset: DatasetArgument,
    day: Annotated[datetime, typer.Option(**DAY, help="the UTC day")],
    file: Annotated[Path | None, typer.Option(help="where its file is now; as it was written when left out")] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a detached day back from its file, whose hash must be the one that was noted."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.data.market_data.detached import attach as attach_day

    rows = attach_day(open_brain(load_settings()), dataset.value, day.date(), file)
    emit({"dataset": dataset.value, "day": day.date(), "rows": rows}, as_json, lambda: console.print(f"{rows} rows are back"))

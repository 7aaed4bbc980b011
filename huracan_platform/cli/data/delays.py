"""`huracan data delays`: how late what happened at a source arrived."""

from __future__ import annotations

from datetime import datetime

import typer

from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(delays)


def delays(as_json: JsonOption = False) -> None:
    """Measured arrival delays per source and dataset, and the one that first versions of facts are known after."""
    from huracan_platform.brain.facts.arrival import ArrivalDelays

    found = ArrivalDelays(library(), load_settings().quality.arrival).table()

    def render() -> None:
        if not found:
            console.print("nothing was measured yet: the documented delays of the settings hold.")
            return
        table("Arrival delays, market ms after the event's end", [name.replace("_", " ") for name in found[0]], [
            [_cell(value) for value in row.values()] for row in found
        ])

    emit(found, as_json, render)


def _cell(value: object) -> object:
    """As a person reads it; without measurements enough the documented delay holds."""
    return "documented" if value is None else f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value

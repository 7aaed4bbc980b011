"""`huracan data delays`: how late what happened at a source arrived."""

from __future__ import annotations

import typer

from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, emit, table
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(delays)


def delays(as_json: JsonOption = False) -> None:
    """Measured arrival delays per source and dataset, and the one that first versions of facts are known after."""
    from huracan_platform.brain.facts.arrival import ArrivalDelays

    found = ArrivalDelays(library(), load_settings().quality.arrival).table()

    def render() -> None:
        names = list(found[0]) if found else ["nothing was measured yet: the documented delays of the settings hold"]
        table("Arrival delays, market ms after the event's end", names, [
            ["documented" if name == "modelled_ms" and row[name] is None else row[name] for name in names] for row in found
        ])

    emit(found, as_json, render)

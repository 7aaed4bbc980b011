"""`huracan data status`: what the library holds, and what needs doing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.cli.recorder_table import print_recorders


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(as_json: JsonOption = False) -> None:
    """What the library holds per venue, dataset and symbol, what other venues lent, and what needs doing."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.brain.facts.refetched import RefetchedWindows
    from huracan_platform.clock import SystemClock
    from huracan_platform.data.market_data.summary import data_summary
    from huracan_platform.operations.status import recorder_lines

    brain = library()
    coverage, summary = QualityRepository(brain).coverage(), data_summary(brain)
    lent, recorders = RefetchedWindows(brain).sources(), recorder_lines(brain, SystemClock().wire_ms())

    def render() -> None:
        for venue in dict.fromkeys(row["venue"] for row in coverage):
            rows = [row for row in coverage if row["venue"] == venue]
            table(f"Data of {venue}", ("dataset", "symbol", "days", "coverage", "states"), [
                (r["dataset"], r["symbol"], f"{r['first_day']} – {r['last_day']}", _coverage(r), _states(r)) for r in rows
            ])
        if lent:
            table("Lent by other venues", [name.replace("_", " ") for name in lent[0]], [list(row.values()) for row in lent])
        print_recorders(recorders)
        console.print(summary.message, highlight=False, soft_wrap=True)

    if not coverage and not as_json:
        console.print("Nothing yet.")
    told = {"coverage": coverage, "lent": lent, "recorders": [asdict(r) for r in recorders], "to_do": summary.to_do}
    emit(told, as_json, render)


def _coverage(row: dict[str, Any]) -> str:
    return f"{min(1.0, row['rows'] / row['expected']):.2%}" if row["expected"] else ""


def _states(row: dict[str, Any]) -> str:
    """Days in each state that has some."""
    states = ("good", "open", "degraded", "quarantined", "unavailable")
    return ", ".join(f"{row[state]} {state}" for state in states if row[state])

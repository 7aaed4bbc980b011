"""`huracan status`: how everything stands, on one page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import typer

from huracan_platform.cli.output import JsonOption, console, emit, table, told_bytes
from huracan_platform.cli.recorder_table import print_recorders


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(as_json: JsonOption = False) -> None:
    """Show sessions, data, models, accounts, incidents; exit code 1 when something needs a person."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import SystemClock
    from huracan_platform.learning.registry import Registry
    from huracan_platform.operations.status import platform_status
    from huracan_platform.settings import load_settings

    settings = load_settings()
    brain = open_brain(settings, Role.VIEWER)
    registry = Registry(brain, str(settings.home / "artefacts"))
    found = platform_status(brain, registry, settings.execution.gateway, SystemClock())

    def render() -> None:
        console.print(f"database   {brain.where}, {told_bytes(brain.size_bytes())}")
        wanted = "wanted" if found.session_wanted else "not wanted"
        console.print(f"session    {wanted}; {', '.join(found.leases) or 'no lease is held'}", highlight=False)
        incidents = ", ".join(f"{count} {severity}" for severity, count in found.open_incidents.items() if count)
        console.print(f"incidents  {incidents or 'none open'}")
        for channel in found.channels:
            console.print(f"{channel['channel']:<10} {channel['delivered']} told, {channel['waiting']} waiting")
        for request in found.retrainings:
            console.print(f"training   asked for, {request}", highlight=False)
        if found.datasets:
            datasets = ("venue", "dataset", "symbols", "newest whole days", "degraded", "quarantined")
            table("Data", datasets, [
                (d.venue, d.dataset, d.symbols, _days(d.whole_from, d.whole_until), d.degraded, d.quarantined)
                for d in found.datasets
            ])
        print_recorders(found.recorders)
        if found.trading:
            table(f"May trade through {settings.execution.gateway}", ("symbol", "version", "data revised since"), [
                (symbol, model_id, f"{found.revised[model_id]} facts" if model_id in found.revised else "no")
                for symbol, model_id in found.trading.items()
            ])
        if found.accounts:
            accounts = ("venue", "account", "trading", "because", "governor")
            table("Accounts", accounts, [tuple(asdict(a).values()) for a in found.accounts])
        for trouble in found.troubles:
            console.print(f"! {trouble}", highlight=False)

    emit({**asdict(found), "troubles": found.troubles}, as_json, render)
    if found.troubles:
        raise typer.Exit(1)


def _days(first: date | None, last: date | None) -> str:
    return "none" if first is None else f"{first} – {last}"

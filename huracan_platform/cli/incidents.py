"""`huracan incidents` shows what needs a person, `huracan broadcast` tells people of it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.errors import PermanentError
from huracan_platform.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    incidents = typer.Typer(help="What needs a person: list and resolve.", invoke_without_command=True)
    incidents.callback()(listed)
    incidents.command("resolve")(resolve)
    app.add_typer(incidents, name="incidents")
    app.command()(broadcast)


def listed(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="resolved ones too, the last 50")] = False,
    as_json: JsonOption = False,
) -> None:
    """Open incidents, oldest first."""
    if context.invoked_subcommand is not None:
        return
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.brain.operations.outbox import Outbox
    from huracan_platform.brain.roles import Role

    brain = open_brain(load_settings(), Role.VIEWER)
    found = IncidentRepository(brain).recent(50) if every else IncidentRepository(brain).open()
    rows = [
        {
            "severity": row.incident.severity.value, "kind": row.incident.kind, "title": row.incident.title,
            "key": row.incident.dedupe_key, "opened_at": row.opened_at, "last_at": row.last_at, "occurrences": row.occurrences,
            "resolved_at": row.resolved_at, **row.incident.details(),
        }
        for row in found
    ]
    channels = Outbox(brain).state()

    def render() -> None:
        if rows:  # what to copy into `resolve` stands under what it is about: seven columns do not fit a screen
            table("incidents", ("severity", "since", "times", "what, and its key"), [
                (row["severity"], _short(row["opened_at"]), row["occurrences"], f"{row['title']}{_ended(row)}\n{row['key']}")
                for row in rows
            ])
        else:
            console.print("no open incidents")
        for state in channels:
            waits = f"{state['waiting']} waiting since {_short(state['waiting_since'])}: {state['error']}"
            console.print(f"{state['channel']}: {state['delivered']} delivered, {waits if state['waiting'] else 'none waiting'}")

    emit({"incidents": rows, "channels": channels}, as_json, render)


def _ended(row: dict[str, Any]) -> str:
    return f" (over since {_short(row['resolved_at'])})" if row["resolved_at"] else ""


def _short(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else value


def resolve(key: Annotated[str, typer.Argument(help="key of the incident, as listed")]) -> None:
    """Close an incident that is over; its end is told where its opening was."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.clock import SystemClock, to_datetime

    if not IncidentRepository(open_brain(load_settings())).resolve(to_datetime(SystemClock().wire_ms()), [key]):
        raise PermanentError(f"incident: expected the key of an open one, got {key!r}")
    console.print(f"resolved {key}")


def broadcast(
    once: Annotated[bool, typer.Option(help="deliver what is due and end")] = False,
) -> None:
    """Deliver the outbox to Slack until interrupted."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import SystemClock
    from huracan_platform.contracts.incident import IncidentSeverity
    from huracan_platform.errors import TransientError
    from huracan_platform.logs import get_logger
    from huracan_platform.operations.broadcast.broadcaster import Broadcaster
    from huracan_platform.operations.broadcast.channels import configured_channels

    settings = load_settings()
    channels = configured_channels(settings.broadcast)
    if not channels:
        raise PermanentError(
            "HURACAN_BROADCAST__SLACK_TOKEN: expected a bot token (or HURACAN_BROADCAST__SLACK_WEBHOOK_URL), got none"
        )
    told_from = IncidentSeverity(settings.broadcast.tell_from)
    brain = open_brain(settings, Role.DAGSTER)
    broadcaster = Broadcaster(brain, channels, SystemClock(), settings.broadcast.fallback_after_s, told_from)
    while True:
        try:
            told = broadcaster.step()
        except TransientError as error:  # the database is away; the outbox is in it and loses nothing
            get_logger("broadcast").warning("outbox_out_of_reach", why=str(error))
            told = 0
        if once:
            console.print(f"{told} messages delivered")
            return
        time.sleep(settings.broadcast.poll_s)

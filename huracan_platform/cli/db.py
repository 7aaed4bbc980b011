"""`huracan db`: the Brain Library's server, its migrations and its backups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from huracan_platform.cli.backup import register as add_backup_commands
from huracan_platform.cli.output import JsonOption, console, emit, told_bytes
from huracan_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain

db = typer.Typer(no_args_is_help=True, help="Start, stop, inspect, migrate, back up and restore the database.")


def register(app: typer.Typer) -> None:
    """Add the `db` commands."""
    add_backup_commands(db)
    app.add_typer(db, name="db")


@db.command()
def up(as_json: JsonOption = False) -> None:
    """Start the embedded server when no DSN is set, and migrate the Brain Library."""
    from huracan_platform.brain.migrate import open_brain

    settings = load_settings()
    open_brain(settings)
    _show(_report(settings), as_json)


@db.command()
def down() -> None:
    """Stop the embedded server; a database given by DSN is left alone."""
    from huracan_platform.brain.connection import embedded_server

    settings = load_settings()
    if settings.database.dsn is not None and settings.database.dagster_dsn is not None:
        console.print("both databases are given by DSN: nothing of ours to stop")
    else:
        console.print("stopped" if embedded_server(settings).stop() else "was not running")


@db.command()
def status(as_json: JsonOption = False) -> None:
    """Where the database is, whether it runs, its size, pending migrations, whether roles are used. Starts nothing."""
    _show(_report(load_settings()), as_json)


@db.command()
def migrate(as_json: JsonOption = False) -> None:
    """Apply pending migrations; starts the embedded server when no DSN is set."""
    from huracan_platform.brain.connection import Brain, ensure_server
    from huracan_platform.brain.grants import roles_state
    from huracan_platform.brain.migrate import migrate as apply

    brain = Brain(ensure_server(load_settings()).brain_dsn)
    done, roles = apply(brain), roles_state(brain)

    def render() -> None:
        console.print(f"applied: {', '.join(done) or 'nothing was pending'}")
        console.print(f"roles: {roles}", highlight=False, soft_wrap=True)

    emit({"applied": done, "roles": str(roles)}, as_json, render)


def _report(settings: Settings) -> dict[str, Any]:
    """No DSN and no password is in it."""
    from huracan_platform.brain.connection import Brain, embedded_server

    if settings.database.dsn is not None:
        brain = Brain(settings.database.dsn.get_secret_value())
        return {"kind": "external", "state": "running", "where": brain.where, **_contents(brain)}
    server = embedded_server(settings)
    found = server.status()
    report = {"kind": "embedded", "state": found.state, "port": found.port, "data": found.data, "pid": found.pid}
    if found.state != "running":
        return report
    brain = Brain(server.ensure_running().brain_dsn)
    return {**report, "where": brain.where, "version": found.version, **_contents(brain)}


def _contents(brain: Brain) -> dict[str, Any]:
    from huracan_platform.brain.grants import roles_state
    from huracan_platform.brain.migrate import pending_migrations

    return {"size_bytes": brain.size_bytes(), "pending": pending_migrations(brain), "roles": str(roles_state(brain))}


def _show(report: dict[str, Any], as_json: bool) -> None:

    def render() -> None:
        for name, value in report.items():
            told = told_bytes(value) if name == "size_bytes" else ", ".join(value) or "none" if isinstance(value, list) else value
            console.print(f"{name.removesuffix('_bytes'):<10} {told}", highlight=False, soft_wrap=True)

    emit(report, as_json, render)

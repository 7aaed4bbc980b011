"""`huracan db backup|restore`: the whole installation into a folder, and back, checked by hash."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from huracan_platform.cli.output import JsonOption, console, emit
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.contracts.backup import BackupManifest

_progress = Console(stderr=True)


def register(db: typer.Typer) -> None:
    """Add both commands."""
    db.command()(backup)
    db.command()(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="folder to make")],
    drill: Annotated[bool, typer.Option(help="restore it into a database made for that, compare every hash")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write both databases and the artefacts into a folder, each database as of one moment; the platform may go on running."""
    from huracan_platform.brain.backup.backup import make_backup, restore_backup
    from huracan_platform.brain.connection import ensure_server
    from huracan_platform.brain.embedded.server import EmbeddedServer
    from huracan_platform.clock import SystemClock

    settings = load_settings()
    manifest = make_backup(
        ensure_server(settings), settings.home / "artefacts", folder, SystemClock().wire_ms(), _tell("backing up")
    )
    if drill:
        with tempfile.TemporaryDirectory(prefix="huracan-drill-", dir=folder.absolute().parent) as scratch:
            Path(scratch).chmod(0o755)  # the database runs under another account
            server = EmbeddedServer(Path(scratch) / "home", run_as=settings.database.run_as)
            try:
                restore_backup(folder, server.ensure_running(), Path(scratch) / "artefacts", _tell("restoring"))
            finally:
                server.destroy()
    _show(manifest, f"backed up to {folder}" + (", restored once for the drill, every hash equal" if drill else ""), as_json)


def restore(
    folder: Annotated[Path, typer.Argument(help="a backup")],
    as_json: JsonOption = False,
) -> None:
    """Fill this home's empty databases and artefacts from a backup; every table and file is held against its hash."""
    from huracan_platform.brain.backup.backup import manifest_of, restore_backup
    from huracan_platform.brain.connection import ensure_server
    from huracan_platform.brain.migrate import open_brain

    settings = load_settings()
    manifest_of(folder)  # before a server is started
    manifest = restore_backup(folder, ensure_server(settings), settings.home / "artefacts", _tell("restoring"))
    open_brain(settings)  # rights of the roles, and migrations that are newer than the backup
    _show(manifest, f"restored from {folder}, every hash equal", as_json)


def _tell(doing: str) -> Callable[[str], None]:
    """A line on standard error per part."""
    return lambda part: _progress.print(f"{doing} {part}", highlight=False)


def _show(manifest: BackupManifest, what: str, as_json: bool) -> None:
    tables = sum(len(tables) for tables in manifest.databases.values())

    def render() -> None:
        console.print(
            f"{what}: {manifest.rows:,} rows in {tables} tables, {len(manifest.artefacts):,} artefacts; made {manifest.made_at}",
            highlight=False, soft_wrap=True,
        )

    emit({"what": what, "rows": manifest.rows, "tables": tables, **manifest.as_dict()}, as_json, render)

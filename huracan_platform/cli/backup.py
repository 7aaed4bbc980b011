"""`huracan db backup|restore`: the whole installation into a folder, and back, checked by hash."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

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
    endpoint = ensure_server(settings)
    with _telling("backing up", quiet=as_json) as told:
        manifest = make_backup(endpoint, settings.home / "artefacts", folder, SystemClock().wire_ms(), told)
    if drill:
        with tempfile.TemporaryDirectory(prefix="huracan-drill-", dir=folder.absolute().parent) as scratch:
            Path(scratch).chmod(0o755)  # the database runs under another account
            server = EmbeddedServer(Path(scratch) / "home", run_as=settings.database.run_as)
            try:
                with _telling("restoring for the drill", quiet=as_json) as told:
                    restore_backup(folder, server.ensure_running(), Path(scratch) / "artefacts", told)
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
    endpoint = ensure_server(settings)
    with _telling("restoring", quiet=as_json) as told:
        manifest = restore_backup(folder, endpoint, settings.home / "artefacts", told)
    open_brain(settings)  # rights of the roles, and migrations that are newer than the backup
    _show(manifest, f"restored from {folder}, every hash equal", as_json)


@contextmanager
def _telling(doing: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """One line on a terminal's standard error that says which part is at work, gone at the end; nothing elsewhere."""
    if quiet or not _progress.is_terminal:
        yield lambda part: None
        return
    with _progress.status(doing) as line:
        yield lambda part: line.update(escape(f"{doing}: {part}"))


def _show(manifest: BackupManifest, what: str, as_json: bool) -> None:
    tables = sum(len(tables) for tables in manifest.databases.values())

    def render() -> None:
        console.print(
            f"{what}: {manifest.rows:,} rows in {tables} tables, {len(manifest.artefacts):,} artefacts; made {manifest.made_at}",
            highlight=False, soft_wrap=True,
        )

    emit({"what": what, "rows": manifest.rows, "tables": tables, **manifest.as_dict()}, as_json, render)

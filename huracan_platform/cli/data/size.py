"""`huracan data size` and `prune`: how much room the platform takes, and what may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table, told_bytes
from huracan_platform.settings import load_settings

MOST_TABLES = 15


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command()(size)
    app.command()(prune)


def size(as_json: JsonOption = False) -> None:
    """Room by table, dataset and folder, and of Dagster's event log."""
    from huracan_platform.brain.connection import ensure_server
    from huracan_platform.brain.operations.run_log import RunLog
    from huracan_platform.brain.operations.sizes import LibrarySizes

    settings, brain = load_settings(), library()
    sizes = LibrarySizes(brain)
    tables, datasets = sizes.tables(), sizes.datasets()
    log = RunLog(ensure_server(settings).dagster_dsn).size()
    folders = dict(_folders(settings.home / "artefacts"))

    def render() -> None:
        table("Datasets", ("dataset", "series", "symbol-days", "rows", "from", "to"), [
            (d.dataset, d.series, f"{d.symbol_days:,}", f"{d.rows:,}", d.first_day, d.last_day) for d in datasets
        ])
        table("Tables", ("table", "rows", "size", "indexes", "bytes a row", "partitions"), [
            (
                t.table, f"{'≈' if t.estimated else '≥'} {t.rows:,}", told_bytes(t.table_bytes), told_bytes(t.index_bytes),
                f"{(t.table_bytes + t.index_bytes) / t.rows:.0f}" if t.rows else "", t.partitions or "",
            )
            for t in tables[:MOST_TABLES]
        ])
        if log is not None:
            console.print(
                f"Dagster: {told_bytes(log.bytes)}, {log.runs:,} runs, {log.events:,} events, {log.kept_events:,} kept for good",
                highlight=False, soft_wrap=True,
            )
        for name, (files, room) in folders.items():
            console.print(f"artefacts/{name}: {told_bytes(room)} in {files:,} files", highlight=False)
        console.print(f"library in all: {told_bytes(brain.size_bytes())}", highlight=False)

    emit({
        "library_bytes": brain.size_bytes(), "tables": [asdict(t) for t in tables], "datasets": [asdict(d) for d in datasets],
        "dagster": None if log is None else asdict(log),
        "artefacts": {name: {"files": files, "bytes": room} for name, (files, room) in folders.items()},
    }, as_json, render)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would go")] = False, as_json: JsonOption = False
) -> None:
    """Delete what finished runs said longer ago than the settings keep it; facts, books and results of runs are never pruned."""
    from huracan_platform.brain.connection import ensure_server
    from huracan_platform.brain.operations.run_log import RunLog
    from huracan_platform.clock import SystemClock, to_datetime

    settings = load_settings()
    days = settings.retention.run_log_days
    before = to_datetime(SystemClock().wire_ms()) - timedelta(days=days)
    log = RunLog(ensure_server(settings).dagster_dsn)
    rows = log.talk(before) if dry_run else log.prune(before)
    told: dict[str, Any] = {"events": rows, "before": before, "dry_run": dry_run}
    emit(told, as_json, lambda: console.print(
        f"{'would delete' if dry_run else 'deleted'} {rows:,} events of runs older than {days} days", highlight=False
    ))


def _folders(root: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Files and bytes of each folder of artefacts."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        files = [path for path in folder.rglob("*") if path.is_file()]
        yield folder.name, (len(files), sum(path.stat().st_size for path in files))

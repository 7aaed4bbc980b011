"""`huracan data import`: bulk history from files of the public archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.cli.data.output import library, progress_bar
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.data.archive.report import ImportReport

MOST_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_)


def import_(
    paths: Annotated[list[Path] | None, typer.Argument(help="folders or files of the archive: zips or CSVs")] = None,
    venue: Annotated[str, typer.Option(help="name under which the facts are kept")] = "binanceusdm",
    require_checksums: Annotated[bool, typer.Option("--require-checksums", help="refuse files without a .CHECKSUM")] = False,
    again: Annotated[bool, typer.Option("--again", help="also files that were taken before")] = False,
    kind: Annotated[str | None, typer.Option(help="of files whose path does not say it: klines, fundingRate, …")] = None,
    symbol: Annotated[str | None, typer.Option(help="of such files, the venue's own name: BTCUSDT")] = None,
    interval: Annotated[str | None, typer.Option(help="of such files of klines: 1m, 1h, …")] = None,
    status: Annotated[bool, typer.Option("--status", help="show what was taken so far, take nothing")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take files of the public archive through the same contract and checks as what the venue delivers. No venue need run.

    Repeatable: what was taken is skipped by its SHA-256, a run that was interrupted goes on where it was.
    """
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.archive.importer import ArchiveImport
    from huracan_platform.data.archive.names import ArchiveKind, Hints
    from huracan_platform.errors import PermanentError

    if status:
        _show_status(as_json)
        return
    if not paths:
        raise PermanentError("import: expected folders or files of the archive, got none")
    if kind is not None and kind not in set(ArchiveKind):
        raise PermanentError(f"--kind: expected one of {', '.join(ArchiveKind)}, got {kind}")
    hints = Hints(None if kind is None else ArchiveKind(kind), symbol, interval)
    settings = load_settings()
    brain = open_brain(settings, Role.INGEST)
    with progress_bar(quiet=as_json, what="files") as bar:
        task = bar.add_task("import", total=None)
        run = ArchiveImport(
            brain, venue, settings, again=again, require_checksums=require_checksums, hints=hints,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
        report = run.run(paths)
    emit(report.as_dict(), as_json, lambda: _render(report))
    report.raise_if_bad()


def _render(report: ImportReport) -> None:
    told = report.as_dict()
    files = ", ".join(f"{count} {state}" for state, count in told["files"].items() if count)
    console.print(
        f"import into {report.venue}: files: {files or 'none'}; {told['rows']} rows, {report.duplicates} duplicates left out",
        highlight=False, soft_wrap=True,
    )
    for one in report.reports:
        told = one.as_dict()
        states = ", ".join(f"{count} {state}" for state, count in told["symbol_days"].items() if count)
        console.print(
            f"{one.dataset}: {one.rows} rows, coverage {one.coverage:.2%}; {one.inserted} new, {one.revised} revised, "
            f"{one.unchanged} unchanged; symbol-days: {states or 'none'}", highlight=False, soft_wrap=True,
        )
        for check in one.checks:
            if not check.passed:
                console.print(f"  {check.severity.value}: {check.message}", highlight=False, soft_wrap=True)
    if report.skipped:
        console.print(f"skipped, taken before: {_few(report.skipped)}", highlight=False, soft_wrap=True)
    if report.unvouched:
        console.print(f"without a .CHECKSUM beside them: {_few(report.unvouched)}", highlight=False, soft_wrap=True)
    for notice in report.notices:
        console.print(notice, highlight=False, soft_wrap=True)
    bad = report.as_dict()["not_taken"]
    if bad:
        table("Not taken", ("file", "why"), bad.items())


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:MOST_SHOWN])
    return shown if len(names) <= MOST_SHOWN else f"{shown} and {len(names) - MOST_SHOWN} more"


def _show_status(as_json: bool) -> None:
    from dataclasses import asdict

    from huracan_platform.brain.facts.archive import ArchiveLedger

    ledger = ArchiveLedger(library())
    taken, bad = ledger.summary(), ledger.files(not_taken=True)

    def render() -> None:
        table("Files of archives", ("venue", "kind", "symbol", "files", "rows", "days"), [
            (
                row["venue"], f"{row['kind']} {row['interval'] or ''}".rstrip(), row["symbol"],
                ", ".join(f"{row[state]} {state}" for state in ("taken", "quarantined", "refused") if row[state]),
                f"{row['rows'] or 0:,}", "" if row["first"] is None else f"{row['first']:%Y-%m-%d} – {row['last']:%Y-%m-%d}",
            )
            for row in taken
        ])
        if bad:
            table("Not taken", ("venue", "file", "state", "why"), [(at, f.file, f.state.value, f.reason) for at, f in bad])

    emit({"files": taken, "not_taken": [{"venue": at, **asdict(file)} for at, file in bad]}, as_json, render)

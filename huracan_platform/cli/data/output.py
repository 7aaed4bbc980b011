"""How an ingest's report and progress are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from huracan_platform.cli.output import console, emit, table
from huracan_platform.contracts.quality import DayState
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.data.market_data.report import IngestReport


def finish(report: IngestReport, as_json: bool) -> None:
    """Print the report; end with an error when something was refused or could not be fetched."""

    def render() -> None:
        told = report.as_dict()
        states = ", ".join(f"{count} {state}" for state, count in told["symbol_days"].items() if count)
        due = any(day.expected for day in report.days)
        console.print(
            f"{report.dataset} at {report.venue}: {report.rows} rows, "
            f"{f'coverage {report.coverage:.2%}' if due else 'none expected'}; {report.inserted} new, "
            f"{report.revised} revised, {report.unchanged} unchanged; symbol-days: {states or 'none'}",
            highlight=False, soft_wrap=True,
        )
        if report.in_state(DayState.UNAVAILABLE):
            console.print(
                f"unavailable: {report.venue} does not keep them (any more) and nobody recorded them in time; "
                "asking again brings nothing", highlight=False, soft_wrap=True,
            )
        table("Checks", ("check", "passed", "severity", "message"), [
            (check.name, "yes" if check.passed else "no", check.severity.value, check.message) for check in report.checks
        ])

    emit(report.as_dict(), as_json, render)
    report.raise_if_bad()


def progress_bar(*, quiet: bool, what: str = "symbol-days") -> Progress:
    """A bar on standard error, counted in `what`."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeElapsedColumn(),
        TimeRemainingColumn(), console=Console(stderr=True), disable=quiet,
    )


def library() -> Brain:
    """The Brain Library, read only."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role

    return open_brain(load_settings(), Role.VIEWER)

"""`huracan data`: backfill, load files, see where data stands, look into quarantine, explain gaps."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.cli.venue import expect_venue
from huracan_platform.settings import load_settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.data.market_data.report import IngestReport

app = typer.Typer(no_args_is_help=True, help="Market data: backfill, quality, quarantine.")
quarantine_app = typer.Typer(no_args_is_help=True, help="Refused batches, with their rows.")
app.add_typer(quarantine_app, name="quarantine")


class Dataset(StrEnum):
    """What can be backfilled."""

    CANDLES = "candles"
    FUNDING = "funding"
    OPEN_INTEREST = "open_interest"
    SENTIMENT = "sentiment"
    LIQUIDATIONS = "liquidations"


DatasetOption = Annotated[Dataset, typer.Option(help="which dataset")]
DAY = ["%Y-%m-%d"]
MINUTE = ["%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def register(root: typer.Typer) -> None:
    """Add `huracan data`."""
    root.add_typer(app, name="data")


@app.command()
def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="first UTC day")],
    last: Annotated[datetime, typer.Option("--to", formats=DAY, help="last UTC day, included")],
    dataset: DatasetOption = Dataset.CANDLES,
    symbols: Annotated[str | None, typer.Option(help="comma-separated, default: all of the settings")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch days from the venue, or put together what was recorded of them; check and store, quarantine the bad. Repeatable."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.market_data import ingest as of
    from huracan_platform.errors import PermanentError
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    wanted = settings.symbols if symbols is None else tuple(s.strip() for s in symbols.split(",") if s.strip())
    if not wanted:
        raise PermanentError(f"--symbols: expected one or more like BTC/USDT:USDT, got {symbols!r}")
    ingest = {
        Dataset.CANDLES: of.ingest_candles, Dataset.FUNDING: of.ingest_funding, Dataset.OPEN_INTEREST: of.ingest_open_interest,
        Dataset.SENTIMENT: of.ingest_sentiment, Dataset.LIQUIDATIONS: of.ingest_liquidations,
    }[dataset]
    brain, market = open_brain(settings, Role.INGEST), MarketData(settings)
    with _progress_bar(quiet=as_json) as bar:
        task = bar.add_task(f"{dataset.value} {first:%Y-%m-%d} to {last:%Y-%m-%d}", total=None)
        report = ingest(
            brain, market, wanted, first.date(), last.date(), settings,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _finish(report, as_json)
    if not any(report.as_dict()["symbol_days"].values()):
        raise PermanentError(f"days: expected some that the venue has, got {first:%Y-%m-%d} to {last:%Y-%m-%d}, none of them")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="parquet or CSV with whole days of one symbol")],
    symbol: Annotated[str, typer.Option(help="unified symbol, BTC/USDT:USDT")],
    dataset: DatasetOption = Dataset.CANDLES,
    as_json: JsonOption = False,
) -> None:
    """Take a file through the same contract and checks as what the venue delivers."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.data.market_data.load import load_batch
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    brain = open_brain(settings, Role.INGEST)
    _finish(load_batch(brain, MarketData(settings), file, dataset.value, symbol, settings), as_json)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """What the library holds per venue, dataset and symbol, what other venues lent, and what needs doing."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.brain.facts.refetched import RefetchedWindows
    from huracan_platform.data.market_data.summary import data_summary

    brain = _brain()
    coverage, to_do = QualityRepository(brain).coverage(), data_summary(brain)
    lent = RefetchedWindows(brain).sources()

    def render() -> None:
        table("Data", list(coverage[0]) if coverage else ["nothing yet"], [list(row.values()) for row in coverage])
        if lent:
            table("Lent by other venues", list(lent[0]), [list(row.values()) for row in lent])
        for sentence in to_do or ["No open issues."]:
            console.print(sentence, highlight=False, soft_wrap=True)

    emit({"coverage": coverage, "lent": lent, "to_do": to_do}, as_json, render)


@app.command()
def explain(
    symbol: Annotated[str, typer.Option(help="unified symbol")],
    start: Annotated[datetime, typer.Option("--from", formats=MINUTE, help="UTC, first minute")],
    end: Annotated[datetime, typer.Option("--to", formats=MINUTE, help="UTC, first minute after")],
    reason: Annotated[str, typer.Option(help="why the venue has no data there")],
    dataset: DatasetOption = Dataset.CANDLES,
) -> None:
    """Say why a window has no data; completeness leaves it out from the next ingest of those days on."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.clock import to_ms
    from huracan_platform.contracts.quality import ExplainedGap
    from huracan_platform.errors import PermanentError
    from huracan_platform.venues.market import MarketData

    if end <= start:
        raise PermanentError(f"gap: expected --to after --from, got {start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M}")
    settings = load_settings()
    expect_venue(settings)
    market = MarketData(settings)
    market.instruments([symbol])  # refuses what the venue does not list
    gap = ExplainedGap(symbol, to_ms(start.replace(tzinfo=UTC)), to_ms(end.replace(tzinfo=UTC)), reason)
    QualityRepository(open_brain(settings, Role.INGEST)).explain_gap(market.venue, dataset.value, gap, market.clock().wire_ms())
    console.print(f"explained: {dataset.value} {symbol} {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")


@quarantine_app.command("list")
def list_quarantine(
    include_released: Annotated[bool, typer.Option("--all", help="also those whose day was repaired since")] = False,
    as_json: JsonOption = False,
) -> None:
    """Refused batches, newest first."""
    from huracan_platform.brain.facts.quality import QualityRepository

    entries = QualityRepository(_brain()).quarantined(include_released=include_released)
    names = ("batch_id", "dataset", "symbol", "day", "source", "row_count", "reason")
    emit(
        [asdict(entry) for entry in entries], as_json,
        lambda: table("Quarantine", names, [[getattr(entry, name) for name in names] for entry in entries]),
    )


@quarantine_app.command("show")
def show_quarantine(
    batch_id: Annotated[int, typer.Argument(help="number from the list")],
    out: Annotated[Path | None, typer.Option(help="write all rows to this parquet file")] = None,
    rows: Annotated[int, typer.Option(min=1, help="rows to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The rows of a refused batch as they came."""
    import io

    import pyarrow.parquet as pq

    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.errors import PermanentError

    stored = QualityRepository(_brain()).quarantined_rows(batch_id)
    if out is not None:
        try:
            out.write_bytes(stored)
        except OSError as error:
            raise PermanentError(f"--out: expected a path to write to, got {out} ({error.strerror})") from None
    refused = pq.read_table(io.BytesIO(stored))
    shown: list[dict[str, Any]] = refused.slice(0, rows).to_pylist()
    emit(
        {"batch_id": batch_id, "row_count": refused.num_rows, "rows": shown}, as_json,
        lambda: table(f"Batch {batch_id}: {refused.num_rows} rows", refused.column_names, [list(row.values()) for row in shown]),
    )


def _brain() -> Brain:
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role

    return open_brain(load_settings(), Role.VIEWER)


def _finish(report: IngestReport, as_json: bool) -> None:
    """Print the report; end with an error when something was refused or could not be fetched."""

    def render() -> None:
        told = report.as_dict()
        states = ", ".join(f"{count} {state}" for state, count in told["symbol_days"].items() if count)
        console.print(
            f"{report.dataset} at {report.venue}: {report.rows} rows, coverage {report.coverage:.2%}; {report.inserted} new, "
            f"{report.revised} revised, {report.unchanged} unchanged; symbol-days: {states or 'none'}",
            highlight=False, soft_wrap=True,
        )
        table("Checks", ("check", "passed", "severity", "message"), [
            (check.name, "yes" if check.passed else "no", check.severity.value, check.message) for check in report.checks
        ])

    emit(report.as_dict(), as_json, render)
    report.raise_if_bad()


def _progress_bar(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("symbol-days"), TimeElapsedColumn(),
        TimeRemainingColumn(), console=Console(stderr=True), disable=quiet,
    )

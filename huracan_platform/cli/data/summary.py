"""`huracan data summary` and `huracan data reliability`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(summary)
    app.command()(reliability)


def summary(
    day: Annotated[datetime | None, typer.Option(**DAY, help="as it was told of that UTC day; default: as of now")] = None,
    as_json: JsonOption = False,
) -> None:
    """What is wrong with the data and what to do about it, in sentences."""
    from huracan_platform.brain.facts.summaries import SummaryRepository
    from huracan_platform.data.market_data.summary import data_summary
    from huracan_platform.errors import PermanentError

    brain = library()
    if day is None:
        found = data_summary(brain)
        sentences = [found.headline, *found.lines]
    else:
        told = SummaryRepository(brain).of_day(day.date())
        if not told:
            raise PermanentError(f"summary: expected a day of which one was told, got {day:%Y-%m-%d}")
        sentences = [sentence for _, _, said in told for sentence in said]
    emit(
        {"lines": sentences}, as_json,
        lambda: console.print("\n".join(sentences or ["nothing to do"]), highlight=False, soft_wrap=True),
    )


def reliability(
    weeks: Annotated[int, typer.Option(min=1, help="newest weeks to show")] = 8, as_json: JsonOption = False
) -> None:
    """How reliable each source was, per ISO week: good days, coverage, what was lent, failures, measured delay."""
    from huracan_platform.data.market_data.reliability import reliability as by_week

    found = by_week(library(), weeks)
    columns = ("week", "source", "dataset", "days", "good", "coverage", "lent", "unfetched", "failed", "delay ms")
    emit(
        [asdict(one) for one in found], as_json,
        lambda: table("Reliability", columns, [
            (
                w.week, w.source, w.dataset, w.days, f"{w.good:.1%}", f"{w.coverage:.2%}", f"{w.lent:.2%}", w.unfetched,
                w.failed_checks, w.median_delay_ms,
            )
            for w in found
        ]),
    )

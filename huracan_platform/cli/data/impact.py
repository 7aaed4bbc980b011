"""`huracan data revisions` and `huracan data impact`: what was corrected, and what had been made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY, MINUTE, DatasetOption, expect_window, venue_with
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.settings import load_settings

VenueOption = Annotated[str | None, typer.Option(help="name of the venue; the one that the library has the symbol of, if one")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(revisions)
    app.command()(impact)


def revisions(
    symbol: Annotated[str | None, typer.Option(help="unified symbol; all that the library has")] = None,
    start: Annotated[datetime | None, typer.Option("--from", **MINUTE, help="UTC, first event time")] = None,
    end: Annotated[datetime | None, typer.Option("--to", **MINUTE, help="UTC, first event time after")] = None,
    venue: VenueOption = None, dataset: DatasetOption = "candles", as_json: JsonOption = False,
) -> None:
    """Corrections of stored facts: the fact, old and new values, since when known, when recorded."""
    from huracan_platform.brain.facts.revisions import Revisions
    from huracan_platform.clock import to_datetime, to_ms
    from huracan_platform.operations.impact import facts_of

    expect_window("revisions", start, end)
    brain = library()
    ledger = Revisions(brain, facts_of(brain, dataset).table)
    held = ledger.series()
    if symbol is not None:
        venue_with(symbol, dataset, (its_venue for its_venue, its_symbol in held if its_symbol == symbol), venue)
    first = 0 if start is None else to_ms(start.replace(tzinfo=UTC))
    last = to_ms(datetime(9999, 1, 1, tzinfo=UTC)) if end is None else to_ms(end.replace(tzinfo=UTC))
    found = [
        revision for its_venue, its_symbol in held
        if venue in (None, its_venue) and symbol in (None, its_symbol)
        for revision in ledger.between(its_venue, its_symbol, first, last)
    ]
    names = ("venue", "symbol", "event", "version", "known since", "recorded", "before", "after")
    emit([asdict(one) for one in found], as_json, lambda: table("Revisions", names, [
        (
            one.venue, one.symbol, f"{to_datetime(one.ts_ms):%Y-%m-%d %H:%M}", one.version,
            f"{to_datetime(one.known_ms):%Y-%m-%d %H:%M:%S}", f"{to_datetime(one.recorded_ms):%Y-%m-%d %H:%M:%S}",
            _values(one.before), _values(one.after),
        )
        for one in found
    ]))


def impact(
    symbol: Annotated[str, typer.Argument(help="unified symbol")],
    day: Annotated[datetime, typer.Argument(**DAY, help="UTC day")],
    venue: VenueOption = None, dataset: DatasetOption = "candles", as_json: JsonOption = False,
) -> None:
    """All that was made from a day's facts, and whether it was made from what the day holds now."""
    from huracan_platform.brain.facts.alternative_venues import AlternativeVenues
    from huracan_platform.brain.facts.revisions import Revisions
    from huracan_platform.operations.impact import facts_of
    from huracan_platform.operations.impact import impact as read_impact

    brain, wanted = library(), date(day.year, day.month, day.day)
    venues = [v for v, s in Revisions(brain, facts_of(brain, dataset).table).series() if s == symbol]
    name = venue_with(symbol, dataset, venues, venue)
    settings = load_settings()
    others = settings.venue.alternatives
    found = read_impact(
        brain, name, symbol, wanted, dataset, liquidations=settings.liquidations,
        second_venue=AlternativeVenues(brain).venue(others[0].address) if others else None,
        funding_delay_ms=settings.quality.funding_delay_ms,
    )

    def render() -> None:
        counts = Counter(dependent.standing.value for dependent in found.dependents)
        told = ", ".join(f"{count} {standing}" for standing, count in sorted(counts.items())) or "none"
        console.print(
            f"{found.dataset} {found.symbol} {found.day} at {found.venue}: {len(found.revisions)} revisions; dependents: {told}",
            highlight=False, soft_wrap=True,
        )
        names = ("kind", "name", "standing", "through", "as of", "recorded before")
        table("Made from it", names, [
            (d.kind, d.name, d.standing.value, d.through, _moment(d.as_of), _moment(d.recorded_before)) for d in found.dependents
        ])

    emit(asdict(found), as_json, render)


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.10g}" for name, value in values.items())


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"

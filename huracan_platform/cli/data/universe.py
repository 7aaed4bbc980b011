"""`huracan data universe`: what could be traded at a moment, also of what has been delisted since."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table
from huracan_platform.contracts.universe import Member


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(universe)


def universe(
    on: Annotated[
        datetime | None, typer.Option(**DAY, help="as it was at the beginning of that UTC day; default: every listing")
    ] = None,
    as_known_then: Annotated[bool, typer.Option(help="with --on: by what was known then, not by what is known now")] = False,
    quote: Annotated[str | None, typer.Option(help="with --on: quoted in this currency only; default: the setting")] = None,
    listed_for: Annotated[
        int | None, typer.Option(min=0, help="with --on: listed for so many days by then; default: the setting")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=0, help="with --on: so many of the largest by turnover known then; default: the setting")
    ] = None,
    venue: Annotated[str | None, typer.Option(help="default: the only one whose catalogue was read")] = None,
    as_json: JsonOption = False,
) -> None:
    """Listings of a venue with their first and last day; with --on those to choose from as of that day."""
    from huracan_platform.brain.facts.listings import ListingRepository
    from huracan_platform.contracts.market import Pin
    from huracan_platform.data.market_data.universe import Universe
    from huracan_platform.errors import PermanentError
    from huracan_platform.settings import UniverseSettings, load_settings

    asked = {"quote": quote, "listed_for_days": listed_for, "top": top}
    wanted = {name: value for name, value in asked.items() if value is not None}
    if on is None and (wanted or as_known_then):
        raise PermanentError("universe: expected --on with --quote, --listed-for, --top and --as-known-then, got none")
    listings = ListingRepository(library())
    venues = listings.venues()
    if not venues:
        raise PermanentError("universe: expected a catalogue that was read, got none; the asset `instruments` reads it")
    name = venue or (venues[0] if len(venues) == 1 else None)
    if name not in venues or name is None:
        raise PermanentError(f"--venue: expected one of those whose catalogue was read, {', '.join(venues)}; got {venue}")
    moment = None if on is None else on.replace(tzinfo=UTC)
    pin = Pin(as_of=moment) if as_known_then and moment else None
    universe = Universe(library(), name, pin)
    chosen = UniverseSettings(**{**load_settings().universe.model_dump(), **wanted})
    found = [Member(one) for one in universe.listings] if moment is None else universe.at(moment.date(), chosen)
    since = listings.known_since(name)

    def render() -> None:
        table(f"Universe of {name}", ("symbol", "listed", "delisted", "status", "turnover"), [_row(one) for one in found])
        console.print(
            f"{len(found)} listings. The catalogue was first read at {since:%Y-%m-%d %H:%M} market time: what the venue had "
            "dropped before then is not among them.",
            highlight=False, soft_wrap=True,
        )

    rows = [{**asdict(one.listing), "turnover": one.turnover} for one in found]
    emit({"venue": name, "known_since": since, "listings": rows}, as_json, render)


def _row(one: Member) -> tuple[str, ...]:
    listing = one.listing
    return (
        one.symbol, f"{listing.listed_at:%Y-%m-%d}", "" if listing.delisted_at is None else f"{listing.delisted_at:%Y-%m-%d}",
        listing.status if listing.in_catalogue else f"{listing.status}, dropped from the catalogue",
        "" if one.turnover is None else f"{one.turnover:,.0f}",
    )

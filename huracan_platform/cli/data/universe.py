"""`huracan data universe`: what could be traded at a moment, also of what has been delisted since."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from huracan_platform.cli.data.options import DAY
from huracan_platform.cli.data.output import library
from huracan_platform.cli.output import JsonOption, console, emit, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(universe)


def universe(
    on: Annotated[
        datetime | None, typer.Option(formats=DAY, help="as it was at the beginning of that UTC day; default: every listing")
    ] = None,
    as_known_then: Annotated[bool, typer.Option(help="with --on: by what was known then, not by what is known now")] = False,
    venue: Annotated[str | None, typer.Option(help="default: the only one whose catalogue was read")] = None,
    as_json: JsonOption = False,
) -> None:
    """Listings of a venue with their first and last day."""
    from huracan_platform.brain.facts.listings import ListingRepository
    from huracan_platform.contracts.market import Pin
    from huracan_platform.errors import PermanentError

    listings = ListingRepository(library())
    venues = listings.venues()
    if not venues:
        raise PermanentError("universe: expected a catalogue that was read, got none; the asset `instruments` reads it")
    name = venue or (venues[0] if len(venues) == 1 else None)
    if name not in venues or name is None:
        raise PermanentError(f"--venue: expected one of those whose catalogue was read, {', '.join(venues)}; got {venue}")
    moment = None if on is None else on.replace(tzinfo=UTC)
    pin = Pin(as_of=moment) if as_known_then and moment else None
    found = listings.all(name, pin) if moment is None else listings.members(name, moment, pin)
    since = listings.known_since(name)

    def render() -> None:
        table(f"Universe of {name}", ("symbol", "listed", "delisted", "status"), [
            (
                one.symbol, f"{one.listed_at:%Y-%m-%d}", "" if one.delisted_at is None else f"{one.delisted_at:%Y-%m-%d}",
                one.status if one.in_catalogue else f"{one.status}, dropped from the catalogue",
            )
            for one in found
        ])
        console.print(
            f"{len(found)} listings. The catalogue was first read at {since:%Y-%m-%d %H:%M} market time: what the venue had "
            "dropped before then is not among them.",
            highlight=False, soft_wrap=True,
        )

    emit({"venue": name, "known_since": since, "listings": [asdict(one) for one in found]}, as_json, render)

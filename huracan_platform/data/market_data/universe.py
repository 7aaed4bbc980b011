"""A venue's catalogue into the library, and out of it which symbols there were on a day.

Whoever chooses symbols for the past from those that trade now chooses the survivors. `Universe.at` gives those of the day,
the ones that have ended since among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.listings import ListingRepository
from huracan_platform.clock import DAY_MS, Clock, day_start_ms
from huracan_platform.contracts.market import Instrument, Listed, Pin
from huracan_platform.contracts.universe import CatalogueChanges, Member, Membership
from huracan_platform.settings import UniverseSettings

DAY = timedelta(days=1)


class Catalogue(Protocol):
    """A venue that tells its listings: `venues.market.MarketData`."""

    @property
    def venue(self) -> str:
        """Name under which its facts are kept."""
        ...

    def clock(self) -> Clock:
        """The venue's two clocks as of now."""
        ...

    def universe(self) -> list[Listed]:
        """Every linear perpetual that it tells of."""
        ...


def read_catalogue(brain: Brain, market: Catalogue) -> CatalogueChanges:
    """Store the venue's listings and the terms of every contract among them.

    Raises
    ------
    TransientError, PermanentError
        The venue did not answer, or answered with nothing.
    """
    clock, listed = market.clock(), market.universe()
    changes = ListingRepository(brain).save(market.venue, listed, clock.market_ms(), clock.wire_ms())
    # A symbol that was listed twice has the terms of its last listing.
    terms: dict[str, Instrument] = {one.symbol: one.instrument for one in sorted(listed, key=lambda one: one.listed_ms)}
    InstrumentRepository(brain).save(terms.values(), clock.wire_ms(), known_at_ms=clock.market_ms())
    return changes


class Universe:
    """The listings of one venue as a pin sees them; None: by what is known now.

    Attributes
    ----------
    listings
        All of them, by symbol and when they began.
    """

    def __init__(self, brain: Brain, venue: str, pin: Pin | None = None) -> None:
        self._brain, self._venue, self._pin = brain, venue, pin or Pin()
        self.listings: tuple[Membership, ...] = tuple(ListingRepository(brain).all(venue, pin))

    def at(self, day: date, chosen: UniverseSettings | None = None) -> tuple[Member, ...]:
        """What could be traded when a UTC day began, also what has ended since, by symbol; `chosen` None: all of it.

        With `chosen.top` the largest first, by turnover that was known when the day began. What the library has no candles
        of has none, and is never among them.
        """
        chosen, start = chosen or UniverseSettings(), _begin(day)
        since = start - chosen.listed_for_days * DAY
        found = [
            Member(one) for one in self.listings
            if one.trades_at(start) and one.listed_at <= since and chosen.quote in ("", one.quote)
        ]
        if not chosen.top:
            return tuple(found)
        measured = [replace(one, turnover=self._turnover(one.symbol, day, chosen.turnover_days)) for one in found]
        largest = sorted((one for one in measured if one.turnover), key=lambda one: (-(one.turnover or 0.0), one.symbol))
        return tuple(largest[:chosen.top])

    def due(self, symbol: str, days: Sequence[date]) -> tuple[date, ...]:
        """Those of the days on which there was the symbol, for a part of the day at least; all where no listing is known."""
        known = [one for one in self.listings if one.symbol == symbol]
        return tuple(
            day for day in days if not known or any(one.touches(_begin(day), _begin(day) + DAY) for one in known)
        )

    def is_dropped(self, symbol: str) -> bool:
        """Whether the venue listed it once and tells nothing of it any more."""
        known = [one for one in self.listings if one.symbol == symbol]
        return bool(known) and not any(one.in_catalogue for one in known)

    def _turnover(self, symbol: str, day: date, days: int) -> float:
        start_ms, until = day_start_ms(day), _begin(day)
        as_of = until if self._pin.as_of is None else min(until, self._pin.as_of)
        pin = replace(self._pin, as_of=as_of)
        bars = CandleRepository(self._brain).read(self._venue, [symbol], start_ms - days * DAY_MS, start_ms, pin)[symbol]
        return float(np.dot(bars.close, bars.volume))


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

"""A venue's catalogue into the library: what it lists and listed, and the terms of each contract."""

from __future__ import annotations

from typing import Protocol

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.instruments import InstrumentRepository
from huracan_platform.brain.facts.listings import ListingRepository
from huracan_platform.clock import Clock
from huracan_platform.contracts.market import Instrument, Listed
from huracan_platform.contracts.universe import CatalogueChanges


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

"""The universe of each venue over time: what was listed at any moment, also of what has been delisted since.

A listing is known by (venue, symbol, when its trading began). Where a venue does not tell when it ended, or drops delisted
symbols from its catalogue, it ends at the reading that noticed. Before the first reading nothing dropped can be known;
`known_since` tells when that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Listed, Pin
from huracan_platform.contracts.universe import CatalogueChanges, Membership
from huracan_platform.errors import PermanentError

_LOCK = 0x4C49_5354
_NEWEST = """
    SELECT DISTINCT ON (symbol, listed_at) symbol, listed_at, version, status, delisted_at, in_catalogue
      FROM listings
     WHERE venue = %(venue)s
       AND (%(as_of)s::timestamptz IS NULL OR known_at <= %(as_of)s)
       AND (%(recorded)s::timestamptz IS NULL OR recorded_at <= %(recorded)s)
     ORDER BY symbol, listed_at, version DESC
"""
_Key = tuple[str, datetime]


class ListingRepository:
    """Listings of all venues; every version is kept."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, venue: str, catalogue: Sequence[Listed], known_ms: int, recorded_ms: int) -> CatalogueChanges:
        """Store a whole catalogue as it was read: `known_ms` on the market clock, `recorded_ms` on the wire clock, ms UTC.

        Raises
        ------
        PermanentError
            An empty catalogue: no venue delists everything at once, and an answer that lost its rows looks like that.
        """
        if not catalogue:
            raise PermanentError(f"catalogue of {venue}: expected its listings, got none")
        known_at, recorded_at = to_datetime(known_ms), to_datetime(recorded_ms)
        with self._brain.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            before = _newest(connection, venue, Pin())
            told = {(one.symbol, to_datetime(one.listed_ms)): one for one in catalogue}
            added, ended, changed = list[str](), list[str](), list[str]()
            for (symbol, listed_at), one in sorted(told.items()):
                version, status, ended_at, there = before.get((symbol, listed_at), (0, None, None, None))
                end = None if one.delisted_ms is None else to_datetime(one.delisted_ms)
                if end is None and one.status == "delisted":  # the venue does not tell when: at the latest when it was noticed
                    end = ended_at or known_at
                if (status, ended_at, there) == (one.status, end, True):
                    continue
                _insert(connection, (venue, symbol, listed_at, version + 1, known_at, recorded_at, one.status, end, True))
                (added if not version else ended if one.status == "delisted" else changed).append(symbol)
            for (symbol, listed_at), (version, _, end, in_catalogue) in sorted(before.items()):
                if in_catalogue and (symbol, listed_at) not in told:
                    end = known_at if end is None else min(end, known_at)
                    _insert(
                        connection, (venue, symbol, listed_at, version + 1, known_at, recorded_at, "delisted", end, False)
                    )
                    ended.append(symbol)
            connection.execute(
                "INSERT INTO catalogue_reads VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (venue, known_at, recorded_at, len(catalogue)),
            )
        return CatalogueChanges(len(catalogue), tuple(added), tuple(ended), tuple(changed))

    def all(self, venue: str, pin: Pin | None = None) -> list[Membership]:
        """Every listing as the pin sees it, by symbol and beginning; None: as is known now."""
        with self._brain.connect() as connection:
            found = _newest(connection, venue, pin or Pin())
        return [
            Membership(venue, symbol, listed_at, status, end, in_catalogue)
            for (symbol, listed_at), (_, status, end, in_catalogue) in found.items()
        ]

    def members(self, venue: str, moment: datetime, pin: Pin | None = None) -> list[Membership]:
        """What could be traded at a moment (market time, aware UTC), delisted since or not, as the pin sees it."""
        return [one for one in self.all(venue, pin) if one.trades_at(moment)]

    def known_since(self, venue: str) -> datetime | None:
        """Market time of the first reading of the catalogue; None: never read."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT min(known_at) FROM catalogue_reads WHERE venue = %s", (venue,)).fetchone()
        return row[0] if row else None

    def venues(self) -> list[str]:
        """With a catalogue, by name."""
        with self._brain.connect() as connection:
            return [name for (name,) in connection.execute("SELECT DISTINCT venue FROM catalogue_reads ORDER BY venue")]


def _newest(connection: psycopg.Connection[Any], venue: str, pin: Pin) -> dict[_Key, tuple[int, Any, Any, Any]]:
    rows = connection.execute(_NEWEST, {"venue": venue, "as_of": pin.as_of, "recorded": pin.recorded_before})
    return {(symbol, listed_at): (version, *rest) for symbol, listed_at, version, *rest in rows}


def _insert(connection: psycopg.Connection[Any], row: tuple[Any, ...]) -> None:
    connection.execute(
        """
        INSERT INTO listings (venue, symbol, listed_at, version, known_at, recorded_at, status, delisted_at, in_catalogue)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        row,
    )

"""The names under which facts of alternative venues are kept, so that a read of them needs no answer of theirs."""

from __future__ import annotations

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime


class AlternativeVenues:
    """Names by address, `AlternativeVenue.address` of the settings."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def remember(self, address: str, venue: str, recorded_ms: int) -> None:
        """Keep what a venue said its name is; `recorded_ms` on the wire clock, ms UTC."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO alternative_venues VALUES (%s, %s, %s)
                    ON CONFLICT (address) DO UPDATE SET venue = excluded.venue, recorded_at = excluded.recorded_at
                 WHERE alternative_venues.venue <> excluded.venue
                """,
                (address, venue, to_datetime(recorded_ms)),
            )

    def venue(self, address: str) -> str | None:
        """The name; None where nothing of the venue was ever stored."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT venue FROM alternative_venues WHERE address = %s", (address,)).fetchone()
        return None if row is None else str(row[0])

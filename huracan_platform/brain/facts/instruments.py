"""What venues say about their instruments: every version is kept, the newest one counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.brain.facts.series import ensure_series
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Instrument, Pin

_LOCK = 0x494E_5354


class InstrumentRepository:
    """Tick, lot and limits of each (venue, symbol), Decimal throughout."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, instruments: Iterable[Instrument], recorded_at_ms: int, *, known_at_ms: int | None = None) -> UpsertResult:
        """Store what differs from the newest version.

        `recorded_at_ms` on the wire clock, `known_at_ms` on the market clock (None: the same), both ms UTC.
        """
        wanted = list(instruments)
        known_at = to_datetime(recorded_at_ms if known_at_ms is None else known_at_ms)
        inserted = revised = 0
        with self._brain.connect() as connection:
            # Versions are numbered by reading the newest one, so writers take turns.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            current = {(i.venue, i.symbol): (i, version) for i, version in _newest(connection, Pin())}
            for instrument in wanted:
                before, version = current.get((instrument.venue, instrument.symbol), (None, 0))
                if before == instrument:
                    continue
                number = ensure_series(connection, instrument.venue, [instrument.symbol])[instrument.symbol]
                connection.execute(
                    "INSERT INTO instruments VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (number, version + 1, known_at, to_datetime(recorded_at_ms), *astuple(instrument)[2:]),
                )
                inserted, revised = inserted + (before is None), revised + (before is not None)
        return UpsertResult(inserted, revised, len(wanted) - inserted - revised)

    def load(self, venue: str, pin: Pin | None = None) -> dict[str, Instrument]:
        """The venue's instruments by symbol, as the pin sees them; None means the newest versions."""
        with self._brain.connect() as connection:
            return {i.symbol: i for i, _ in _newest(connection, pin or Pin()) if i.venue == venue}


def _newest(connection: psycopg.Connection[Any], pin: Pin) -> list[tuple[Instrument, int]]:
    rows = connection.execute(
        """
        SELECT DISTINCT ON (series_id) version, venue, symbol, tick_size, lot_size, min_quantity, min_notional, max_quantity
          FROM instruments JOIN series USING (series_id)
         WHERE (%(as_of)s::timestamptz IS NULL OR known_at <= %(as_of)s)
           AND (%(recorded)s::timestamptz IS NULL OR recorded_at <= %(recorded)s)
         ORDER BY series_id, version DESC
        """,
        {"as_of": pin.as_of, "recorded": pin.recorded_before},
    )
    return [(Instrument(*row[1:]), row[0]) for row in rows]

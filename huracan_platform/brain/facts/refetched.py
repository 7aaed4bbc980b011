"""The ledger of rows that came from another venue than the one under which they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import MINUTE_MS, to_datetime, to_ms
from huracan_platform.contracts.market import Int64, Pin
from huracan_platform.contracts.quality import Refetched


@dataclass(frozen=True)
class LentWindow:
    """A window and when it was lent (wire clock); where own rows took its place, when (wire) and since when known (market)."""

    window: Refetched
    recorded_at: datetime
    replaced_at: datetime | None
    replaced_known_at: datetime | None

    def stands(self, pin: Pin) -> bool:
        """Whether the pin sees its lent rows, as `RefetchedWindows.standing`."""
        seen, as_of = pin.recorded_before, pin.as_of
        if seen is not None and self.recorded_at > seen:
            return False
        if self.replaced_at is None or (seen is not None and self.replaced_at > seen):
            return True
        return as_of is not None and self.replaced_known_at is not None and self.replaced_known_at > as_of


class RefetchedWindows:
    """Windows of a venue's series that hold another venue's rows."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def standing(
        self, venue: str, dataset: str, symbol: str, start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> list[Refetched]:
        """Windows that touch [start_ms, end_ms) and hold another venue's rows, in time order.

        With a pin those whose lent rows it sees: what was lent or replaced after `pin.recorded_before`, or replaced by rows
        that are known only after `pin.as_of`, is as it was before.
        """
        found = self.all(venue, dataset, symbol, start_ms, end_ms)
        return [one.window for one in found if one.stands(pin or Pin())]

    def all(self, venue: str, dataset: str, symbol: str, start_ms: int, end_ms: int) -> list[LentWindow]:
        """Windows that touch [start_ms, end_ms) and ever held another venue's rows, in time order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT start_ts, end_ts, source, recorded_at, replaced_at, replaced_known_at FROM refetched_windows
                 WHERE venue = %s AND dataset = %s AND symbol = %s AND start_ts < %s AND end_ts > %s ORDER BY start_ts, window_id
                """,
                (venue, dataset, symbol, to_datetime(end_ms), to_datetime(start_ms)),
            ).fetchall()
        return [LentWindow(Refetched(symbol, to_ms(first), to_ms(end), source), *told) for first, end, source, *told in rows]

    def lend(self, venue: str, dataset: str, found: Sequence[Refetched], recorded_at_ms: int) -> None:
        """Note windows that are about to hold another venue's rows; one that was replaced before stands again."""
        with self._brain.connect() as connection:
            _insert(connection, venue, dataset, found, recorded_at_ms)

    def replace(self, venue: str, dataset: str, symbol: str, own_ms: Int64, recorded_at_ms: int, known_ms: int) -> None:
        """Close what the venue's own rows at the given times, in time order, took the place of; the rest of a window stands.

        `recorded_at_ms` on the wire clock; `known_ms`, since when those rows are known, on the market clock; both ms UTC.
        """
        if len(own_ms) == 0:
            return
        for one in self.standing(venue, dataset, symbol, int(own_ms[0]), int(own_ms[-1]) + MINUTE_MS):
            minutes = np.arange(one.start_ms, one.end_ms, MINUTE_MS, dtype=np.int64)
            rest = np.setdiff1d(minutes, own_ms, assume_unique=True)
            if len(rest) == len(minutes):
                continue
            breaks = np.flatnonzero(np.diff(rest) != MINUTE_MS) + 1
            left = [
                Refetched(symbol, int(run[0]), int(run[-1]) + MINUTE_MS, one.source)
                for run in np.split(rest, breaks) if len(run)
            ]
            # One transaction: no moment at which the rest of a window is called the venue's own.
            with self._brain.connect() as connection:
                connection.execute(
                    """
                    UPDATE refetched_windows SET replaced_at = %s, replaced_known_at = %s
                     WHERE venue = %s AND dataset = %s AND symbol = %s AND start_ts = %s AND end_ts = %s AND source = %s
                       AND replaced_at IS NULL
                    """,
                    (
                        to_datetime(recorded_at_ms), to_datetime(known_ms), venue, dataset, symbol,
                        to_datetime(one.start_ms), to_datetime(one.end_ms), one.source,
                    ),
                )
                _insert(connection, venue, dataset, left, recorded_at_ms)

    def sources(self) -> list[dict[str, Any]]:
        """Per venue, dataset, symbol and source: first and last time and minutes of the rows that stand for it."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT venue, dataset, symbol, source, min(start_ts), max(end_ts),
                       (extract(epoch FROM sum(end_ts - start_ts)) / 60)::integer
                  FROM refetched_windows WHERE replaced_at IS NULL
                 GROUP BY venue, dataset, symbol, source ORDER BY venue, dataset, symbol, source
                """
            ).fetchall()
        names = ("venue", "dataset", "symbol", "source", "first", "last", "minutes")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _insert(
    connection: psycopg.Connection[Any], venue: str, dataset: str, found: Sequence[Refetched], recorded_at_ms: int
) -> None:
    at = to_datetime(recorded_at_ms)
    connection.cursor().executemany(
        """
        INSERT INTO refetched_windows (venue, dataset, symbol, start_ts, end_ts, source, recorded_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [(venue, dataset, one.symbol, to_datetime(one.start_ms), to_datetime(one.end_ms), one.source, at) for one in found],
    )

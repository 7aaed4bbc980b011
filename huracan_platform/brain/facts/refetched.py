"""The ledger of rows that came from another venue than the one under which they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import MINUTE_MS, to_datetime, to_ms
from huracan_platform.contracts.market import Int64, Pin
from huracan_platform.contracts.quality import Refetched


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
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT start_ts, end_ts, source FROM refetched_windows
                 WHERE venue = %(venue)s AND dataset = %(dataset)s AND symbol = %(symbol)s AND start_ts < %(end)s
                   AND end_ts > %(start)s AND recorded_at <= %(seen)s::timestamptz
                   AND (replaced_at IS NULL OR replaced_at > %(seen)s::timestamptz OR replaced_known_at > %(as_of)s::timestamptz)
                 ORDER BY start_ts
                """,
                {
                    "venue": venue, "dataset": dataset, "symbol": symbol, "start": to_datetime(start_ms),
                    "end": to_datetime(end_ms), "seen": (pin and pin.recorded_before) or "infinity",
                    "as_of": (pin and pin.as_of) or "infinity",
                },
            ).fetchall()
        return [Refetched(symbol, to_ms(start), to_ms(end), source) for start, end, source in rows]

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

"""The ledger of rows that came from another venue than the one under which they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.quality import Refetched


class RefetchedWindows:
    """Windows of a venue's series that hold another venue's rows."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def standing(self, venue: str, dataset: str, symbol: str, start_ms: int, end_ms: int) -> list[Refetched]:
        """Windows that touch [start_ms, end_ms) and still hold another venue's rows, in time order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT start_ts, end_ts, source FROM refetched_windows
                 WHERE venue = %s AND dataset = %s AND symbol = %s AND start_ts < %s AND end_ts > %s AND replaced_at IS NULL
                 ORDER BY start_ts
                """,
                (venue, dataset, symbol, to_datetime(end_ms), to_datetime(start_ms)),
            ).fetchall()
        return [Refetched(symbol, to_ms(start), to_ms(end), source) for start, end, source in rows]

    def record(
        self, venue: str, dataset: str, symbol: str, days: Sequence[tuple[int, int]], found: Sequence[Refetched],
        recorded_at_ms: int,
    ) -> None:
        """Note what of the days, each [start_ms, end_ms), holds another venue's rows now; other windows of them are replaced."""
        at = to_datetime(recorded_at_ms)
        windows = [(to_datetime(one.start_ms), to_datetime(one.end_ms), one.source) for one in found]
        with self._brain.connect() as connection:
            connection.execute(
                """
                UPDATE refetched_windows SET replaced_at = %s
                 WHERE venue = %s AND dataset = %s AND symbol = %s AND replaced_at IS NULL
                   AND EXISTS (SELECT FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS day (first, last)
                                WHERE start_ts >= first AND start_ts < last)
                   AND NOT EXISTS (SELECT FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::text[]) AS still (a, b, name)
                                    WHERE start_ts = a AND end_ts = b AND source = name)
                """,
                (
                    at, venue, dataset, symbol, [to_datetime(a) for a, _ in days], [to_datetime(b) for _, b in days],
                    *([window[k] for window in windows] for k in range(3)),
                ),
            )
            connection.cursor().executemany(
                """
                INSERT INTO refetched_windows (venue, dataset, symbol, start_ts, end_ts, source, recorded_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
                """,
                [(venue, dataset, symbol, *window, at) for window in windows],
            )

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

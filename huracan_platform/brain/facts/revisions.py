"""The ledger of corrections, read from the versions that every fact table keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.series import find_series
from huracan_platform.brain.facts.table import FactTable, column_list
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.revision import Revision


@dataclass(frozen=True)
class PinnedSpan:
    """A read that was made once: facts with start_ms ≤ ts < end_ms (ms UTC) at a pin."""

    start_ms: int
    end_ms: int
    pin: Pin


class Revisions:
    """Corrections of one fact table's rows."""

    def __init__(self, brain: Brain, table: FactTable) -> None:
        self._brain = brain
        self._table = table

    def series(self) -> list[tuple[str, str]]:
        """Venue and symbol of every series with rows in the table."""
        query = sql.SQL("SELECT venue, symbol FROM series WHERE EXISTS (SELECT FROM {} f WHERE f.series_id = series.series_id)")
        with self._brain.connect() as connection:
            made = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (self._table.name,)).fetchone()
            if made != (True,):  # a source's table comes with its first rows
                return []
            rows = connection.execute(query.format(self._table.main) + sql.SQL(" ORDER BY venue, symbol")).fetchall()
        return [(str(venue), str(symbol)) for venue, symbol in rows]

    def between(self, venue: str, symbol: str, start_ms: int, end_ms: int) -> list[Revision]:
        """Corrections of facts with start_ms ≤ ts < end_ms (ms UTC), by ts and version."""
        values = self._table.values
        query = sql.SQL("""
            WITH versions AS (
                SELECT {columns} FROM {main} WHERE series_id = %(series)s AND ts >= %(start)s AND ts < %(end)s
                UNION ALL SELECT {columns} FROM {history} WHERE series_id = %(series)s AND ts >= %(start)s AND ts < %(end)s
            )
            SELECT later.ts, later.version, later.known_at, later.recorded_at, {before}, {after}
              FROM versions later JOIN versions earlier
                ON (earlier.ts, earlier.version) = (later.ts, later.version - 1) ORDER BY later.ts, later.version
        """).format(
            columns=column_list(self._table.stored), main=self._table.main, history=self._table.history,
            before=column_list(values, "earlier"), after=column_list(values, "later"),
        )
        with self._brain.connect() as connection:
            number = find_series(connection, venue, [symbol]).get(symbol)
            rows = connection.execute(
                query, {"series": number, "start": to_datetime(start_ms), "end": to_datetime(end_ms)}
            ).fetchall()
        found = []
        for ts, version, known, recorded, *both in rows:
            pairs = list(zip(values, both[:len(values)], both[len(values):], strict=True))
            differing = [(name, old, new) for name, old, new in pairs if old != new]
            found.append(Revision(
                self._table.name, venue, symbol, to_ms(ts), version, to_ms(known), to_ms(recorded),
                {name: old for name, old, _ in differing}, {name: new for name, _, new in differing},
            ))
        return found

    def last_written(self, venue: str, symbol: str, start_ms: int, end_ms: int) -> datetime | None:
        """Wire time of the newest version of any fact with start_ms ≤ ts < end_ms (ms UTC); None where there is none."""
        query = sql.SQL("SELECT max(recorded_at) FROM {} WHERE series_id = %s AND ts >= %s AND ts < %s").format(self._table.main)
        with self._brain.connect() as connection:
            number = find_series(connection, venue, [symbol]).get(symbol)
            row = connection.execute(query, (number, to_datetime(start_ms), to_datetime(end_ms))).fetchone()
        return None if row is None else row[0]

    def changed_since(self, venue: str, symbol: str, reads: Sequence[PinnedSpan]) -> list[int]:
        """For each read the number of its keys that have another value now than it saw.

        Keys that were recorded after it count; one that it left out because it was not known yet does not, nor its corrections.
        """
        query = sql.SQL("""
            SELECT (
                SELECT count(*) FROM {main} AS current
                 WHERE series_id = %(series)s AND ts >= first AND ts < until
                   AND NOT (recorded_at <= seen AND (known_at <= as_of OR version = 1))
                   AND NOT EXISTS (
                       SELECT FROM {history} AS before
                        WHERE before.series_id = current.series_id AND before.ts = current.ts AND before.recorded_at <= seen
                          AND (before.version = 1 AND before.known_at > as_of  -- no version of it was seen, nor could be
                               OR before.known_at <= as_of AND NOT ({differs})
                                  AND NOT (successor_known_at <= as_of AND successor_recorded_at <= seen))
                   )
            ) FROM unnest(%(first)s::timestamptz[], %(until)s::timestamptz[], %(as_of)s::timestamptz[], %(seen)s::timestamptz[])
                   WITH ORDINALITY AS reads (first, until, as_of, seen, number) ORDER BY number
        """).format(main=self._table.main, history=self._table.history, differs=self._table.differs("current", "before"))
        with self._brain.connect() as connection:
            rows = connection.execute(query, {
                "series": find_series(connection, venue, [symbol]).get(symbol),
                "first": [to_datetime(read.start_ms) for read in reads], "until": [to_datetime(read.end_ms) for read in reads],
                "as_of": [_bound(read.pin.as_of) for read in reads],
                "seen": [_bound(read.pin.recorded_before) for read in reads],
            }).fetchall()
        return [int(row[0]) for row in rows]


def _bound(moment: datetime | None) -> str:
    return "infinity" if moment is None else moment.isoformat()

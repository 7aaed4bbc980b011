"""The manifest of feature days: append-only, the newest version of a day counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.feature_days import FeatureDay, FeatureDaySymbol
from huracan_platform.contracts.market import Pin

_DAY = "venue, day, feature_set, profile, set_hash, code_version, content_hash, path, checkpoints_path"
_SYMBOL = (
    "symbol, row_count, rows_hash, input_hash, genesis, start_checkpoint, end_checkpoint, as_of, recorded_before, "
    "second_venue"
)

# Made from inputs of a later pin. A bound that is null is later than nothing.
_LATER = "(s.recorded_before > %s OR s.as_of > %s)"


class FeatureDayRepository:
    """Reads of the manifest, and the one way to add to it."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def newest(
        self, venue: str, set_hash: str, first: date, last: date, pin: Pin | None = None,
    ) -> dict[date, FeatureDay]:
        """Newest version of each day from `first` to `last`, both inclusive.

        With a pin only versions count whose inputs were read at one that is not later in either bound: they hold nothing
        that a read of facts at the same pin would not see.
        """
        with self._brain.connect() as connection:
            return _newest(connection, venue, set_hash, first, last, pin or Pin())

    def newest_before(
        self, venue: str, set_hash: str, symbol: str, day: date, pin: Pin | None = None,
    ) -> FeatureDay | None:
        """The last stored day before `day` that holds the symbol, in its newest version that the pin sees."""
        with self._brain.connect() as connection:
            return _newest_before(connection, venue, set_hash, symbol, day, pin or Pin())

    def checkpoint_file(self, end_checkpoint: str) -> str | None:
        """Path of a file that holds the checkpoint of this SHA-256, None when no day ever ended with it."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT checkpoints_path FROM feature_days JOIN feature_day_symbols USING (feature_day_id) "
                "WHERE end_checkpoint = %s ORDER BY feature_day_id LIMIT 1",
                (end_checkpoint,),
            ).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def writing(self, venue: str, set_hash: str) -> Iterator[FeatureDayWriter]:
        """One transaction that alone may write this feature set's days at this venue; others wait for it."""
        with self._brain.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"feature_days|{venue}|{set_hash}",))
            yield FeatureDayWriter(connection, venue, set_hash)


class FeatureDayWriter:
    """The manifest as its only writer sees it; made by `FeatureDayRepository.writing`."""

    def __init__(self, connection: psycopg.Connection[Any], venue: str, set_hash: str) -> None:
        self._connection = connection
        self._venue = venue
        self._set_hash = set_hash

    def newest(self, first: date, last: date) -> dict[date, FeatureDay]:
        """As `FeatureDayRepository.newest`."""
        return _newest(self._connection, self._venue, self._set_hash, first, last, Pin())

    def newest_before(self, symbol: str, day: date) -> FeatureDay | None:
        """As `FeatureDayRepository.newest_before`."""
        return _newest_before(self._connection, self._venue, self._set_hash, symbol, day, Pin())

    def append(self, days: Sequence[FeatureDay], recorded_at: datetime) -> None:
        """Add versions of days; they are seen when the transaction commits."""
        for day in days:
            row = self._connection.execute(
                f"INSERT INTO feature_days ({_DAY}, row_count, recorded_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING feature_day_id",
                (day.venue, day.day, day.feature_set, day.profile, day.set_hash, day.code_version, day.content_hash,
                 day.path, day.checkpoints_path, day.rows, recorded_at),
            ).fetchone()
            assert row is not None
            with self._connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO feature_day_symbols (feature_day_id, {_SYMBOL}) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [(row[0], s.symbol, s.rows, s.rows_hash, s.input_hash, s.genesis, s.start_checkpoint, s.end_checkpoint,
                      s.as_of, s.recorded_before, s.second_venue) for s in day.symbols.values()],
                )


def _newest(
    connection: psycopg.Connection[Any], venue: str, set_hash: str, first: date, last: date, pin: Pin,
) -> dict[date, FeatureDay]:
    days = connection.execute(
        f"SELECT DISTINCT ON (day) feature_day_id, {_DAY} FROM feature_days "
        "WHERE venue = %s AND set_hash = %s AND day BETWEEN %s AND %s AND NOT EXISTS ("
        f"SELECT FROM feature_day_symbols s WHERE s.feature_day_id = feature_days.feature_day_id AND {_LATER}) "
        "ORDER BY day, feature_day_id DESC",
        (venue, set_hash, first, last, pin.recorded_before, pin.as_of),
    ).fetchall()
    parts: dict[int, dict[str, FeatureDaySymbol]] = defaultdict(dict)
    for number, *values in connection.execute(
        f"SELECT feature_day_id, {_SYMBOL} FROM feature_day_symbols WHERE feature_day_id = ANY(%s) ORDER BY symbol",
        ([row[0] for row in days],),
    ):
        parts[number][values[0]] = FeatureDaySymbol(*values)
    named = ((row[0], dict(zip(_DAY.split(", "), row[1:], strict=True))) for row in days)
    return {values["day"]: FeatureDay(**values, symbols=parts[number]) for number, values in named}


def _newest_before(
    connection: psycopg.Connection[Any], venue: str, set_hash: str, symbol: str, day: date, pin: Pin,
) -> FeatureDay | None:
    row = connection.execute(
        "SELECT max(day) FROM feature_days d JOIN feature_day_symbols USING (feature_day_id) "
        "WHERE venue = %s AND set_hash = %s AND symbol = %s AND day < %s AND NOT EXISTS ("
        f"SELECT FROM feature_day_symbols s WHERE s.feature_day_id = d.feature_day_id AND {_LATER})",
        (venue, set_hash, symbol, day, pin.recorded_before, pin.as_of),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return _newest(connection, venue, set_hash, row[0], row[0], pin)[row[0]]

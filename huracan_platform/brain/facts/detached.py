"""Days of liquidations that leave the library for files, and come back: the owner's work."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import day_of, to_datetime
from huracan_platform.contracts.detached import DetachedDay
from huracan_platform.errors import PermanentError

DATASET = "liquidations"
COLUMNS = (
    "liquidation_id", "version", "timestamp", "known_at", "recorded_at", "exchange", "symbol", "side", "size_usd", "price",
    "liquidation_type",
)


class DetachedDays:
    """Partitions of liquidations, and the ledger of those that are not in the library any more."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def all(self) -> list[DetachedDay]:
        """In order of days."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT dataset, day, rows, file, sha256 FROM detached_days ORDER BY dataset, day"
            ).fetchall()
        return [DetachedDay(*row) for row in rows]

    def partitions(self) -> list[date]:
        """Days that have a partition, in order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'liquidations'::regclass"
            ).fetchall()
        return sorted(_day_of(name) for (name,) in rows)

    def newest(self) -> date | None:
        """The last day with a liquidation; None where there is none."""
        with self._brain.connect() as connection:
            row = connection.execute('SELECT max("timestamp") FROM liquidations').fetchone()
        return None if row is None or row[0] is None else row[0].date()

    def rows(self, day: date) -> list[tuple[Any, ...]]:
        """Every version of the day's liquidations as `COLUMNS`, by their key."""
        query = sql.SQL("SELECT {} FROM {} ORDER BY 3, 1, 2").format(_columns(), _partition(day))
        with self._brain.connect() as connection:
            return connection.execute(query).fetchall()

    def detach(self, told: DetachedDay, wire_ms: int) -> None:
        """Drop the day's partition and note where its rows are, in one transaction.

        Raises
        ------
        PermanentError
            Rows came since the file was written; nothing is dropped then.
        """
        name = _partition(told.day)
        with self._brain.connect() as connection:
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute(sql.SQL("LOCK TABLE liquidations, {} IN ACCESS EXCLUSIVE MODE").format(name))
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
            if row is None or row[0] != told.rows:
                raise PermanentError(f"detach {told.day}: expected {told.rows} rows as in {told.file}, got {row and row[0]}")
            connection.execute(sql.SQL("ALTER TABLE liquidations DETACH PARTITION {}").format(name))
            connection.execute(sql.SQL("DROP TABLE {}").format(name))
            connection.execute(
                "INSERT INTO detached_days (dataset, day, rows, file, sha256, detached_at) VALUES (%s, %s, %s, %s, %s, %s)",
                (told.dataset, told.day, told.rows, told.file, told.sha256, to_datetime(wire_ms)),
            )

    def attach(self, day: date, rows: list[tuple[Any, ...]]) -> int:
        """Put a detached day's rows back and strike it from the ledger; returns how many were not there."""
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT make_liquidations_day(%s)", (day,))
            places = sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS))
            cursor.executemany(
                sql.SQL("INSERT INTO liquidations ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(_columns(), places), rows
            )
            count = cursor.rowcount
            cursor.execute("DELETE FROM detached_days WHERE dataset = %s AND day = %s", (DATASET, day))
            return count


def expect_attached(connection: psycopg.Connection[Any], dataset: str, start_ms: int, end_ms: int) -> None:
    """Raise where days of [start_ms, end_ms), ms UTC, were detached: without their rows an answer would be wrong.

    Raises
    ------
    PermanentError
        Names the days and the files.
    """
    rows = connection.execute(
        "SELECT day, file FROM detached_days WHERE dataset = %s AND day >= %s AND day <= %s ORDER BY day",
        (dataset, day_of(start_ms), day_of(max(start_ms, end_ms - 1))),
    ).fetchall()
    if rows:
        days = f"{rows[0][0]} to {rows[-1][0]}" if len(rows) > 1 else str(rows[0][0])
        raise PermanentError(
            f"{dataset}: expected days in the library, got {len(rows)} detached, {days}, to {rows[0][1]} … "
            f"(huracan data attach {dataset} --day DAY brings one back)"
        )


def _columns() -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, COLUMNS))


def _partition(day: date) -> sql.Identifier:
    return sql.Identifier(f"liquidations_{day:%Y%m%d}")


def _day_of(name: str) -> date:
    text = name.removeprefix("liquidations_")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


"""Days of what is recorded that leave the library for files, and come back: the owner's work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import day_of, to_datetime
from huracan_platform.contracts.detached import DetachedDay
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, TRADE_SECOND_COLUMNS
from huracan_platform.errors import PermanentError

ROWS_AT_A_TIME = 50_000


@dataclass(frozen=True)
class DayTable:
    """A table with a partition per UTC day: its columns with their types, the one of its time, its key.

    Numbers of series mean something in one library only: in files there is the series' venue and symbol instead.
    """

    name: str
    columns: Mapping[str, str]
    time: str
    key: tuple[str, ...]
    has_series: bool

    @property
    def filed(self) -> tuple[str, ...]:
        """Columns as they are in files."""
        return (("venue", "symbol") if self.has_series else ()) + tuple(self.columns)

    def partition(self, day: date) -> sql.Identifier:
        """The day's table."""
        return sql.Identifier(f"{self.name}_{day:%Y%m%d}")


def _seconds(name: str, values: Sequence[str]) -> DayTable:
    columns = {"version": "integer", "ts": "timestamptz", "known_at": "timestamptz", "recorded_at": "timestamptz"}
    numbers = dict.fromkeys(values, "double precision")
    return DayTable(name, MappingProxyType(columns | numbers), "ts", ("ts", "series_id"), has_series=True)


TABLES: Mapping[str, DayTable] = MappingProxyType({
    "liquidations": DayTable(
        "liquidations",
        MappingProxyType({
            "liquidation_id": "text", "version": "integer", "timestamp": "timestamptz", "known_at": "timestamptz",
            "recorded_at": "timestamptz", "exchange": "text", "symbol": "text", "side": "text", "size_usd": "double precision",
            "price": "double precision", "liquidation_type": "text",
        }),
        "timestamp", ("timestamp", "liquidation_id", "version"), has_series=False,
    ),
    "trades": _seconds("trade_seconds", TRADE_SECOND_COLUMNS),
    "book": _seconds("book_seconds", BOOK_SECOND_COLUMNS),
})


class DetachedDays:
    """Partitions of a dataset of `TABLES`, and the ledger of those that are not in the library any more."""

    def __init__(self, brain: Brain, dataset: str) -> None:
        self._brain, self._dataset, self.table = brain, dataset, TABLES[dataset]

    def all(self) -> list[DetachedDay]:
        """In order of days."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT dataset, day, rows, file, sha256 FROM detached_days WHERE dataset = %s ORDER BY day", (self._dataset,)
            ).fetchall()
        return [DetachedDay(*row) for row in rows]

    def partitions(self) -> list[date]:
        """Days that have a partition, in order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = %s::regclass",
                (self.table.name,),
            ).fetchall()
        return sorted(_day_of(name) for (name,) in rows)

    def newest(self) -> date | None:
        """The last day with a row; None where there is none."""
        query = sql.SQL("SELECT max({}) FROM {}").format(sql.Identifier(self.table.time), sql.Identifier(self.table.name))
        with self._brain.connect() as connection:
            row = connection.execute(query).fetchone()
        return None if row is None or row[0] is None else row[0].date()

    def rows(self, day: date) -> Iterator[list[tuple[Any, ...]]]:
        """Every row of the day's partition as `table.filed`, by its key, some ten thousand at a time."""
        source = sql.SQL("{} JOIN series USING (series_id)") if self.table.has_series else sql.SQL("{}")
        query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
            _list(self.table.filed), source.format(self.table.partition(day)), _list(self.table.key)
        )
        with self._brain.connect() as connection, connection.cursor(name="detached") as cursor:
            cursor.execute(query)
            while found := cursor.fetchmany(ROWS_AT_A_TIME):
                yield found

    def detach(self, told: DetachedDay, wire_ms: int) -> None:
        """Drop the day's partition and note where its rows are, in one transaction.

        Raises
        ------
        PermanentError
            Rows came since the file was written; nothing is dropped then.
        """
        name, parent = self.table.partition(told.day), sql.Identifier(self.table.name)
        with self._brain.connect() as connection:
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute(sql.SQL("LOCK TABLE {}, {} IN ACCESS EXCLUSIVE MODE").format(parent, name))
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
            if row is None or row[0] != told.rows:
                raise PermanentError(f"detach {told.day}: expected {told.rows} rows as in {told.file}, got {row and row[0]}")
            connection.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, name))
            connection.execute(sql.SQL("DROP TABLE {}").format(name))
            connection.execute(
                "INSERT INTO detached_days (dataset, day, rows, file, sha256, detached_at) VALUES (%s, %s, %s, %s, %s, %s)",
                (told.dataset, told.day, told.rows, told.file, told.sha256, to_datetime(wire_ms)),
            )

    def attach(self, day: date, rows: Iterable[tuple[Any, ...]]) -> int:
        """Put a detached day's rows, as `table.filed`, back and strike it from the ledger; returns how many were not there."""
        table, filed = self.table, _list(self.table.filed)
        types = {"venue": "text", "symbol": "text", **table.columns}
        staged = sql.SQL(", ").join(sql.SQL("{} " + types[name]).format(sql.Identifier(name)) for name in table.filed)
        source = sql.SQL("returned JOIN series USING (venue, symbol)" if table.has_series else "returned")
        columns = _list((*(("series_id",) if table.has_series else ()), *table.columns))
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL timezone = 'UTC'")
            cursor.execute(sql.SQL("CREATE TEMPORARY TABLE returned ({}) ON COMMIT DROP").format(staged))
            with cursor.copy(sql.SQL("COPY returned ({}) FROM STDIN").format(filed)) as copy:
                for row in rows:
                    copy.write_row(row)
            if table.has_series:
                cursor.execute(
                    "INSERT INTO series (venue, symbol) SELECT DISTINCT venue, symbol FROM returned ON CONFLICT DO NOTHING"
                )
                cursor.execute("SELECT make_seconds_day(%s, %s)", (table.name, day))
            else:
                cursor.execute("SELECT make_liquidations_day(%s)", (day,))
            cursor.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                    sql.Identifier(table.name), columns, columns, source
                )
            )
            count = cursor.rowcount
            cursor.execute("DELETE FROM detached_days WHERE dataset = %s AND day = %s", (self._dataset, day))
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


def _list(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _day_of(name: str) -> date:
    text = name.rsplit("_", 1)[1]
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))

"""Versioned facts: what candles, funding rates and later tables have in common.

A fact's key is (venue, symbol, ts). Its first version is known at a time the source tells; a correction becomes the
current version and the old one moves to the history table, both in one transaction. Within a key neither known_at nor
recorded_at ever goes back, so what a pinned read may see of a key is always its first n versions.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.copy_binary import as_timestamptz, pack_rows
from huracan_platform.brain.series import ensure_series, find_series
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import Float64, Int64, Pin
from huracan_platform.errors import DataContractError, PermanentError

KEY = ("symbol", "ts_ms")


@dataclass(frozen=True)
class FactTable:
    """A main table `name` and its `<name>_history`, with `values` as double precision columns."""

    name: str
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a batch: key, values, and when the first version was known."""
        return (*KEY, *self.values, "known_at_ms")

    @property
    def lock_class(self) -> int:
        """First half of the advisory locks on this table's series."""
        return zlib.crc32(self.name.encode()) & 0x7FFF_FFFF


@dataclass(frozen=True)
class UpsertResult:
    """What a write did, in rows. `unchanged` ones were in the library already with the same values."""

    inserted: int
    revised: int
    unchanged: int

    @property
    def changed(self) -> int:
        """Rows inserted or revised."""
        return self.inserted + self.revised


class FactRepository:
    """Writes and pinned reads of one fact table."""

    table: FactTable

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def upsert(
        self, venue: str, batch: pa.Table, recorded_at_ms: int, *, revision_known_at_ms: int | None = None
    ) -> UpsertResult:
        """Store a batch: new keys inserted, changed values as new versions, equal ones skipped. All or nothing.

        Parameters
        ----------
        venue
            Name of the venue, half of the key.
        batch
            Columns `symbol`, `ts_ms`, the table's values, `known_at_ms`, in any order of rows; ms UTC. `known_at_ms`
            counts for keys that are new.
        recorded_at_ms
            Wire clock, ms UTC.
        revision_known_at_ms
            Market clock, ms UTC: since when corrections in this batch are known. None means `recorded_at_ms`.
            A correction is never known before what it corrects: an earlier time is raised to that.

        Raises
        ------
        DataContractError
            Wrong columns or types, null, NaN, a key twice, or known before it happened.
        PermanentError
            A corrected version was recorded later than `recorded_at_ms`.
        TransientError
            The database went away or refused; nothing was stored.
        """
        columns = self._checked(batch)
        if batch.num_rows == 0:
            return UpsertResult(0, 0, 0)
        with self._brain.connect() as connection:
            self._stage(connection, venue, columns)
            known_at = to_datetime(recorded_at_ms if revision_known_at_ms is None else revision_known_at_ms)
            times = {"recorded_at": to_datetime(recorded_at_ms), "known_at": known_at}
            revised = self._supersede(connection, venue, times)
            changed = self._merge(connection, times)
        return UpsertResult(changed - revised, revised, batch.num_rows - changed)

    def read_table(self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None) -> pa.Table:
        """Facts with start_ms ≤ ts < end_ms as columns `symbol`, `ts_ms` and the values, sorted by the order of
        `symbols`, then time. A symbol that the library does not know has no rows. `pin` None reads the newest versions."""
        arrays = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        parts = [
            pa.table({"symbol": pa.array([s] * len(c["ts_ms"]), pa.string()), **{n: pa.array(v) for n, v in c.items()}})
            for s, c in arrays.items()
        ]
        return pa.concat_tables(parts)

    def bounds(self, venue: str, symbol: str) -> tuple[int, int] | None:
        """First and last ts in ms UTC, both included; None when there is nothing."""
        with self._brain.connect() as connection:
            row = connection.execute(
                sql.SQL(
                    "SELECT min(ts), max(ts) FROM {} JOIN series USING (series_id) WHERE venue = %s AND symbol = %s"
                ).format(sql.Identifier(self.table.name)),
                (venue, symbol),
            ).fetchone()
        return None if row is None or row[0] is None else (to_ms(row[0]), to_ms(row[1]))

    def content_hash(self, venue: str, symbol: str, start_ms: int, end_ms: int, pin: Pin | None = None) -> str:
        """SHA-256 of keys and values with start_ms ≤ ts < end_ms; the three times' other two are not in it."""
        arrays = self._read(venue, [symbol], start_ms, end_ms, pin or Pin())[symbol]
        return hash_arrays(arrays, header={"dataset": self.table.name, "venue": venue, "symbol": symbol})

    def _checked(self, batch: pa.Table) -> dict[str, Any]:
        name = self.table.name
        if sorted(batch.column_names) != sorted(self.table.columns):
            raise DataContractError(f"{name}: expected columns {', '.join(self.table.columns)}; got {', '.join(batch.column_names)}")
        types = {"symbol": pa.string(), "ts_ms": pa.int64(), "known_at_ms": pa.int64()}
        columns: dict[str, Any] = {}
        for column in self.table.columns:
            wanted = types.get(column, pa.float64())
            try:
                cast = batch.column(column).cast(wanted).combine_chunks()
            except pa.ArrowException as error:
                raise DataContractError(f"{name}.{column}: expected {wanted}, got {batch.schema.field(column).type} ({error})") from None
            if cast.null_count:
                raise DataContractError(f"{name}.{column}: expected no nulls, got {cast.null_count}")
            columns[column] = cast.dictionary_encode() if column == "symbol" else cast.to_numpy(zero_copy_only=False)
        for column in self.table.values:
            if not np.isfinite(columns[column]).all():
                raise DataContractError(f"{name}.{column}: expected finite numbers, got {(~np.isfinite(columns[column])).sum()} others")
        early = columns["known_at_ms"] < columns["ts_ms"]
        if early.any():
            raise DataContractError(f"{name}: expected known_at ≥ ts, got {early.sum()} rows known before they happened")
        _refuse_duplicates(name, columns)
        return columns

    def _stage(self, connection: psycopg.Connection[Any], venue: str, columns: dict[str, Any]) -> None:
        """Lock the series until the end of the transaction, so that writers of one take turns, and copy the batch."""
        symbols = columns["symbol"].dictionary.to_pylist()
        numbers = ensure_series(connection, venue, symbols)
        connection.execute(
            "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s::int[]) AS number", (self.table.lock_class, sorted(numbers.values()))
        )
        connection.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE staged (series_id integer, ts timestamptz, known_at timestamptz, {}) ON COMMIT DROP"
            ).format(sql.SQL(", ").join(sql.SQL("{} double precision").format(sql.Identifier(v)) for v in self.table.values))
        )
        series = np.array([numbers[s] for s in symbols], np.int32)[columns["symbol"].indices.to_numpy()]
        order = np.lexsort((columns["ts_ms"], series))
        packed = pack_rows([
            series[order], as_timestamptz(columns["ts_ms"][order]), as_timestamptz(columns["known_at_ms"][order]),
            *(columns[v][order] for v in self.table.values),
        ])
        with connection.cursor().copy("COPY staged FROM STDIN (FORMAT binary)") as copy:
            copy.write(packed)

    def _supersede(self, connection: psycopg.Connection[Any], venue: str, times: dict[str, datetime]) -> int:
        """Move the current versions that the batch corrects to the history; returns how many."""
        row = connection.execute(
            sql.SQL("""
                WITH superseded AS (
                    INSERT INTO {history} ({columns}, successor_known_at, successor_recorded_at)
                    SELECT {columns_of_current}, greatest(current.known_at, %(known_at)s), %(recorded_at)s
                      FROM staged JOIN {table} AS current USING (series_id, ts) WHERE {differs}
                    RETURNING recorded_at
                )
                SELECT count(*), max(recorded_at) FROM superseded
            """).format(
                table=sql.Identifier(self.table.name), history=sql.Identifier(f"{self.table.name}_history"),
                columns=_list(self._stored), columns_of_current=_list(self._stored, "current"), differs=self._differs("current", "staged"),
            ),
            times,
        ).fetchone()
        revised, newest = row if row else (0, None)
        if newest is not None and newest > times["recorded_at"]:
            raise PermanentError(
                f"{self.table.name} {venue}: expected recorded_at not before {newest.isoformat()}, when the version to be corrected "
                f"was recorded; got {times['recorded_at'].isoformat()}"
            )
        return int(revised)

    def _merge(self, connection: psycopg.Connection[Any], times: dict[str, datetime]) -> int:
        """Insert what is new and put corrections in place; returns the number of rows written."""
        values = self.table.values
        statement = sql.SQL("""
            INSERT INTO {table} AS current (series_id, ts, known_at, version, recorded_at, {values})
            SELECT series_id, ts, known_at, 1, %(recorded_at)s, {values} FROM staged
            ON CONFLICT (series_id, ts) DO UPDATE SET version = current.version + 1, recorded_at = excluded.recorded_at,
                known_at = greatest(current.known_at, %(known_at)s), {assignments}
            WHERE {differs}
        """).format(
            table=sql.Identifier(self.table.name), values=_list(values), differs=self._differs("current", "excluded"),
            assignments=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(v)) for v in values),
        )
        return connection.execute(statement, times).rowcount

    @property
    def _stored(self) -> tuple[str, ...]:
        return ("series_id", "version", "ts", "known_at", "recorded_at", *self.table.values)

    def _differs(self, left: str, right: str) -> sql.Composed:
        return sql.SQL(" OR ").join(
            sql.SQL("{} IS DISTINCT FROM {}").format(sql.Identifier(left, v), sql.Identifier(right, v)) for v in self.table.values
        )

    def _read(self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin) -> dict[str, dict[str, Any]]:
        """Per symbol, in the given order, arrays `ts_ms` and the values, sorted by time."""
        with self._brain.connect() as connection:
            numbers = find_series(connection, venue, symbols)
        query = self._query(sorted(numbers.values()), start_ms, end_ms, pin)
        with self._brain.bulk() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            found = cursor.fetch_arrow_table()
        series = found.column("series_id").to_numpy()
        ts_ms: Int64 = found.column("ts").cast(pa.int64()).to_numpy() // 1000
        values: dict[str, Float64] = {v: found.column(v).to_numpy() for v in self.table.values}
        result = {}
        for symbol in symbols:
            first, last = np.searchsorted(series, [numbers.get(symbol, 0), numbers.get(symbol, 0) + 1])
            result[symbol] = {"ts_ms": ts_ms[first:last], **{v: column[first:last] for v, column in values.items()}}
        return result

    def _query(self, numbers: list[int], start_ms: int, end_ms: int, pin: Pin) -> str:
        # Literals instead of parameters: adbc streams a statement without parameters as COPY, twice as fast.
        in_range = sql.SQL("series_id = ANY({}::int[]) AND ts >= {} AND ts < {}").format(
            sql.Literal(numbers), sql.Literal(to_datetime(start_ms)), sql.Literal(to_datetime(end_ms))
        )
        pins = (("known_at", pin.as_of), ("recorded_at", pin.recorded_before))
        bounds = [(column, sql.Literal(_aware(column, moment))) for column, moment in pins if moment is not None]
        parts = {
            "columns": _list(("series_id", "ts", *self.table.values)), "table": sql.Identifier(self.table.name),
            "history": sql.Identifier(f"{self.table.name}_history"), "visible": sql.SQL(" AND ").join([in_range, *_at_most(bounds)]),
            "successor_visible": sql.SQL(" AND ").join(_at_most(bounds, "successor_")),
        }
        if not bounds:
            return sql.SQL("SELECT {columns} FROM {table} WHERE {visible} ORDER BY series_id, ts").format(**parts).as_string()
        # What the pin sees of a key are its first n versions. A superseded one is the last of them
        # when the pin does not see its successor: no join with the main table, no grouping.
        return sql.SQL("""
            SELECT {columns} FROM {table} WHERE {visible}
            UNION ALL
            SELECT {columns} FROM {history} WHERE {visible} AND NOT ({successor_visible})
            ORDER BY series_id, ts
        """).format(**parts).as_string()


def _list(columns: Sequence[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(*((table, c) if table else (c,))) for c in columns)


def _at_most(bounds: Sequence[tuple[str, sql.Literal]], prefix: str = "") -> list[sql.Composed]:
    return [sql.SQL("{} <= {}").format(sql.Identifier(prefix + column), bound) for column, bound in bounds]


def _aware(column: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise PermanentError(f"pin on {column}: expected an aware datetime, got naive {moment.isoformat()}")
    return moment


def _refuse_duplicates(name: str, columns: dict[str, Any]) -> None:
    symbols, ts = columns["symbol"].indices.to_numpy(), columns["ts_ms"]
    order = np.lexsort((ts, symbols))
    twice = (np.diff(ts[order]) == 0) & (np.diff(symbols[order]) == 0)
    if twice.any():
        at = order[int(np.argmax(twice))]
        symbol = columns["symbol"].dictionary[int(symbols[at])].as_py()
        raise DataContractError(
            f"{name}: expected each key once, got {int(twice.sum())} duplicates, first {symbol} {to_datetime(int(ts[at])).isoformat()}"
        )

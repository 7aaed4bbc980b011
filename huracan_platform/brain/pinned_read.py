"""The one query behind every read of facts: the version of each key that a pin sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from huracan_platform.brain.fact_table import FactTable, column_list
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.errors import PermanentError


def pinned_query(table: FactTable, series: Sequence[int], start_ms: int, end_ms: int, pin: Pin) -> str:
    """SELECT of series_id, ts and the values with start_ms ≤ ts < end_ms, by series and time.

    All literals stand in the text, because adbc streams a statement without parameters through COPY, twice as fast.

    Raises
    ------
    PermanentError
        A bound of the pin is a naive datetime.
    """
    in_range = sql.SQL("series_id = ANY({}::integer[]) AND ts >= {} AND ts < {}").format(
        sql.Literal(list(series)), sql.Literal(to_datetime(start_ms)), sql.Literal(to_datetime(end_ms))
    )
    seen, successor_seen = _seen(pin, ""), _seen(pin, "successor_")
    parts = {
        "columns": column_list(("series_id", "ts", *table.values)), "main": table.main, "history": table.history,
        "seen": sql.SQL(" AND ").join([in_range, *seen]), "successor_seen": sql.SQL(" AND ").join(successor_seen),
    }
    if not seen:
        return sql.SQL("SELECT {columns} FROM {main} WHERE {seen} ORDER BY series_id, ts").format(**parts).as_string()
    # What a pin sees of a key are its first n versions. A superseded one is the last of them when the pin does not
    # see its successor: no join with the main table and no grouping, so a pin costs little.
    return sql.SQL("""
        SELECT {columns} FROM {main} WHERE {seen}
        UNION ALL
        SELECT {columns} FROM {history} WHERE {seen} AND NOT ({successor_seen})
        ORDER BY series_id, ts
    """).format(**parts).as_string()


def _seen(pin: Pin, prefix: str) -> list[sql.Composed]:
    bounds = (("known_at", pin.as_of), ("recorded_at", pin.recorded_before))
    return [
        sql.SQL("{} <= {}").format(sql.Identifier(prefix + column), sql.Literal(_aware(column, moment)))
        for column, moment in bounds if moment is not None
    ]


def _aware(column: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise PermanentError(f"pin on {column}: expected an aware datetime, got naive {moment.isoformat()}")
    return moment

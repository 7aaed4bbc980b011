"""Liquidations with their versions, a partition per UTC day, and what they add up to per minute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.detached import expect_attached
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.clock import day_of, to_datetime, to_ms
from huracan_platform.contracts.liquidation import (
    MINUTE_COLUMNS,
    CascadeVotes,
    Liquidation,
    LiquidationMinutes,
    LiquidationType,
    StoredLiquidation,
    cascade_votes,
)
from huracan_platform.contracts.market import Pin

DATASET = "liquidations"


class LiquidationRepository:
    """Liquidations of all exchanges."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, liquidations: Sequence[Liquidation], recorded_at_ms: int) -> int:
        """Store those that are new, as single ones; returns how many."""
        with self._brain.connect() as connection, connection.cursor() as cursor:
            _make_partitions(connection, {day_of(told.ts_ms) for told in liquidations})
            cursor.executemany(
                """
                INSERT INTO liquidations (liquidation_id, version, "timestamp", known_at, recorded_at, exchange, symbol, side,
                                          size_usd, price, liquidation_type)
                VALUES (%s, 1, %s, %s, %s, %s, %s, %s, %s, %s, 'single') ON CONFLICT DO NOTHING
                """,
                [
                    (t.liquidation_id, to_datetime(t.ts_ms), to_datetime(t.known_ms), to_datetime(recorded_at_ms), t.exchange,
                     t.symbol, t.side, t.size_usd, t.price)
                    for t in liquidations
                ],
            )
            return cursor.rowcount

    def count(self, exchange: str, since_ms: int) -> int:
        """Liquidations of an exchange from a time in ms UTC on, whatever their versions."""
        with self._brain.connect() as connection:
            row = connection.execute(
                'SELECT count(*) FROM liquidations WHERE exchange = %s AND "timestamp" >= %s AND version = 1',
                (exchange, to_datetime(since_ms)),
            ).fetchone()
        return 0 if row is None else int(row[0])

    def make_days(self, first: date, ahead: int) -> None:
        """Partitions of a day and of so many after it, where they are not there yet."""
        with self._brain.connect() as connection:
            _make_partitions(connection, {first + timedelta(days=n) for n in range(ahead + 1)})

    def call_cascade(self, known_ms: Mapping[str, int], start_ms: int, end_ms: int, recorded_at_ms: int) -> int:
        """A new version for each of the liquidations of [start_ms, end_ms) that is not called a cascade's yet; returns how many.

        `known_ms` says by id since when the label is known, market time; a label is never known before its row.
        """
        with self._brain.connect() as connection:
            return connection.execute(
                """
                INSERT INTO liquidations
                SELECT liquidation_id, version + 1, "timestamp", greatest(known_at, label_known_at), %(at)s, exchange, symbol,
                       side, size_usd, price, 'cascade'
                  FROM (SELECT DISTINCT ON ("timestamp", liquidation_id) * FROM liquidations
                         WHERE "timestamp" >= %(start)s AND "timestamp" < %(end)s
                         ORDER BY "timestamp", liquidation_id, version DESC) AS newest
                  JOIN unnest(%(ids)s::text[], %(known)s::timestamptz[]) AS called (liquidation_id, label_known_at)
                 USING (liquidation_id) WHERE liquidation_type <> 'cascade'
                """,
                {
                    "at": to_datetime(recorded_at_ms), "start": to_datetime(start_ms), "end": to_datetime(end_ms),
                    "ids": list(known_ms), "known": [to_datetime(ms) for ms in known_ms.values()],
                },
            ).rowcount

    def read(
        self, exchange: str, symbol: str, start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> list[StoredLiquidation]:
        """The version of each that a pin sees, with start_ms ≤ timestamp < end_ms (ms UTC), in time order.

        Raises
        ------
        PermanentError
            Days of the window were detached.
        """
        pin = pin or Pin()
        with self._brain.connect() as connection:
            expect_attached(connection, DATASET, start_ms, end_ms)
            rows = connection.execute(
                """
                SELECT DISTINCT ON ("timestamp", liquidation_id) liquidation_id, version, exchange, symbol, "timestamp", known_at,
                       side, size_usd, price, liquidation_type
                  FROM liquidations
                 WHERE exchange = %(exchange)s AND symbol = %(symbol)s AND "timestamp" >= %(start)s AND "timestamp" < %(end)s
                   AND (%(as_of)s::timestamptz IS NULL OR known_at <= %(as_of)s)
                   AND (%(before)s::timestamptz IS NULL OR recorded_at <= %(before)s)
                 ORDER BY "timestamp", liquidation_id, version DESC
                """,
                {
                    "exchange": exchange, "symbol": symbol, "start": to_datetime(start_ms), "end": to_datetime(end_ms),
                    "as_of": pin.as_of, "before": pin.recorded_before,
                },
            ).fetchall()
        return [_stored(row) for row in rows]


class LiquidationMinuteRepository(FactRepository):
    """Counts and USD per minute and side."""

    table = FactTable("liquidation_minutes", MINUTE_COLUMNS)

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, LiquidationMinutes]:
        """Minutes with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order. A minute that is not there is a gap."""
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: LiquidationMinutes(symbol=symbol, **arrays) for symbol, arrays in found.items()}

    def votes(self, venues: Sequence[str], symbol: str, start_ms: int, end_ms: int, pin: Pin | None = None) -> CascadeVotes:
        """What the venues say together of the minutes that a pin sees: in a cascade where most of those that recorded say so."""
        found = [self.read(venue, [symbol], start_ms, end_ms, pin).get(symbol) for venue in venues]
        return cascade_votes(symbol, [minutes for minutes in found if minutes is not None])


def _make_partitions(connection: psycopg.Connection[Any], days: Iterable[date]) -> None:
    wanted = {f"liquidations_{day:%Y%m%d}": day for day in days}
    there = connection.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", (list(wanted),)).fetchall()
    missing = wanted.keys() - {name for (name,) in there}
    if not missing:
        return
    for name in sorted(missing):
        connection.execute("SELECT make_liquidations_day(%s)", (wanted[name],))


def _stored(row: tuple[Any, ...]) -> StoredLiquidation:
    number, version, exchange, symbol, at, known, side, size_usd, price, kind = row
    return StoredLiquidation(
        number, version, exchange, symbol, to_ms(at), to_ms(known), side, size_usd, price, LiquidationType(kind)
    )

"""Fills: each of the venue's trades once."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.order import Fill, Side

_FILLS = """
    SELECT f.venue, f.account, f.symbol, f.trade_id, i.client_order_id, f.venue_order_id, f.side, f.quantity, f.price, f.fee,
           f.fee_asset, f.maker, f.traded_at
      FROM fills f LEFT JOIN order_intents i USING (intent_id)
     WHERE f.venue = %s AND f.account = %s
"""


class FillRepository:
    """Fills of one account at one venue."""

    def __init__(self, brain: Brain, venue: str, account: str) -> None:
        self._brain = brain
        self._key = (venue, account)

    def record(self, fills: Iterable[tuple[Fill, int | None]], recorded_ms: int) -> list[Fill]:
        """Store fills with the intents they belong to (None: no order of ours); those that were new."""
        new = []
        with self._brain.connect() as connection:
            for fill, intent_id in fills:
                row = connection.execute(
                    """
                    INSERT INTO fills (venue, account, symbol, trade_id, venue_order_id, intent_id, side, quantity, price, fee,
                        fee_asset, maker, traded_at, recorded_at)
                    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                    ON CONFLICT (venue, account, symbol, trade_id) DO NOTHING RETURNING fill_id
                    """,
                    (fill.venue, fill.account, fill.symbol, fill.trade_id, fill.venue_order_id, intent_id, fill.side.value,
                     fill.quantity, fill.price, fill.fee, fill.fee_asset, fill.maker, to_datetime(fill.traded_ms),
                     to_datetime(recorded_ms)),
                ).fetchone()
                if row is not None:
                    new.append(fill)
        return new

    def all(self) -> list[Fill]:
        """Every fill of the account, in the order of recording."""
        with self._brain.connect() as connection:
            rows = connection.execute(_FILLS + " ORDER BY f.fill_id", self._key).fetchall()
        return [_fill(row) for row in rows]

    def count(self) -> int:
        """How many fills the account has."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT count(*) FROM fills WHERE venue = %s AND account = %s", self._key).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row[0])

    def filled(self, intent_id: int) -> Decimal:
        """Sum of the quantities filled for an intent."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT coalesce(sum(quantity), 0) FROM fills WHERE intent_id = %s", (intent_id,)).fetchone()
        assert row is not None  # an aggregate always has a row
        return Decimal(row[0])


def _fill(row: tuple[Any, ...]) -> Fill:
    venue, account, symbol, trade_id, client_order_id, venue_order_id, side, *numbers, maker, traded_at = row
    quantity, price, fee, fee_asset = numbers
    return Fill(
        venue, account, symbol, trade_id, client_order_id, venue_order_id, Side(side), quantity, price, fee, fee_asset, maker,
        to_ms(traded_at),
    )

"""Fills with everything that stands between them and the decision that wanted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.errors import PermanentError

# A native stop carries no decision of its own: it guards the position that an entry before it opened.
_ENTRY = """
    SELECT e.decision_id FROM order_intents e JOIN orders o USING (intent_id)
     WHERE e.venue = f.venue AND e.account = f.account AND e.symbol = f.symbol AND NOT e.reduce_only AND o.filled > 0
       AND e.intent_id < i.intent_id ORDER BY e.intent_id DESC LIMIT 1
"""


@dataclass(frozen=True)
class FillTrace:
    """One fill, its order, and the decision behind it.

    `intent` is None for a trade that no order of ours made. `decision_id` is the order's own; for a native stop or a
    closing order without one `opened_by` names the decision that opened the position.
    """

    fill: dict[str, Any]
    intent: dict[str, Any] | None
    decision_id: str | None
    opened_by: str | None


@dataclass(frozen=True)
class FillLine:
    """One line of `huracan fills`."""

    fill_id: int
    venue: str
    account: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    kind: str | None
    decision_id: str | None
    model_id: str | None
    traded_at: datetime


class TraceRepository:
    """Ways back from fills."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def trace(self, fill_id: int) -> FillTrace:
        """Raises `PermanentError` when there is no such fill."""
        with self._brain.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            fill = cursor.execute("SELECT * FROM fills WHERE fill_id = %s", (fill_id,)).fetchone()
            if fill is None:
                raise PermanentError(f"fill: expected a known id (see `huracan fills`), got {fill_id}")
            intent = cursor.execute(
                "SELECT i.*, o.state, o.filled, o.venue_order_id FROM order_intents i JOIN orders o USING (intent_id)"
                " WHERE intent_id = %s", (fill["intent_id"],),
            ).fetchone()
            entry = cursor.execute(
                f"SELECT ({_ENTRY}) AS opened_by FROM fills f JOIN order_intents i USING (intent_id) WHERE f.fill_id = %s",
                (fill_id,),
            ).fetchone()
        decision_id = intent["decision_id"] if intent else None
        return FillTrace(fill, intent, decision_id, entry["opened_by"] if entry else None)

    def order_events(self, intent_id: int) -> list[dict[str, Any]]:
        """The order's journal, oldest first: time, event, hash of the chain."""
        with self._brain.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(
                "SELECT at, event, hash FROM order_events WHERE intent_id = %s ORDER BY chain_seq", (intent_id,)
            ).fetchall()

    def recent(self, limit: int, *, symbol: str | None = None) -> list[FillLine]:
        """Newest fills first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT f.fill_id, f.venue, f.account, f.symbol, f.side, f.quantity, f.price, f.fee, i.kind, i.decision_id,"
                " i.model_id, f.traded_at FROM fills f LEFT JOIN order_intents i USING (intent_id)"
                " WHERE %(symbol)s::text IS NULL OR f.symbol = %(symbol)s ORDER BY f.fill_id DESC LIMIT %(limit)s",
                {"symbol": symbol, "limit": limit},
            ).fetchall()
        return [FillLine(*row) for row in rows]

    def ids_since(self, venue: str, account: str, recorded_ms: int) -> list[int]:
        """Fills of an account recorded since a wire time, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT fill_id FROM fills WHERE venue = %s AND account = %s AND recorded_at >= %s ORDER BY fill_id",
                (venue, account, to_datetime(recorded_ms)),
            ).fetchall()
        return [int(row[0]) for row in rows]

    def accounts(self) -> list[tuple[str, str]]:
        """Venue and account of everything that ever traded."""
        with self._brain.connect() as connection:
            rows = connection.execute("SELECT venue, account FROM fills GROUP BY 1, 2 ORDER BY max(fill_id) DESC").fetchall()
        return [(venue, account) for venue, account in rows]

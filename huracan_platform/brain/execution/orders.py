"""The order journal: intents written ahead, hash-chained events, and the projection of where each order stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.leases import require_lease
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.order import OrderIntent, OrderKind, OrderRequest, OrderState, Side
from huracan_platform.contracts.order_life import EventKind, Lease, OrderEvent, OrderStatus, StoredOrder
from huracan_platform.errors import HaltTradingError

GENESIS = "0" * 64

_STORED = """
    SELECT i.intent_id, i.client_order_id, i.account, i.strategy, i.symbol, i.side, i.kind, i.quantity, i.reduce_only, i.price,
           i.trigger_price, i.decision_id, i.model_id, i.epoch, i.created_at, i.deadline, i.protect_price,
           o.state, o.filled, o.not_founds, o.venue_order_id, o.triggered_order_id, o.code
      FROM order_intents i JOIN orders o USING (intent_id)
     WHERE i.venue = %s AND i.account = %s
"""


class OrderRepository:
    """Orders of one account at one venue."""

    def __init__(self, brain: Brain, venue: str, account: str) -> None:
        self._brain = brain
        self._key = (venue, account)

    def commit_intent(self, make_intent: Callable[[str, int], OrderIntent], lease: Lease, wire_ms: int) -> OrderIntent:
        """Write one intent ahead of its sending, fenced by the lease.

        `make_intent` gets the installation's uuid and the next sequence number. Numbers grow past the wire clock's
        milliseconds, so that a database restored from a backup does not give one out twice.

        Raises
        ------
        HaltTradingError
            The lease is another's.
        """
        with self._brain.connect() as connection:
            require_lease(connection, lease)
            row = connection.execute(
                "UPDATE installation SET last_seq = greatest(last_seq + 1, %s) RETURNING uuid, last_seq", (wire_ms,)
            ).fetchone()
            if row is None:
                raise HaltTradingError("installation: expected its row before the first order, got none")
            intent = make_intent(str(row[0]), row[1])
            self._insert_intent(connection, intent)
            connection.execute(
                "INSERT INTO orders (intent_id, state, quantity, filled, not_founds) VALUES (%s, %s, %s, 0, 0)",
                (intent.intent_id, OrderState.INTENT.value, intent.request.quantity),
            )
            self._chain(connection, intent.intent_id, OrderEvent(EventKind.COMMITTED, intent.created_ms))
        return intent

    def append(self, intent_id: int, event: OrderEvent, after: OrderStatus, lease: Lease | None) -> None:
        """One event and the projection after it, in one transaction; with a lease given, fenced by it."""
        with self._brain.connect() as connection:
            if lease is not None:
                require_lease(connection, lease)
            self._chain(connection, intent_id, event)
            connection.execute(
                """
                UPDATE orders
                   SET state = %s, filled = %s, not_founds = %s, venue_order_id = %s, triggered_order_id = %s, code = %s
                 WHERE intent_id = %s
                """,
                (after.state.value, after.filled, after.not_founds, after.venue_order_id, after.triggered_order_id, after.code,
                 intent_id),
            )

    def alive(self) -> list[StoredOrder]:
        """Every order that is not in a terminal state, oldest first."""
        terminal = [s.value for s in OrderState if s.terminal]
        with self._brain.connect() as connection:
            rows = connection.execute(_STORED + " AND o.state <> ALL(%s) ORDER BY i.intent_id", (*self._key, terminal)).fetchall()
        return [_stored(row) for row in rows]

    def by_client_order_id(self, client_order_id: str) -> StoredOrder | None:
        """The order with our id, in whatever state."""
        with self._brain.connect() as connection:
            row = connection.execute(_STORED + " AND i.client_order_id = %s", (*self._key, client_order_id)).fetchone()
        return None if row is None else _stored(row)

    def by_venue_order_id(self, symbol: str, venue_order_id: str) -> StoredOrder | None:
        """The order that the venue knows by this id, directly or as what a conditional order became."""
        condition = " AND i.symbol = %s AND (o.triggered_order_id = %s OR (o.venue_order_id = %s AND i.trigger_price IS NULL))"
        with self._brain.connect() as connection:
            row = connection.execute(_STORED + condition, (*self._key, symbol, venue_order_id, venue_order_id)).fetchone()
        return None if row is None else _stored(row)

    def protect_prices(self) -> dict[str, tuple[Any, OrderIntent]]:
        """Per symbol the journalled stop price and the newest intent that named it: an entry's or a stop's own.

        An entry counts once it has filled, a stop unless it never stood: neither moves the stop of a position that is not its.
        """
        condition = """
            AND (i.protect_price IS NOT NULL AND o.filled > 0 OR i.kind = %s AND o.state NOT IN ('rejected', 'not_accepted'))
          ORDER BY i.intent_id"""
        with self._brain.connect() as connection:
            rows = connection.execute(_STORED + condition, (*self._key, OrderKind.STOP_MARKET.value)).fetchall()
        intents = [_stored(row).intent for row in rows]
        return {i.request.symbol: (i.protect_price or i.request.trigger, i) for i in intents}

    def events(self, intent_id: int) -> list[dict[str, str]]:
        """The order's events as stored, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT event FROM order_events WHERE intent_id = %s ORDER BY chain_seq", (intent_id,)
            ).fetchall()
        return [row[0] for row in rows]

    def verify_chain(self) -> int:
        """Recompute every hash of the account's chain; the number of events.

        Raises
        ------
        HaltTradingError
            Names the first event whose hash or predecessor is not what it must be.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT chain_seq, intent_id, event, prev_hash, hash FROM order_events
                 WHERE venue = %s AND account = %s ORDER BY chain_seq
                """,
                self._key,
            ).fetchall()
        previous = GENESIS
        for position, (chain_seq, intent_id, event, prev_hash, stored) in enumerate(rows, start=1):
            expected = _chain_hash(previous, self._key, chain_seq, intent_id, event)
            if (chain_seq, prev_hash, stored) != (position, previous, expected):
                raise HaltTradingError(f"order events of {self._key}: event {chain_seq}: expected hash {expected}, got {stored}")
            previous = stored
        return len(rows)

    def _chain(self, connection: psycopg.Connection[Any], intent_id: int, event: OrderEvent) -> None:
        # one writer per chain at a time, also where two executors race before the older one is fenced
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ("order_events|" + "|".join(self._key),))
        head = connection.execute(
            "SELECT chain_seq, hash FROM order_events WHERE venue = %s AND account = %s ORDER BY chain_seq DESC LIMIT 1",
            self._key,
        ).fetchone()
        number, previous = (head[0] + 1, head[1]) if head else (1, GENESIS)
        values = event.as_dict()
        connection.execute(
            """
            INSERT INTO order_events (venue, account, chain_seq, intent_id, at, event, prev_hash, hash)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (*self._key, number, intent_id, to_datetime(event.at_ms), Jsonb(values), previous,
             _chain_hash(previous, self._key, number, intent_id, values)),
        )

    def _insert_intent(self, connection: psycopg.Connection[Any], intent: OrderIntent) -> None:
        request = intent.request
        connection.execute(
            """
            INSERT INTO order_intents (intent_id, client_order_id, venue, account, strategy, symbol, side, kind, quantity, price,
                trigger_price, reduce_only, protect_price, decision_id, model_id, epoch, created_at, deadline)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (intent.intent_id, intent.client_order_id, *self._key, intent.strategy, request.symbol, request.side.value,
             request.kind.value, request.quantity, request.price, request.trigger, request.reduce_only, intent.protect_price,
             intent.decision_id, intent.model_id, intent.epoch, to_datetime(intent.created_ms), to_datetime(intent.deadline_ms)),
        )


def _chain_hash(previous: str, key: tuple[str, str], chain_seq: int, intent_id: int, event: dict[str, str]) -> str:
    body = json.dumps([*key, chain_seq, intent_id, event], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}|{body}".encode()).hexdigest()


def _stored(row: tuple[Any, ...]) -> StoredOrder:
    request = OrderRequest(row[4], Side(row[5]), OrderKind(row[6]), row[7], row[8], row[9], row[10])
    intent = OrderIntent(
        row[0], row[1], row[2], row[3], request, row[11], row[12], row[13], to_ms(row[14]), to_ms(row[15]), row[16]
    )
    return StoredOrder(intent, OrderStatus(OrderState(row[17]), row[7], row[18], row[19], row[20], row[21], row[22]))

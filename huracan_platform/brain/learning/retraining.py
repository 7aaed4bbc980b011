"""Requests to train, from whom and why, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.trigger import Trigger, TriggerKind
from huracan_platform.failpoints import Failpoint, reach


@dataclass(frozen=True)
class RetrainingRequest:
    """A request of one symbol at a venue."""

    request_id: int
    venue: str
    symbol: str
    trigger: Trigger


class RetrainingRepository:
    """The book of requests."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def request(self, venue: str, symbol: str, trigger: Trigger, cool_down: timedelta = timedelta(0)) -> int | None:
        """Enter a request; returns its number.

        None where one of the symbol is open, or one of the same kind was made within the cool-down before this one.
        """
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                INSERT INTO retraining_requests (venue, symbol, kind, reason, requested_by, requested_at)
                SELECT %(venue)s, %(symbol)s, %(kind)s, %(reason)s, %(by)s, %(at)s
                 WHERE NOT EXISTS (SELECT 1 FROM retraining_requests
                                    WHERE venue = %(venue)s AND symbol = %(symbol)s AND kind = %(kind)s
                                      AND requested_at > %(at)s - %(cool_down)s)
                ON CONFLICT (venue, symbol) WHERE finished_at IS NULL DO NOTHING RETURNING request_id
                """,
                {
                    "venue": venue, "symbol": symbol, "kind": trigger.kind.value, "reason": trigger.reason, "by": trigger.by,
                    "at": to_datetime(trigger.requested_ms), "cool_down": cool_down,
                },
            ).fetchone()
        reach(Failpoint.AFTER_RETRAINING_REQUEST)
        return None if row is None else int(row[0])

    def open(self) -> list[RetrainingRequest]:
        """Requests that no training has served, oldest first."""
        return self._read("finished_at IS NULL", ())

    def get(self, request_id: int) -> RetrainingRequest | None:
        """A request by number."""
        return next(iter(self._read("request_id = %s", (request_id,))), None)

    def finish(self, request_id: int, run_id: str, model_ids: Sequence[str], wire_ms: int) -> None:
        """A training served it; served twice, the first keeps."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE retraining_requests SET finished_at = %s, run_id = %s, model_ids = %s"
                " WHERE request_id = %s AND finished_at IS NULL",
                (to_datetime(wire_ms), run_id, list(model_ids), request_id),
            )

    def _read(self, condition: str, values: Sequence[object]) -> list[RetrainingRequest]:
        query = f"""
            SELECT request_id, venue, symbol, kind, reason, requested_by, requested_at
              FROM retraining_requests WHERE {condition} ORDER BY request_id
        """  # the condition is one of the literals above
        with self._brain.connect() as connection:
            rows = connection.execute(query.encode(), values).fetchall()
        return [
            RetrainingRequest(number, venue, symbol, Trigger(TriggerKind(kind), reason, by, to_ms(at), number))
            for number, venue, symbol, kind, reason, by, at in rows
        ]

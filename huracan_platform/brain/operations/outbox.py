"""Messages to tell, and what has become of each on each channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.incident import Incident, read_incident

_ONE_BROADCASTER = 7_061_726  # advisory lock: any number, the same for all


@dataclass(frozen=True)
class Message:
    """The opening or the end of an incident, for one channel.

    `attempts` were begun before; an attempt may have arrived although no answer came. `batch_id` is the first message of
    those it was attempted with: they stay together. `thread` is the channel's id of the
    opening's post, for its end to be posted under.
    """

    message_id: int
    kind: str
    at: datetime
    incident: Incident
    occurrences: int
    attempts: int
    batch_id: int | None
    next_at: datetime | None
    thread: str | None


class Outbox:
    """The queue of each channel, oldest message first."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Holds the broadcaster's lock while the block runs; yields False where another process has it."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_ONE_BROADCASTER,)).fetchone()
            yield bool(row and row[0])

    def pending(self, channel: str, severities: Sequence[str], now: datetime, limit: int) -> list[Message]:
        """Due messages of these severities that the channel has not got yet.

        The end of an incident whose opening it never got is not due.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT o.message_id, o.kind, o.at, i.occurrences, coalesce(d.attempts, 0), d.batch_id, d.next_at,
                       opening.remote_id, i.kind, i.severity, i.dedupe_key, i.details
                  FROM outbox o JOIN incidents i USING (incident_id)
                  LEFT JOIN deliveries d ON d.message_id = o.message_id AND d.channel = %(channel)s
                  LEFT JOIN outbox first ON first.incident_id = o.incident_id AND first.kind = 'opened' AND o.kind = 'resolved'
                  LEFT JOIN deliveries opening ON opening.message_id = first.message_id AND opening.channel = %(channel)s
                 WHERE NOT o.void AND o.due_at <= %(now)s AND d.delivered_at IS NULL AND i.severity = ANY(%(severities)s)
                   AND (o.kind = 'opened' OR opening.delivered_at IS NOT NULL)
                 ORDER BY o.message_id LIMIT %(limit)s
                """,
                {"channel": channel, "severities": list(severities), "now": now, "limit": limit},
            ).fetchall()
        return [
            Message(number, kind, at, read_incident(*fields), occurrences, attempts, batch_id, next_at, thread)
            for number, kind, at, occurrences, attempts, batch_id, next_at, thread, *fields in rows
        ]

    def begin(self, messages: Sequence[Message], channel: str, now: datetime) -> None:
        """Note, before anything is sent, that an attempt begins."""
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO deliveries AS d (message_id, channel, batch_id, attempts, begun_at, next_at)
                VALUES (%(id)s, %(channel)s, %(batch)s, 1, %(now)s, %(now)s)
                ON CONFLICT (message_id, channel) DO UPDATE SET attempts = d.attempts + 1
                """,
                [{"id": m.message_id, "batch": messages[0].message_id, "channel": channel, "now": now} for m in messages],
            )

    def delivered(self, messages: Sequence[Message], channel: str, now: datetime, remote_id: str) -> None:
        """The channel has them, under this id of its own."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE deliveries SET delivered_at = %s, remote_id = %s, error = NULL"
                " WHERE channel = %s AND message_id = ANY(%s)",
                (now, remote_id, channel, [m.message_id for m in messages]),
            )

    def failed(self, messages: Sequence[Message], channel: str, next_at: datetime, error: str) -> None:
        """An attempt came to nothing; not to be repeated before `next_at`."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE deliveries SET next_at = %s, error = %s WHERE channel = %s AND message_id = ANY(%s)",
                (next_at, error, channel, [m.message_id for m in messages]),
            )

    def state(self) -> list[dict[str, Any]]:
        """Per channel: messages delivered, waiting since when, and the last error of those that wait."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT channel, count(delivered_at), count(*) FILTER (WHERE delivered_at IS NULL),
                       min(begun_at) FILTER (WHERE delivered_at IS NULL),
                       max(error) FILTER (WHERE delivered_at IS NULL)
                  FROM deliveries GROUP BY channel ORDER BY channel
                """
            ).fetchall()
        names = ("channel", "delivered", "waiting", "waiting_since", "error")
        return [dict(zip(names, row, strict=True)) for row in rows]

"""Incidents and the messages that tell of them: opened, seen again, resolved; one open row per dedupe key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.incident import Incident, read_incident

# The same trouble, back within this time of the last word about it, waits: a flapping check is one message an hour.
WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class IncidentRow:
    """An incident as it stands."""

    incident_id: int
    incident: Incident
    opened_at: datetime
    last_at: datetime
    occurrences: int
    resolved_at: datetime | None


class IncidentRepository:
    """Things that a person must hear of."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def open_incident(self, at: datetime, incident: Incident) -> bool:
        """Record it and put the message in the outbox, in one transaction.

        One with this key that is open already counts one more occurrence and says nothing new; returns False then.
        """
        with self._brain.connect() as connection:
            return put_incident(connection, at, incident)

    def resolve(self, at: datetime, dedupe_keys: Iterable[str]) -> int:
        """Close what is over, and say so where its opening was or will be told; returns how many were open."""
        with self._brain.connect() as connection:
            closed = connection.execute(
                "UPDATE incidents SET resolved_at = %s WHERE dedupe_key = ANY(%s) AND resolved_at IS NULL RETURNING incident_id",
                (at, list(dedupe_keys)),
            ).fetchall()
            for (incident_id,) in closed:
                unheard = connection.execute(
                    "UPDATE outbox SET void = true WHERE incident_id = %s AND kind = 'opened' AND due_at > %s RETURNING 1",
                    (incident_id, at),
                ).fetchone()
                if unheard is None:
                    connection.execute(
                        "INSERT INTO outbox (incident_id, kind, at, due_at) VALUES (%s, 'resolved', %s, %s)",
                        (incident_id, at, at),
                    )
            return len(closed)

    def open(self, prefix: str = "") -> list[IncidentRow]:
        """Open incidents whose key begins so, oldest first."""
        return self._read("resolved_at IS NULL AND starts_with(dedupe_key, %s)", (prefix,))

    def recent(self, count: int) -> list[IncidentRow]:
        """The last incidents, resolved ones included, newest first."""
        return self._read("true", ())[::-1][:count]

    def _read(self, condition: str, values: Sequence[Any]) -> list[IncidentRow]:
        query = f"""
            SELECT incident_id, kind, severity, dedupe_key, details, at, last_at, occurrences, resolved_at
              FROM incidents WHERE {condition} ORDER BY incident_id
        """  # the condition is one of the literals above
        with self._brain.connect() as connection:
            rows = connection.execute(query.encode(), values).fetchall()
        return [IncidentRow(row[0], read_incident(*row[1:5]), *row[5:]) for row in rows]


def put_incident(connection: psycopg.Connection[Any], at: datetime, incident: Incident) -> bool:
    """`IncidentRepository.open_incident` within the transaction of what the incident is about."""
    row = connection.execute(
        """
        INSERT INTO incidents (at, last_at, kind, severity, dedupe_key, details)
        VALUES (%(at)s, %(at)s, %(kind)s, %(severity)s, %(key)s, %(details)s)
        ON CONFLICT (dedupe_key) WHERE resolved_at IS NULL
        DO UPDATE SET occurrences = incidents.occurrences + 1, last_at = greatest(incidents.last_at, excluded.last_at)
        RETURNING incident_id, occurrences = 1
        """,
        {
            "at": at, "kind": incident.kind, "severity": incident.severity.value, "key": incident.dedupe_key,
            "details": Jsonb(incident.details()),
        },
    ).fetchone()
    assert row is not None  # inserted or updated
    if row[1]:
        _put_opened(connection, row[0], incident.dedupe_key, at)
    return bool(row[1])


def _put_opened(connection: psycopg.Connection[Any], incident_id: int, dedupe_key: str, at: datetime) -> None:
    connection.execute(
        """
        INSERT INTO outbox (incident_id, kind, at, due_at)
        SELECT %(id)s, 'opened', %(at)s, greatest(%(at)s, (
            SELECT max(o.due_at) + %(window)s FROM outbox o JOIN incidents i USING (incident_id)
             WHERE i.dedupe_key = %(key)s AND o.kind = 'opened' AND NOT o.void))
        """,
        {"id": incident_id, "at": at, "window": WINDOW, "key": dedupe_key},
    )

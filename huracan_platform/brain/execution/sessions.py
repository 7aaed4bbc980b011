"""Sessions of the executor, one row each, and the commands that running ones obey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.journal import CommandKind, SessionCommand, SessionRecord
from huracan_platform.errors import PermanentError


class SessionRepository:
    """Who traded when, under which epoch, with which code."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def start(self, record: SessionRecord) -> None:
        """Insert the session; close former ones of the same name that never said goodbye."""
        now = to_datetime(record.started_ms)
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE sessions SET ended_at = %s, end_reason = 'superseded'"
                " WHERE name = %s AND ended_at IS NULL AND epoch < %s",
                (now, record.name, record.epoch),
            )
            connection.execute(
                "INSERT INTO sessions (session_id, name, gateway, venue, account, epoch, code_revision, settings_hash, run_id,"
                " started_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (record.session_id, record.name, record.gateway, record.venue, record.account, record.epoch,
                 record.code_revision, record.settings_hash, record.run_id, now),
            )

    def end(self, session_id: str, ended_ms: int, reason: str, report: dict[str, Any]) -> None:
        """Close the session with its report; a session closed before keeps its first end."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE sessions SET ended_at = %s, end_reason = %s, report = %s WHERE session_id = %s AND ended_at IS NULL",
                (to_datetime(ended_ms), reason, Jsonb(report), session_id),
            )

    def run_id(self, session_id: str) -> str | None:
        """The Dagster run that held the session; None for a plain service or an unknown session."""
        with self._brain.connect() as connection:
            row = connection.execute("SELECT run_id FROM sessions WHERE session_id = %s", (session_id,)).fetchone()
        return None if row is None else row[0]

    def report_of_run(self, run_id: str) -> dict[str, Any]:
        """The report of the session that a Dagster run held.

        Raises
        ------
        PermanentError
            The run held no session, or the session has not ended.
        """
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT report FROM sessions WHERE run_id = %s AND report IS NOT NULL ORDER BY started_at DESC LIMIT 1", (run_id,)
            ).fetchone()
        if row is None:
            raise PermanentError(f"session: expected one that ended in run {run_id}, got none")
        report: dict[str, Any] = row[0]
        return report


    def of_runs(self, run_ids: Sequence[str]) -> dict[str, bool]:
        """Dagster runs that have had a session, and whether it has ended."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT run_id, bool_and(ended_at IS NOT NULL) FROM sessions WHERE run_id = ANY(%s) GROUP BY run_id",
                (list(run_ids),),
            ).fetchall()
        return dict(rows)


class SwitchRepository:
    """Whether a session of a name is to run: the newest word counts."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def turn(self, name: str, wanted: bool, *, by: str, reason: str, wire_ms: int) -> None:
        """Say whether a session is wanted."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO session_switches (name, wanted, changed_by, reason, changed_at) VALUES (%s, %s, %s, %s, %s)",
                (name, wanted, by, reason, to_datetime(wire_ms)),
            )

    def wanted(self, name: str) -> bool:
        """Whether one is wanted; nobody having said so, none is."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT wanted FROM session_switches WHERE name = %s ORDER BY change_id DESC LIMIT 1", (name,)
            ).fetchone()
        return bool(row and row[0])


class CommandRepository:
    """The command table: anyone with the right to write puts rows in, one executor takes each once."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def put(self, kind: CommandKind, payload: dict[str, Any], source: str) -> int:
        """Insert a command; returns its id."""
        with self._brain.connect() as connection:
            return put_command(connection, kind, payload, source)

    def claim(self, epoch: int) -> list[SessionCommand]:
        """Take every open command for this epoch, oldest first; nobody else gets them.

        One that was claimed and never applied is taken again: its holder died in between, and a halt must not get lost.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                "UPDATE session_commands SET claimed_by_epoch = %s WHERE command_id IN"
                " (SELECT command_id FROM session_commands WHERE applied_at IS NULL AND coalesce(claimed_by_epoch, 0) <= %s"
                "  ORDER BY command_id FOR UPDATE SKIP LOCKED)"
                " RETURNING command_id, kind, payload, source", (epoch, epoch),
            ).fetchall()
        return [SessionCommand(r[0], CommandKind(r[1]), r[2], r[3]) for r in sorted(rows)]

    def applied(self, command_id: int, outcome: str) -> None:
        """Say what became of a claimed command."""
        with self._brain.connect() as connection:
            connection.execute(
                "UPDATE session_commands SET applied_at = now(), outcome = %s WHERE command_id = %s", (outcome, command_id)
            )


def put_command(connection: Connection[Any], kind: CommandKind, payload: dict[str, Any], source: str) -> int:
    """`CommandRepository.put` within the transaction of what the command follows from."""
    row = connection.execute(
        "INSERT INTO session_commands (kind, payload, source) VALUES (%s, %s, %s) RETURNING command_id",
        (kind.value, Jsonb(payload), source),
    ).fetchone()
    assert row is not None
    return int(row[0])

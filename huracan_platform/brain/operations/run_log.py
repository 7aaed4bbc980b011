"""What Dagster's event log holds, and how it is kept from growing for ever.

A partition's state, its metadata and the results of checks are events too: they stay, whatever their age, and so do a run's
beginning and end. What goes is the talk between: log lines, steps, resources, engine events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from huracan_platform.brain.connection import translated_errors

# 20,000 rows take a fraction of a second, and the web UI waits for none of them longer than that.
AT_ONCE = 20_000
KEPT = (
    "ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED", "ASSET_OBSERVATION", "ASSET_FAILED_TO_MATERIALIZE",
    "ASSET_CHECK_EVALUATION", "ASSET_CHECK_EVALUATION_PLANNED", "ASSET_WIPED", "STEP_FAILURE", "PIPELINE_ENQUEUED",
    "PIPELINE_STARTING", "PIPELINE_START", "PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELING", "PIPELINE_CANCELED",
)
_TALK = """
    event_logs.timestamp < %(before)s AND coalesce(event_logs.dagster_event_type, '') <> ALL(%(kept)s)
    AND event_logs.run_id IN (SELECT run_id FROM runs WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED'))
"""


@dataclass(frozen=True)
class RunLogSize:
    """Of Dagster's database: runs, rows of the event log, those of them that stay whatever their age, and bytes in all."""

    runs: int
    events: int
    kept_events: int
    bytes: int


class RunLog:
    """Dagster's own database, which is apart from the Brain Library's.

    Parameters
    ----------
    dsn
        Of Dagster's storage, with a login that may delete.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def size(self) -> RunLogSize | None:
        """What it holds; None before Dagster has run for the first time."""
        with translated_errors(self._dsn), psycopg.connect(self._dsn) as connection:
            if not _is_there(connection):
                return None
            row = connection.execute(
                """
                SELECT (SELECT count(*) FROM runs), count(*), count(*) FILTER (WHERE dagster_event_type = ANY(%s)),
                       pg_database_size(current_database())
                  FROM event_logs
                """,
                (list(KEPT),),
            ).fetchone()
        assert row is not None
        return RunLogSize(*map(int, row))

    def talk(self, before: datetime) -> int:
        """Rows that `prune` would delete."""
        with translated_errors(self._dsn), psycopg.connect(self._dsn) as connection:
            if not _is_there(connection):
                return 0
            row = connection.execute(
                f"SELECT count(*) FROM event_logs WHERE {_TALK}", {"before": _naive(before), "kept": list(KEPT)}
            ).fetchone()
        assert row is not None
        return int(row[0])

    def prune(self, before: datetime) -> int:
        """Delete what finished runs said before a moment (aware); returns the number of rows.

        Twenty thousand rows at a time, each in a transaction of its own: a process that is killed leaves a shorter log.
        """
        gone = 0
        with translated_errors(self._dsn), psycopg.connect(self._dsn, autocommit=True) as connection:
            while _is_there(connection):
                deleted = connection.execute(
                    f"DELETE FROM event_logs WHERE id IN (SELECT id FROM event_logs WHERE {_TALK} LIMIT %(limit)s)",
                    {"before": _naive(before), "kept": list(KEPT), "limit": AT_ONCE},
                ).rowcount
                gone += deleted
                if deleted < AT_ONCE:
                    break
            if gone:
                connection.execute("VACUUM (ANALYZE) event_logs")
        return gone


def _is_there(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("SELECT to_regclass('event_logs') IS NOT NULL").fetchone()
    return bool(row and row[0])


def _naive(moment: datetime) -> datetime:
    """Dagster stores UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)

"""The ledger of archive files: what was taken, so that it need not be read again, and what was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.archive import ArchivedFile, FileState

_COLUMNS = 'file, sha256, kind, symbol, "interval", state, reason, row_count, duplicates, first_ts, last_ts'


class ArchiveLedger:
    """Files by venue, name and content."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def enter(self, venue: str, files: Sequence[ArchivedFile], recorded_at_ms: int) -> None:
        """Note what became of files; what became of the same file before is replaced."""
        at = to_datetime(recorded_at_ms)
        with self._brain.connect() as connection:
            connection.cursor().executemany(
                f"""
                INSERT INTO archive_files (venue, recorded_at, {_COLUMNS})
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (venue, sha256, file) DO UPDATE SET kind = excluded.kind, symbol = excluded.symbol,
                    "interval" = excluded."interval", state = excluded.state, reason = excluded.reason,
                    row_count = excluded.row_count, duplicates = excluded.duplicates, first_ts = excluded.first_ts,
                    last_ts = excluded.last_ts, recorded_at = excluded.recorded_at
                """,
                [(venue, at, *astuple(file)[:-2], _moment(file.first_ms), _moment(file.last_ms)) for file in files],
            )

    def taken(self, venue: str) -> dict[str, list[ArchivedFile]]:
        """The files that were taken whole, by content: SHA-256 of the file."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM archive_files WHERE venue = %s AND state = 'taken'", (venue,)
            ).fetchall()
        found: dict[str, list[ArchivedFile]] = defaultdict(list)
        for row in rows:
            file = _file(row)
            found[file.sha256].append(file)
        return dict(found)

    def files(self, *, not_taken: bool = False) -> list[tuple[str, ArchivedFile]]:
        """Every file with its venue, by venue, kind, symbol, name."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                f"""
                SELECT venue, {_COLUMNS} FROM archive_files WHERE state <> 'taken' OR NOT %s
                 ORDER BY venue, kind, symbol, file
                """,
                (not_taken,),
            ).fetchall()
        return [(row[0], _file(row[1:])) for row in rows]

    def summary(self) -> list[dict[str, Any]]:
        """Per venue, kind, symbol and interval: files in each state, rows, first and last time."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT venue, kind, symbol, "interval", count(*) FILTER (WHERE state = 'taken'),
                       count(*) FILTER (WHERE state = 'quarantined'), count(*) FILTER (WHERE state = 'refused'),
                       sum(row_count)::bigint, min(first_ts), max(last_ts)
                  FROM archive_files GROUP BY venue, kind, symbol, "interval" ORDER BY venue, kind, symbol, "interval"
                """
            ).fetchall()
        names = ("venue", "kind", "symbol", "interval", *(state.value for state in FileState), "rows", "first", "last")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _moment(ms: int | None) -> Any:
    return None if ms is None else to_datetime(ms)


def _file(row: tuple[Any, ...]) -> ArchivedFile:
    *told, first, last = row
    told[5] = FileState(told[5])
    return ArchivedFile(*told, *(None if at is None else to_ms(at) for at in (first, last)))

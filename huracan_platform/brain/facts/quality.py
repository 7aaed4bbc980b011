"""Results of the quality checks, states of days, refused batches and explained gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.quality import CheckResult, DayReport, DayState, ExplainedGap, RefusedBatch, Severity


@dataclass(frozen=True)
class Issue:
    """An open row of data_quality_logs."""

    timestamp: datetime
    venue: str
    dataset: str
    symbol: str
    day: date
    issue_type: str
    severity: str
    details: dict[str, Any]


class QualityRepository:
    """Quality books of all datasets."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def record(
        self, venue: str, dataset: str, days: Sequence[DayReport], results: Sequence[CheckResult],
        refused: Sequence[RefusedBatch], recorded_at_ms: int,
    ) -> None:
        """Store the outcome of one ingest in one transaction; the same outcome twice changes nothing but log times.

        A check that passes now resolves its open failures of the same symbol and day; a day that comes out good or open
        releases its refused batches.
        """
        at = to_datetime(recorded_at_ms)
        with self._brain.connect() as connection:
            _write_failures(connection, venue, [r for r in results if not r.passed], at)
            _write_passes(connection, venue, [r for r in results if r.passed], at)
            _write_refused(connection, venue, refused, at)
            _write_days(connection, venue, dataset, days, at)

    def mark_unfetched(
        self, venue: str, dataset: str, symbol: str, days: Sequence[date], reason: str, recorded_at_ms: int
    ) -> None:
        """Days that could not be fetched: degraded where nothing is known of them yet, and an open `fetch` issue each."""
        at = to_datetime(recorded_at_ms)
        failures = [
            CheckResult("fetch", dataset, symbol, day, False, Severity.ERROR, False, 0.0, 1.0, reason) for day in days
        ]
        with self._brain.connect() as connection:
            _write_failures(connection, venue, failures, at)
            connection.cursor().executemany(
                "INSERT INTO dataset_days VALUES (%s, %s, %s, %s, 'degraded', 0, 0, NULL, %s, %s) ON CONFLICT DO NOTHING",
                [(venue, dataset, symbol, day, [reason], at) for day in days],
            )

    def mark_unavailable(
        self, venue: str, dataset: str, symbol: str, days: Sequence[date], reason: str, recorded_at_ms: int
    ) -> None:
        """Days that the source does not have: unavailable where there are no rows of them, else as they are.

        An open day with rows can never be completed: it becomes degraded. A `fetch` issue of such a day is closed.
        """
        at = to_datetime(recorded_at_ms)
        with self._brain.connect() as connection:
            connection.cursor().executemany(
                """
                INSERT INTO dataset_days AS d VALUES (%s, %s, %s, %s, 'unavailable', 0, 0, NULL, %s, %s)
                ON CONFLICT (venue, dataset, symbol, day) DO UPDATE SET reasons = excluded.reasons,
                    updated_at = excluded.updated_at, state = CASE d.row_count WHEN 0 THEN 'unavailable' ELSE 'degraded' END
                WHERE d.state = 'open' OR (d.state = 'degraded' AND d.row_count = 0)
                """,
                [(venue, dataset, symbol, day, [reason], at) for day in days],
            )
            connection.execute(
                """
                UPDATE data_quality_logs SET resolved = true, resolved_at = %s
                 WHERE NOT resolved AND venue = %s AND dataset = %s AND symbol = %s AND issue_type = 'fetch' AND day = ANY(%s)
                """,
                (at, venue, dataset, symbol, list(days)),
            )

    def quarantine(self, venue: str, batch: RefusedBatch, recorded_at_ms: int) -> None:
        """Keep a batch that never got as far as a day of a known symbol."""
        with self._brain.connect() as connection:
            _write_refused(connection, venue, [batch], to_datetime(recorded_at_ms))

    def days(self, venue: str, dataset: str, symbols: Sequence[str], first: date, last: date) -> list[DayReport]:
        """What is known of the days from first to last, both included, by day, then symbol."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT symbol, day, state, row_count, expected_rows, content_hash, reasons FROM dataset_days
                 WHERE venue = %s AND dataset = %s AND symbol = ANY(%s) AND day BETWEEN %s AND %s ORDER BY day, symbol
                """,
                (venue, dataset, list(symbols), first, last),
            ).fetchall()
        return [DayReport(s, d, DayState(state), n, e, h, tuple(reasons)) for s, d, state, n, e, h, reasons in rows]

    def coverage(self) -> list[dict[str, Any]]:
        """Per venue, dataset and symbol: first and last day, rows, rows expected, number of days in each state."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT venue, dataset, symbol, min(day), max(day), sum(row_count), sum(expected_rows),
                       count(*) FILTER (WHERE state = 'good'), count(*) FILTER (WHERE state = 'open'),
                       count(*) FILTER (WHERE state = 'degraded'), count(*) FILTER (WHERE state = 'quarantined'),
                       count(*) FILTER (WHERE state = 'unavailable')
                  FROM dataset_days GROUP BY venue, dataset, symbol ORDER BY venue, dataset, symbol
                """
            ).fetchall()
        names = ("venue", "dataset", "symbol", "first_day", "last_day", "rows", "expected", *(state.value for state in DayState))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def whole_days(self) -> dict[tuple[str, str], tuple[date, date]]:
        """By venue and dataset: first and last of the newest days in a row that are good of every symbol; without any, absent.

        A day counts once all symbols have got as far.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                WITH reached AS (
                    SELECT venue, dataset, min(last) AS last
                      FROM (SELECT venue, dataset, max(day) AS last FROM dataset_days GROUP BY venue, dataset, symbol) AS series
                     GROUP BY venue, dataset
                ), good AS (
                    SELECT venue, dataset, day, day - (row_number() OVER (PARTITION BY venue, dataset ORDER BY day))::int AS run
                      FROM dataset_days JOIN reached USING (venue, dataset) WHERE day <= last
                     GROUP BY venue, dataset, day HAVING bool_and(state = 'good')
                )
                SELECT DISTINCT ON (venue, dataset) venue, dataset, min(day), max(day) FROM good
                 GROUP BY venue, dataset, run ORDER BY venue, dataset, max(day) DESC
                """
            ).fetchall()
        return {(venue, dataset): (first, last) for venue, dataset, first, last in rows}

    def open_issues(self, *, since: date | None = None, venue: str | None = None) -> list[Issue]:
        """Failures that no later check resolved, oldest day first; None means no bound."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT "timestamp", venue, dataset, symbol, day, issue_type, severity, details FROM data_quality_logs
                 WHERE NOT resolved AND (%(since)s::date IS NULL OR day >= %(since)s)
                   AND (%(venue)s::text IS NULL OR venue = %(venue)s)
                 ORDER BY day, symbol, dataset, issue_type
                """,
                {"since": since, "venue": venue},
            ).fetchall()
        return [Issue(*row) for row in rows]

    def explain_gap(self, venue: str, dataset: str, gap: ExplainedGap, recorded_at_ms: int) -> None:
        """Note why a window has no data; a second reason for the same window replaces the first."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO explained_gaps VALUES (%s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (venue, dataset, symbol, start_ts, end_ts)
                DO UPDATE SET reason = excluded.reason, recorded_at = excluded.recorded_at
                """,
                (
                    venue, dataset, gap.symbol, to_datetime(gap.start_ms), to_datetime(gap.end_ms), gap.reason,
                    to_datetime(recorded_at_ms),
                ),
            )

    def explained_gaps(self, venue: str, dataset: str, symbol: str, start_ms: int, end_ms: int) -> list[ExplainedGap]:
        """Explained gaps that touch [start_ms, end_ms), in time order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT symbol, start_ts, end_ts, reason FROM explained_gaps
                 WHERE venue = %s AND dataset = %s AND symbol = %s AND start_ts < %s AND end_ts > %s ORDER BY start_ts
                """,
                (venue, dataset, symbol, to_datetime(end_ms), to_datetime(start_ms)),
            ).fetchall()
        return [ExplainedGap(s, to_ms(start), to_ms(end), reason) for s, start, end, reason in rows]


def _write_failures(connection: psycopg.Connection[Any], venue: str, failures: Sequence[CheckResult], at: datetime) -> None:
    connection.cursor().executemany(
        """
        INSERT INTO data_quality_logs ("timestamp", venue, dataset, symbol, day, issue_type, severity, details)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (venue, dataset, symbol, day, issue_type) WHERE NOT resolved
        DO UPDATE SET "timestamp" = excluded."timestamp", severity = excluded.severity, details = excluded.details
        """,
        [(at, venue, r.dataset, r.symbol, r.day, r.name, r.severity.value, Jsonb(r.details())) for r in failures],
    )


def _write_passes(connection: psycopg.Connection[Any], venue: str, passes: Sequence[CheckResult], at: datetime) -> None:
    by_check: dict[tuple[str, str, str], list[date]] = defaultdict(list)
    for result in passes:
        by_check[result.dataset, result.symbol, result.name].append(result.day)
    for (dataset, symbol, name), days in by_check.items():
        connection.execute(
            """
            UPDATE data_quality_logs SET resolved = true, resolved_at = %s
             WHERE NOT resolved AND venue = %s AND dataset = %s AND symbol = %s AND issue_type IN (%s, 'fetch') AND day = ANY(%s)
            """,
            (at, venue, dataset, symbol, name, days),
        )
        details = {"message": f"{len(days)} days passed", "first_day": str(min(days)), "last_day": str(max(days))}
        connection.execute(
            """
            INSERT INTO data_quality_logs
                ("timestamp", venue, dataset, symbol, day, issue_type, severity, details, resolved, resolved_at)
            VALUES (%s, %s, %s, %s, %s, %s, 'ok', %s, true, %s)
            """,
            (at, venue, dataset, symbol, min(days), name, Jsonb(details), at),
        )


def _write_refused(connection: psycopg.Connection[Any], venue: str, refused: Iterable[RefusedBatch], at: datetime) -> None:
    connection.cursor().executemany(
        """
        INSERT INTO quarantine_batches (
            venue, dataset, symbol, day, source, reason, row_count, content_hash, rows, later_ms, recorded_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (venue, dataset, symbol, day, content_hash)
        DO UPDATE SET reason = excluded.reason, recorded_at = excluded.recorded_at, released_at = NULL
        """,
        [
            (
                venue, b.dataset, b.symbol, b.day, b.source, b.reason, b.row_count, b.content_hash, b.rows,
                Jsonb({str(ts): known for ts, known in b.later_ms.items()}), at,
            )
            for b in refused
        ],
    )


def _write_days(connection: psycopg.Connection[Any], venue: str, dataset: str, days: Sequence[DayReport], at: datetime) -> None:
    connection.cursor().executemany(
        """
        INSERT INTO dataset_days AS d VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (venue, dataset, symbol, day) DO UPDATE SET state = excluded.state, row_count = excluded.row_count,
            expected_rows = excluded.expected_rows, content_hash = excluded.content_hash, reasons = excluded.reasons,
            updated_at = excluded.updated_at
        WHERE (d.state, d.row_count, d.expected_rows, d.content_hash, d.reasons) IS DISTINCT FROM
              (excluded.state, excluded.row_count, excluded.expected_rows, excluded.content_hash, excluded.reasons)
        """,
        [(venue, dataset, d.symbol, d.day, d.state.value, d.rows, d.expected, d.content_hash, list(d.reasons), at) for d in days],
    )
    repaired: dict[str, list[date]] = defaultdict(list)
    for day in days:
        if day.state is not DayState.QUARANTINED:
            repaired[day.symbol].append(day.day)
    for symbol, released in repaired.items():
        connection.execute(
            """
            UPDATE quarantine_batches SET released_at = %s
             WHERE released_at IS NULL AND venue = %s AND dataset = %s AND symbol = %s AND day = ANY(%s)
            """,
            (at, venue, dataset, symbol, released),
        )

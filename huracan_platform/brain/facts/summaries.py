"""The daily summaries as they were told, and how reliable each source was, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime


class SummaryRepository:
    """Stored summaries, and sums over the quality books."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, venue: str, day: date, sentences: Sequence[str], recorded_at_ms: int) -> None:
        """Keep a summary; the same one again is not kept twice."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO data_summaries (venue, day, sentences, recorded_at)
                SELECT %(venue)s, %(day)s, %(told)s::text[], %(at)s
                 WHERE %(told)s::text[] IS DISTINCT FROM (
                    SELECT sentences FROM data_summaries WHERE venue = %(venue)s AND day = %(day)s
                     ORDER BY summary_id DESC LIMIT 1)
                """,
                {"venue": venue, "day": day, "told": list(sentences), "at": to_datetime(recorded_at_ms)},
            )

    def of_day(self, day: date | None = None) -> list[tuple[str, date, list[str]]]:
        """(venue, day, sentences) as last told of a day, by venue; `day` None: of the newest day of each venue."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT DISTINCT ON (venue) venue, day, sentences FROM data_summaries
                 WHERE %(day)s::date IS NULL OR day = %(day)s ORDER BY venue, day DESC, summary_id DESC
                """,
                {"day": day},
            ).fetchall()
        return [(venue, of, list(sentences)) for venue, of, sentences in rows]

    def weeks(self, last_weeks: int) -> list[dict[str, Any]]:
        """Per source, dataset and ISO week of the newest weeks: days and how many are good, coverage in own rows, fetches that
        failed, checks that failed, minutes lent, newest week first. What was resolved since counts as well.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                WITH days AS (
                    SELECT venue, dataset, date_trunc('week', day)::date AS week, count(*) AS days,
                           count(*) FILTER (WHERE state = 'good') AS good, sum(row_count) AS got, sum(expected_rows) AS expected
                      FROM dataset_days WHERE state NOT IN ('open', 'unavailable') GROUP BY 1, 2, 3
                ), failures AS (
                    SELECT venue, dataset, date_trunc('week', day)::date AS week,
                           count(*) FILTER (WHERE issue_type = 'fetch') AS unfetched,
                           count(*) FILTER (WHERE issue_type <> 'fetch') AS failed
                      FROM data_quality_logs WHERE severity <> 'ok' GROUP BY 1, 2, 3
                ), lent AS (
                    SELECT venue, dataset, date_trunc('week', start_ts AT TIME ZONE 'UTC')::date AS week,
                           (extract(epoch FROM sum(end_ts - start_ts)) / 60)::bigint AS minutes
                      FROM refetched_windows WHERE replaced_at IS NULL GROUP BY 1, 2, 3
                )
                SELECT to_char(week, 'IYYY-"W"IW'), venue, dataset, days, good, got, expected, coalesce(unfetched, 0),
                       coalesce(failed, 0), coalesce(minutes, 0)
                  FROM days LEFT JOIN failures USING (venue, dataset, week) LEFT JOIN lent USING (venue, dataset, week)
                 WHERE week > (SELECT max(week) FROM days) - 7 * %s ORDER BY week DESC, venue, dataset
                """,
                (last_weeks,),
            ).fetchall()
        names = ("week", "source", "dataset", "days", "good", "rows", "expected", "unfetched", "failed_checks", "lent_minutes")
        return [dict(zip(names, row, strict=True)) for row in rows]

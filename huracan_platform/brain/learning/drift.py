"""How far live rows have moved from what each version was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel


@dataclass(frozen=True)
class DriftedVersion:
    """A version with critical columns; `measurement_id` is the newest of its measurements concerned."""

    measurement_id: int
    model_id: str
    venue: str
    symbol: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class DriftReport:
    """A page that was made of a version's drift; `critical` are the columns that were critical then, `made_ms` wire."""

    model_id: str
    content_hash: str
    critical: tuple[str, ...]
    made_ms: int


class DriftRepository:
    """Measurements and the pages made of them, only added to."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, model_id: str, found: Sequence[ColumnDrift], first_ms: int, last_ms: int, wire_ms: int) -> None:
        """Store one measurement of all columns over live rows from first to last, market ms."""
        times = (to_datetime(first_ms), to_datetime(last_ms), to_datetime(wire_ms))
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO drift_measurements (model_id, column_name, psi, critical_psi, ks, ks_p, observations, effective,
                    level, first_at, last_at, measured_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                [
                    (model_id, d.column, _number(d.psi), d.critical_psi, _number(d.ks), _number(d.ks_p), d.rows, d.effective,
                     d.level.value, *times)
                    for d in found
                ],
            )

    def critical_since(self, measurement_id: int) -> list[DriftedVersion]:
        """Versions with critical columns in measurements after that one, in order."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT max(d.measurement_id), d.model_id, m.venue, m.symbol, array_agg(DISTINCT d.column_name)
                  FROM drift_measurements d JOIN models m USING (model_id)
                 WHERE d.measurement_id > %s AND d.level = %s GROUP BY d.model_id, m.venue, m.symbol ORDER BY 1
                """,
                (measurement_id, DriftLevel.CRITICAL.value),
            ).fetchall()
        return [
            DriftedVersion(number, model_id, venue, symbol, tuple(columns))
            for number, model_id, venue, symbol, columns in rows
        ]

    def critical_columns(self, model_id: str) -> tuple[str, ...] | None:
        """Columns that were critical in the version's newest measurement; None where it was never measured."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT column_name, level FROM drift_measurements WHERE model_id = %(model)s AND measured_at =
                    (SELECT max(measured_at) FROM drift_measurements WHERE model_id = %(model)s) ORDER BY measurement_id
                """,
                {"model": model_id},
            ).fetchall()
        return tuple(name for name, level in rows if level == DriftLevel.CRITICAL.value) if rows else None

    def newest(self, model_id: str) -> list[ColumnDrift]:
        """The version's newest measurement by column; empty where it was never measured."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT column_name, coalesce(psi, 'NaN'), critical_psi, coalesce(ks, 'NaN'), coalesce(ks_p, 'NaN'), observations,
                       effective, level FROM drift_measurements WHERE model_id = %(model)s AND measured_at =
                    (SELECT max(measured_at) FROM drift_measurements WHERE model_id = %(model)s) ORDER BY measurement_id
                """,
                {"model": model_id},
            ).fetchall()
        return [
            ColumnDrift(name, psi, critical_psi, ks, ks_p, observations, effective, DriftLevel(level))
            for name, psi, critical_psi, ks, ks_p, observations, effective, level in rows
        ]

    def add_report(self, report: DriftReport) -> None:
        """Note that a page was made."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO drift_reports (model_id, content_hash, critical, made_at) VALUES (%s, %s, %s, %s)",
                (report.model_id, report.content_hash, list(report.critical), to_datetime(report.made_ms)),
            )

    def newest_report(self, model_id: str) -> DriftReport | None:
        """The version's last page; None where it has none."""
        with self._brain.connect() as connection:
            row = connection.execute(
                "SELECT content_hash, critical, made_at FROM drift_reports WHERE model_id = %s ORDER BY report_id DESC LIMIT 1",
                (model_id,),
            ).fetchone()
        return None if row is None else DriftReport(model_id, row[0], tuple(row[1]), to_ms(row[2]))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

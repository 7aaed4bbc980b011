"""How far live rows have moved from what each version was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel


@dataclass(frozen=True)
class DriftedVersion:
    """A version with critical columns; `measurement_id` is the newest of its measurements concerned."""

    measurement_id: int
    model_id: str
    venue: str
    symbol: str
    columns: tuple[str, ...]


class DriftRepository:
    """Measurements, only added to."""

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


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Feature importance per model version."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.importance import FeatureImportance


class ImportanceRepository:
    """Rankings by version."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def save(self, model_id: str, ranking: Sequence[FeatureImportance], wire_ms: int) -> None:
        """Store a version's ranking; measured again it replaces the one before."""
        at = to_datetime(wire_ms)
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM feature_importance WHERE model_id = %s", (model_id,))
            cursor.executemany(
                "INSERT INTO feature_importance"
                " (model_id, feature, rank, contribution, permutation, permutation_error, measured_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [(model_id, i.feature, i.rank, i.contribution, i.permutation, i.permutation_error, at) for i in ranking],
            )

    def of(self, model_id: str) -> tuple[FeatureImportance, ...]:
        """A version's ranking, best first; empty where it was never measured."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT feature, contribution, permutation, permutation_error, rank FROM feature_importance"
                " WHERE model_id = %s ORDER BY rank", (model_id,)
            ).fetchall()
        return tuple(FeatureImportance(*row) for row in rows)

    def before(self, model_id: str) -> tuple[str, tuple[FeatureImportance, ...]] | None:
        """Id and ranking of the last measured version of the same venue, symbol and architecture before this one."""
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                SELECT old.model_id FROM models new JOIN models old USING (venue, symbol, architecture)
                 WHERE new.model_id = %s AND old.version < new.version
                   AND EXISTS (SELECT 1 FROM feature_importance f WHERE f.model_id = old.model_id)
                 ORDER BY old.version DESC LIMIT 1
                """,
                (model_id,),
            ).fetchone()
        return None if row is None else (row[0], self.of(row[0]))

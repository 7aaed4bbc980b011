"""Model versions and their metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.model import ModelCard, ModelMetric, Stage

_CARD = """
    SELECT model_id, venue, symbol, architecture, version, artefact_hash, dataset_hash, parent_id, created_at, manifest::text,
           (SELECT to_stage FROM model_stages s WHERE s.model_id = m.model_id ORDER BY change_id DESC LIMIT 1)
    FROM models m
"""


def next_version(connection: Connection[Any], symbol: str, architecture: str) -> int:
    """The version that the next model of this kind gets; the caller holds the stage chain's lock until it is stored."""
    row = connection.execute(
        "SELECT coalesce(max(version), 0) + 1 FROM models WHERE symbol = %s AND architecture = %s", (symbol, architecture)
    ).fetchone()
    assert row is not None
    return int(row[0])


def insert_model(connection: Connection[Any], card: ModelCard) -> None:
    """Store one version; its stage is a row of the stage chain."""
    connection.execute(
        """
        INSERT INTO models (model_id, venue, symbol, architecture, version, artefact_hash, dataset_hash, parent_id, created_at,
                            manifest, manifest_hash)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            card.model_id, card.venue, card.symbol, card.architecture, card.version, card.artefact_hash, card.dataset_hash,
            card.parent_id, to_datetime(card.created_ms), json.dumps(card.manifest, sort_keys=True), hash_json(card.manifest),
        ),
    )


class ModelRepository:
    """Reads of model versions."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def get(self, model_id: str) -> ModelCard | None:
        """The version of that id; None when there is none."""
        return next(iter(self._cards("WHERE model_id = %s", (model_id,))), None)

    def twin(self, venue: str, symbol: str, architecture: str, artefact_hash: str, dataset_hash: str) -> ModelCard | None:
        """The version that is the same artefact trained on the same data; None when there is none."""
        where = "WHERE venue = %s AND symbol = %s AND architecture = %s AND artefact_hash = %s AND dataset_hash = %s"
        return next(iter(self._cards(where, (venue, symbol, architecture, artefact_hash, dataset_hash))), None)

    def all(self, *, venue: str | None = None, symbol: str | None = None) -> list[ModelCard]:
        """Versions by symbol, architecture and version; None does not narrow."""
        where = "WHERE (%s::text IS NULL OR venue = %s) AND (%s::text IS NULL OR symbol = %s)"
        return self._cards(f"{where} ORDER BY symbol, architecture, version", (venue, venue, symbol, symbol))

    def descendants(self, model_id: str) -> list[str]:
        """Ids of all models trained from this one, and from those, oldest first."""
        return self._family(
            """
            WITH RECURSIVE family AS (
                SELECT model_id, created_at FROM models WHERE parent_id = %s
                UNION SELECT m.model_id, m.created_at FROM models m JOIN family f ON m.parent_id = f.model_id
            ) SELECT model_id FROM family ORDER BY created_at, model_id
            """, model_id,
        )

    def ancestors(self, model_id: str) -> list[str]:
        """Ids of the parent, its parent and so on, nearest first."""
        return self._family(
            """
            WITH RECURSIVE family AS (
                SELECT parent_id, 1 AS generation FROM models WHERE model_id = %s AND parent_id IS NOT NULL
                UNION SELECT m.parent_id, f.generation + 1 FROM models m JOIN family f ON m.model_id = f.parent_id
                WHERE m.parent_id IS NOT NULL
            ) SELECT parent_id FROM family ORDER BY generation
            """, model_id,
        )

    def record_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        """Store metrics; one that is there already takes the new value and time."""
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO model_metrics (model_id, asset, split, metric, "timestamp", value, interval_low, interval_high)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (model_id, asset, split, metric) DO UPDATE SET "timestamp" = excluded."timestamp",
                    value = excluded.value, interval_low = excluded.interval_low, interval_high = excluded.interval_high
                """,
                [
                    (m.model_id, m.asset, m.split, m.metric, to_datetime(m.recorded_ms), m.value, *(m.interval or (None, None)))
                    for m in metrics
                ],
            )

    def metrics(self, model_id: str) -> list[ModelMetric]:
        """All metrics of one version, by split and metric."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT model_id, asset, split, metric, value, "timestamp", interval_low, interval_high
                FROM model_metrics WHERE model_id = %s ORDER BY split, metric
                """, (model_id,),
            ).fetchall()
        return [
            ModelMetric(row[0], row[1], row[2], row[3], row[4], to_ms(row[5]), None if row[6] is None else (row[6], row[7]))
            for row in rows
        ]

    def _cards(self, where: str, values: tuple[object, ...]) -> list[ModelCard]:
        with self._brain.connect() as connection:
            rows = connection.execute(_CARD + where, values).fetchall()
        return [
            ModelCard(
                row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], to_ms(row[8]), json.loads(row[9]), Stage(row[10])
            )
            for row in rows
        ]

    def _family(self, query: str, model_id: str) -> list[str]:
        with self._brain.connect() as connection:
            return [row[0] for row in connection.execute(query, (model_id,))]

"""The chain of stage changes: append-only rows, each of which holds the hash of the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from psycopg import Connection

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.model import Stage, StageChange

GENESIS = "0" * 64
_LOCK = 0x5354_4147  # writers of the chain take turns
_SELECT = """
    SELECT change_id, s.model_id, from_stage, to_stage, changed_by, reason, gates::text, wire_at, market_at, prev_hash, row_hash
    FROM model_stages s
"""


@dataclass(frozen=True)
class ChainCheck:
    """Whether the chain holds. `broken_at` is the first row that does not fit, None when all do."""

    length: int
    broken_at: int | None
    reason: str

    @property
    def intact(self) -> bool:
        """True when every row hashes to what it says and follows the one before."""
        return self.broken_at is None


class StageWriter:
    """One transaction that holds the chain's lock: what it reads cannot change before it writes."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection

    def stage_of(self, model_id: str) -> Stage | None:
        """The model's stage; None when it has no row yet."""
        row = self.connection.execute(
            "SELECT to_stage FROM model_stages WHERE model_id = %s ORDER BY change_id DESC LIMIT 1", (model_id,)
        ).fetchone()
        return None if row is None else Stage(row[0])

    def holders(self, venue: str, symbol: str, stage: Stage) -> list[str]:
        """Models of that venue and symbol that stand at that stage."""
        rows = self.connection.execute(
            """
            SELECT model_id FROM (
                SELECT DISTINCT ON (model_id) model_id, to_stage FROM model_stages JOIN models USING (model_id)
                WHERE venue = %s AND symbol = %s ORDER BY model_id, change_id DESC
            ) newest WHERE to_stage = %s ORDER BY model_id
            """, (venue, symbol, stage.value),
        )
        return [row[0] for row in rows]

    def append(
        self, model_id: str, to_stage: Stage, *, by: str, reason: str, gates: dict[str, str], wire_ms: int, market_ms: int
    ) -> StageChange:
        """Add one row to the chain; times in ms UTC."""
        last = self.connection.execute("SELECT change_id, row_hash FROM model_stages ORDER BY change_id DESC LIMIT 1").fetchone()
        number, prev_hash = (0, GENESIS) if last is None else last
        unsealed = StageChange(
            number + 1, model_id, self.stage_of(model_id), to_stage, by, reason, gates, wire_ms, market_ms, prev_hash, ""
        )
        change = replace(unsealed, row_hash=chain_hash(unsealed))
        self.connection.execute(
            """
            INSERT INTO model_stages (change_id, model_id, from_stage, to_stage, changed_by, reason, gates, wire_at, market_at,
                                      prev_hash, row_hash)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                change.change_id, model_id, change.from_stage and change.from_stage.value, to_stage.value, by, reason,
                json.dumps(gates, sort_keys=True), to_datetime(wire_ms), to_datetime(market_ms), prev_hash, change.row_hash,
            ),
        )
        return change


class StageRepository:
    """Reads of the chain, and the door to writing it."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    @contextmanager
    def writing(self) -> Iterator[StageWriter]:
        """One transaction; other writers wait until it ends."""
        with self._brain.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield StageWriter(connection)

    def of_model(self, model_id: str) -> list[StageChange]:
        """Changes of one model in the order in which they were made."""
        return self._changes("WHERE s.model_id = %s ORDER BY change_id", (model_id,))

    def of_symbol(self, venue: str, symbol: str) -> list[StageChange]:
        """Changes of all models of one symbol in the order in which they were made."""
        return self._changes("JOIN models USING (model_id) WHERE venue = %s AND symbol = %s ORDER BY change_id", (venue, symbol))

    def verify(self) -> ChainCheck:
        """Hash the whole chain again."""
        prev_hash, changes = GENESIS, self._changes("ORDER BY change_id", ())
        for number, change in enumerate(changes, start=1):
            for wrong, reason in (
                (change.change_id != number, f"expected change {number}, got {change.change_id}: a row is missing"),
                (change.prev_hash != prev_hash, f"expected to follow {prev_hash}, got {change.prev_hash}"),
                (chain_hash(change) != change.row_hash, f"expected hash {chain_hash(change)}, got {change.row_hash}"),
            ):
                if wrong:
                    return ChainCheck(len(changes), change.change_id, reason)
            prev_hash = change.row_hash
        return ChainCheck(len(changes), None, f"{len(changes)} changes, head {prev_hash}")

    def _changes(self, where: str, values: tuple[object, ...]) -> list[StageChange]:
        with self._brain.connect() as connection:
            rows = connection.execute(_SELECT + where, values).fetchall()
        return [
            StageChange(
                row[0], row[1], None if row[2] is None else Stage(row[2]), Stage(row[3]), row[4], row[5], json.loads(row[6]),
                to_ms(row[7]), to_ms(row[8]), row[9], row[10],
            )
            for row in rows
        ]


def chain_hash(change: StageChange) -> str:
    """SHA-256 hex of the row without its own hash."""
    row = asdict(change)
    del row["row_hash"]
    return hash_json(row)

"""Refused batches with their rows, and what people decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.quality import Ruling, RulingKind
from huracan_platform.errors import PermanentError

_ENTRY = """
    SELECT batch_id, venue, dataset, symbol, day, source, b.reason, row_count, content_hash, b.recorded_at, released_at,
           ruling, by_whom, r.reason, r.recorded_at
      FROM quarantine_batches b LEFT JOIN quarantine_rulings r USING (batch_id)
"""


@dataclass(frozen=True)
class QuarantineEntry:
    """A refused batch without its rows. `released_at`: its day was repaired or the batch released; `ruling` a person's word."""

    batch_id: int
    venue: str
    dataset: str
    symbol: str
    day: date | None
    source: str
    reason: str
    row_count: int
    content_hash: str
    recorded_at: datetime
    released_at: datetime | None
    ruling: Ruling | None

    @property
    def waits(self) -> bool:
        """Nobody has decided, and the day was not repaired."""
        return self.released_at is None and self.ruling is None


class Quarantine:
    """Refused batches of all datasets."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def entries(self, *, every: bool = False) -> list[QuarantineEntry]:
        """Batches that wait, newest first; `every` adds those that were released, discarded or whose day was repaired."""
        query = f"{_ENTRY} WHERE %s OR (released_at IS NULL AND ruling IS NULL) ORDER BY batch_id DESC"
        with self._brain.connect() as connection:
            rows = connection.execute(query.encode(), (every,)).fetchall()
        return [_entry(row) for row in rows]

    def entry(self, batch_id: int) -> QuarantineEntry:
        """One batch.

        Raises
        ------
        PermanentError
            No such batch.
        """
        with self._brain.connect() as connection:
            row = connection.execute(f"{_ENTRY} WHERE batch_id = %s".encode(), (batch_id,)).fetchone()
        if row is None:
            raise _no_batch(batch_id)
        return _entry(row)

    def rows(self, batch_id: int) -> bytes:
        """The rows of a refused batch, parquet bytes.

        Raises
        ------
        PermanentError
            No such batch.
        """
        with self._brain.connect() as connection:
            row = connection.execute("SELECT rows FROM quarantine_batches WHERE batch_id = %s", (batch_id,)).fetchone()
        if row is None:
            raise _no_batch(batch_id)
        return bytes(row[0])

    def later_ms(self, batch_id: int) -> dict[int, int]:
        """Since when rows of a batch are known, by their ts, where that is later than they came; both ms UTC.

        Raises
        ------
        PermanentError
            No such batch.
        """
        with self._brain.connect() as connection:
            row = connection.execute("SELECT later_ms FROM quarantine_batches WHERE batch_id = %s", (batch_id,)).fetchone()
        if row is None:
            raise _no_batch(batch_id)
        return {int(ts): int(known) for ts, known in row[0].items()}

    def rule(self, batch_id: int, kind: RulingKind, by_whom: str, reason: str, recorded_at_ms: int) -> Ruling:
        """Note a person's decision, once per batch; the same decision again is the first one, with its name and reason.

        Raises
        ------
        PermanentError
            No such batch, or it was decided otherwise.
        """
        if not by_whom.strip() or not reason.strip():
            raise PermanentError(f"quarantine {batch_id}: expected a name and a reason, got {by_whom!r} and {reason!r}")
        with self._brain.connect() as connection:
            try:
                connection.execute(
                    "INSERT INTO quarantine_rulings VALUES (%s, %s, %s, %s, %s) ON CONFLICT (batch_id) DO NOTHING",
                    (batch_id, kind.value, by_whom, reason, to_datetime(recorded_at_ms)),
                )
            except psycopg.errors.ForeignKeyViolation:
                raise _no_batch(batch_id) from None
        ruling = self.entry(batch_id).ruling
        assert ruling is not None  # written above, or before
        if ruling.kind is not kind:
            raise PermanentError(
                f"quarantine {batch_id}: expected a batch that nobody has decided about, got one that was {ruling.told}"
            )
        return ruling

    def releases(self, venue: str, dataset: str, symbol: str, first: date, last: date) -> dict[str, Ruling]:
        """Released batches of the days from first to last by the content hash of their rows."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT content_hash, ruling, by_whom, r.reason, r.recorded_at
                  FROM quarantine_rulings r JOIN quarantine_batches b USING (batch_id)
                 WHERE ruling = 'released' AND venue = %s AND dataset = %s AND symbol = %s AND day BETWEEN %s AND %s
                """,
                (venue, dataset, symbol, first, last),
            ).fetchall()
        return {row[0]: _ruling(row[1:]) for row in rows}


def _no_batch(batch_id: int) -> PermanentError:
    return PermanentError(f"quarantine: expected the number of a refused batch, got {batch_id}")


def _entry(row: tuple[Any, ...]) -> QuarantineEntry:
    ruling = None if row[11] is None else _ruling(row[11:])
    return QuarantineEntry(*(*row[:11], ruling))


def _ruling(row: tuple[Any, ...]) -> Ruling:
    kind, by_whom, reason, at = row
    return Ruling(RulingKind(kind), by_whom, reason, at)

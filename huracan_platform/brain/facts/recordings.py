"""The ledger of recorders: when each was connected, and why it stopped."""

from __future__ import annotations

from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.recording import KILLED, Recording


class RecordingLedger:
    """Recordings of all datasets. Times are market time in ms UTC, `recorded_at_ms` wire time."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def begin(self, source: str, dataset: str, began_ms: int, recorded_at_ms: int, *, symbol: str | None = None) -> int:
        """Note that a recorder is there from now on; returns the recording's number. `symbol` None: it records all of them.

        One of the same source, dataset and symbol that never said why it ended did so without a word.
        """
        at = to_datetime(began_ms)
        with self._brain.connect() as connection:
            connection.execute(
                """
                UPDATE recordings SET ended_reason = %s
                 WHERE source = %s AND dataset = %s AND symbol IS NOT DISTINCT FROM %s AND ended_reason IS NULL
                """,
                (KILLED, source, dataset, symbol),
            )
            row = connection.execute(
                """
                INSERT INTO recordings (source, dataset, symbol, began_at, seen_until, recorded_at)
                VALUES (%s, %s, %s, %s, %s, %s) RETURNING recording_id
                """,
                (source, dataset, symbol, at, at, to_datetime(recorded_at_ms)),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def extend(self, number: int, until_ms: int, recorded_at_ms: int, *, ended: str | None = None) -> None:
        """Note that all up to `until_ms` was delivered; `ended` says why the recording stops there. Never goes back."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                UPDATE recordings SET seen_until = greatest(seen_until, %s), recorded_at = %s, ended_reason = %s
                 WHERE recording_id = %s
                """,
                (to_datetime(until_ms), to_datetime(recorded_at_ms), ended, number),
            )

    def enter(self, recording: Recording, dataset: str, *, symbol: str | None = None) -> None:
        """Note a time that is known to be whole, and over. `symbol` None: of all of them."""
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO recordings (source, dataset, symbol, began_at, seen_until, ended_reason, recorded_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s)
                """,
                (
                    recording.source, dataset, symbol, to_datetime(recording.began_ms), to_datetime(recording.until_ms),
                    recording.ended, to_datetime(recording.recorded_ms),
                ),
            )

    def latest(self, source: str, dataset: str) -> tuple[int, Recording] | None:
        """Number and recording that went furthest; None where there was none."""
        with self._brain.connect() as connection:
            row = connection.execute(
                """
                SELECT recording_id, source, began_at, seen_until, ended_reason, recorded_at FROM recordings
                 WHERE source = %s AND dataset = %s ORDER BY seen_until DESC, recording_id DESC LIMIT 1
                """,
                (source, dataset),
            ).fetchone()
        return None if row is None else (int(row[0]), _recording(row[1:]))

    def first_of_sources(self, dataset: str) -> dict[str, int]:
        """When the first recording of each source began, market time in ms UTC."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT source, min(began_at) FROM recordings WHERE dataset = %s GROUP BY source", (dataset,)
            ).fetchall()
        return {source: to_ms(began) for source, began in rows}

    def first_ms(self, dataset: str, source: str | None = None) -> int | None:
        """When the first recording began, market time in ms UTC; None where there is none. `source` None: of any."""
        found = self.first_of_sources(dataset)
        return min(found.values(), default=None) if source is None else found.get(source)

    def between(
        self, dataset: str, start_ms: int, end_ms: int, *, source: str | None = None, symbol: str | None = None
    ) -> list[Recording]:
        """Recordings that touch [start_ms, end_ms), in time order.

        None means of every source, and of every symbol; recordings of all symbols at once are among those of each.
        """
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT source, began_at, seen_until, ended_reason, recorded_at FROM recordings
                 WHERE dataset = %(dataset)s AND began_at < %(end)s AND seen_until > %(start)s
                   AND (%(source)s::text IS NULL OR source = %(source)s)
                   AND (%(symbol)s::text IS NULL OR symbol IS NULL OR symbol = %(symbol)s) ORDER BY began_at, recording_id
                """,
                {
                    "dataset": dataset, "start": to_datetime(start_ms), "end": to_datetime(end_ms), "source": source,
                    "symbol": symbol,
                },
            ).fetchall()
        return [_recording(row) for row in rows]


def _recording(row: tuple[Any, ...]) -> Recording:
    source, began, until, ended, at = row
    return Recording(source, to_ms(began), to_ms(until), ended, to_ms(at))

"""Signs of life of the recorders: one row for each source and dataset."""

from __future__ import annotations

import os

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.recording import RecorderState


class RecorderBeats:
    """What each recorder last said of itself."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def beat(
        self, source: str, dataset: str, wire_ms: int, *, state: str, heard_ms: int | None = None, frames: int = 0, said: str = ""
    ) -> None:
        """Note a sign of life of this process; another process's row begins anew. `heard_ms` None leaves what was known."""
        at = to_datetime(wire_ms)
        with self._brain.connect() as connection:
            connection.execute(
                """
                INSERT INTO recorders AS r (source, dataset, pid, began_at, beat_at, heard_at, frames, state, said)
                VALUES (%(source)s, %(dataset)s, %(pid)s, %(at)s, %(at)s, %(heard)s, %(frames)s, %(state)s, %(said)s)
                ON CONFLICT (source, dataset) DO UPDATE
                   SET began_at = CASE WHEN r.pid = excluded.pid THEN r.began_at ELSE excluded.began_at END,
                       pid = excluded.pid, beat_at = excluded.beat_at, heard_at = coalesce(excluded.heard_at, r.heard_at),
                       frames = excluded.frames, state = excluded.state, said = excluded.said
                """,
                {
                    "source": source, "dataset": dataset, "pid": os.getpid(), "at": at, "frames": frames, "state": state,
                    "said": said, "heard": None if heard_ms is None else to_datetime(heard_ms),
                },
            )

    def all(self) -> list[RecorderState]:
        """Every recorder that ever was, by dataset and source."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                """
                SELECT source, dataset, pid, began_at, beat_at, heard_at, frames, state, said FROM recorders
                 ORDER BY dataset, source
                """
            ).fetchall()
        return [
            RecorderState(
                source, dataset, pid, to_ms(began), to_ms(beat), None if heard is None else to_ms(heard), frames, state, said
            )
            for source, dataset, pid, began, beat, heard, frames, state, said in rows
        ]

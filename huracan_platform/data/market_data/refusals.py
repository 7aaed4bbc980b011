"""Frames and entries that could not be read, between two writes: few batches and a count, however many there were."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from huracan_platform.contracts.quality import RefusedBatch
from huracan_platform.data.market_data.contract import frame_of_rows, refused_batch

# A source that says nonsense says it a hundred times a second; the first rows of a reason tell what is wrong with all of them.
MOST_ROWS = 100
MOST_REASONS = 8
OTHER = "other reasons"


@dataclass
class _Alike:
    """Rows refused for one reason: the first of them, and how many there were."""

    source: str
    reason: str
    rows: list[str] = field(default_factory=list)
    count: int = 0


class Refusals:
    """What was refused of a dataset and is not in quarantine yet. Added to on one thread, written on another.

    A batch for each name, day and reason: the first `most_rows` rows of it and the number of all. Reasons beyond
    `most_reasons` of a name and day share one batch, whose rows tell their own.
    """

    def __init__(self, dataset: str, *, most_rows: int = MOST_ROWS, most_reasons: int = MOST_REASONS) -> None:
        self._dataset, self._most_rows, self._most_reasons = dataset, most_rows, most_reasons
        self._alike: dict[tuple[str, date], dict[str, _Alike]] = {}
        self._ready: list[RefusedBatch] = []
        self._adding = threading.Lock()

    def add(self, name: str, day: date, source: str, row: str, reason: str) -> None:
        """One more, under the name of what it is of; `source` says where it came from."""
        with self._adding:
            reasons = self._alike.setdefault((name, day), {})
            key = reason if reason in reasons or len(reasons) < self._most_reasons else OTHER
            alike = reasons.setdefault(key, _Alike(source, key))
            alike.count += 1
            if len(alike.rows) < self._most_rows:
                alike.rows.append(f"{reason}: {row}" if key == OTHER else row)

    def write(self, put: Callable[[RefusedBatch], None]) -> None:
        """Hand every batch to `put`; one that it fails for waits for the next call, and what comes meanwhile is counted on."""
        if not self._ready:
            with self._adding:
                waiting, self._alike = self._alike, {}
            self._ready = [
                refused_batch(self._dataset, name, day, frame_of_rows(alike.rows), _reason(alike), alike.source)
                for (name, day), reasons in waiting.items() for alike in reasons.values()
            ]
        while self._ready:
            put(self._ready[0])
            self._ready.pop(0)


def _reason(alike: _Alike) -> str:
    """The reason, with how many there were where not all of them are kept."""
    kept = len(alike.rows)
    return alike.reason if alike.count == kept else f"{alike.reason} ({alike.count} of them, the first {kept} kept)"

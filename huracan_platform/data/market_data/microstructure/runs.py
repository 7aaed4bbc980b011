"""What one symbol's stream gave while it was whole: seconds in a row, ready to be written, with the ledger's begin and end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from huracan_platform.contracts.market import Series

Seconds = TypeVar("Seconds", bound=Series)


@dataclass(frozen=True)
class Finished(Generic[Seconds]):
    """Seconds that became final with the same frame, known since `known_ms` (market time)."""

    seconds: Seconds
    known_ms: int


@dataclass(eq=False)
class Run(Generic[Seconds]):
    """A time without a gap, from `began_ms` to `until_ms` in whole seconds of market time.

    `finished` are the seconds that were not written yet, `corrected` those that were final before and changed; `ended` says
    why the run is over, None while it goes on; `recording` and `written_ms` are what the ledger has of it.
    """

    symbol: str
    began_ms: int
    until_ms: int
    finished: list[Finished[Seconds]] = field(default_factory=list)
    corrected: list[Finished[Seconds]] = field(default_factory=list)
    ended: str | None = None
    recording: int | None = None
    written_ms: int = 0

    def add(self, seconds: Seconds, until_ms: int, known_ms: int) -> None:
        """Seconds from `until_ms` before to `until_ms` now."""
        self.finished.append(Finished(seconds, known_ms))
        self.until_ms = until_ms

    def forget(self) -> None:
        """Give up what was not written."""
        self.finished.clear()
        self.corrected.clear()
        self.until_ms = self.written_ms
        self.ended = self.ended or "the library took no writes for too long"

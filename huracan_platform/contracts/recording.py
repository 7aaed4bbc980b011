"""When a recorder was there: the ledger that tells a quiet market from a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.contracts.market import Float64, Int64

RECORDING, TRYING, STOPPED = "recording", "trying again", "stopped"
KILLED = "the recorder ended without a word"


@dataclass(frozen=True)
class Recording:
    """A time without a gap: all that happened in [began_ms, until_ms), market time in ms UTC, was delivered.

    `ended` says why it ended, None while it goes on or where its process was killed; `recorded_ms` is the wire time of its last
    change.
    """

    source: str
    began_ms: int
    until_ms: int
    ended: str | None
    recorded_ms: int


@dataclass(frozen=True)
class Gap:
    """A time that no recording covers, market time in ms UTC, and why the recording before it ended."""

    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True)
class RecorderState:
    """A recorder's last sign of life. `began_ms` and `beat_ms` are wire time; `heard_ms` is the market time of its last frame.

    `frames` counts what its process has heard; `state` says what it was doing then, `said` its last trouble, empty without one.
    """

    source: str
    dataset: str
    pid: int
    began_ms: int
    beat_ms: int
    heard_ms: int | None
    frames: int
    state: str
    said: str

    def is_alive(self, wire_ms: int, alive_for_ms: int) -> bool:
        """Whether it gave a sign within `alive_for_ms`, and did not say goodbye."""
        return self.state != STOPPED and wire_ms - self.beat_ms <= alive_for_ms


def coverage(recordings: Sequence[Recording], ts_ms: Int64, step_ms: int) -> Float64:
    """Share of each window [ts, ts + step_ms) that recordings cover, overlaps counted once; shape (n,)."""
    covered = np.zeros(len(ts_ms))
    for began, until in _united(recordings):
        covered += np.clip(np.minimum(ts_ms + step_ms, until) - np.maximum(ts_ms, began), 0, None)
    return covered / step_ms


def gaps(recordings: Sequence[Recording], start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Times in [start_ms, end_ms) that no recording covers, in order."""
    found, at = [], start_ms
    for began, until in _united(recordings):
        if began > at:
            found.append((at, min(began, end_ms)))
        at = max(at, until)
        if at >= end_ms:
            break
    if at < end_ms:
        found.append((at, end_ms))
    return [(a, b) for a, b in found if a < b]


def explained_gaps(recordings: Sequence[Recording], start_ms: int, end_ms: int) -> list[Gap]:
    """`gaps` between recordings, each with the reason of the recording that reached furthest before it.

    What lies before the first recording or after the last one that goes on is no gap between recordings and left out.
    """
    found = []
    for began, until in gaps(recordings, start_ms, end_ms):
        before = [r for r in recordings if r.until_ms <= began]
        last = max(before, key=lambda r: (r.until_ms, r.began_ms), default=None)
        later = any(r.began_ms >= until for r in recordings)
        if last is not None and (later or last.ended is not None):
            found.append(Gap(began, until, last.ended or KILLED))
    return found


def _united(recordings: Sequence[Recording]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for began, until in sorted((r.began_ms, r.until_ms) for r in recordings):
        if united and began <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], until))
        else:
            united.append((began, until))
    return united

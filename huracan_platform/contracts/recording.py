"""When a recorder was there: the ledger that tells a quiet market from a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from huracan_platform.contracts.market import Float64, Int64


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


def _united(recordings: Sequence[Recording]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for began, until in sorted((r.began_ms, r.until_ms) for r in recordings):
        if united and began <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], until))
        else:
            united.append((began, until))
    return united

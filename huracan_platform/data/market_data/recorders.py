"""How every recorder stands: whether it is alive, what it heard last, and what it missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import DAY_MS, HOUR_MS, day_of, day_start_ms, to_datetime
from huracan_platform.contracts.recording import Gap, RecorderState, coverage, explained_gaps

# The longest pause of a recorder between two tries is 45 s, of a collector between two looks some minutes.
ALIVE_FOR_MS = 10 * 60_000


@dataclass(frozen=True)
class RecorderReport:
    """One recorder. `last_frame` is of the market clock, `since` of the wall; gaps and coverage end at the last frame.

    `covered` is the share of the market's last hour that was recorded.
    """

    dataset: str
    source: str
    state: str
    since: datetime
    last_frame: datetime | None
    frames: int
    covered: float
    gaps: tuple[Gap, ...]
    said: str


def recorder_reports(brain: Brain, wire_ms: int, dataset: str | None = None) -> list[RecorderReport]:
    """All recorders, or those of a dataset, with the gaps of the market's day of their last frame."""
    return [_report(brain, state, wire_ms) for state in RecorderBeats(brain).all() if dataset in (None, state.dataset)]


def _report(brain: Brain, state: RecorderState, wire_ms: int) -> RecorderReport:
    heard = state.heard_ms
    covered, missed = 0.0, []
    if heard is not None:
        found = RecordingLedger(brain).between(state.dataset, heard - 2 * DAY_MS, heard + 1, source=state.source)
        covered = float(coverage(found, np.array([heard - HOUR_MS], dtype=np.int64), HOUR_MS)[0])
        missed = explained_gaps(found, day_start_ms(day_of(heard)), heard)
    alive = state.is_alive(wire_ms, ALIVE_FOR_MS)
    return RecorderReport(
        state.dataset, state.source, state.state if alive else f"not running, was {state.state}", to_datetime(state.began_ms),
        None if heard is None else to_datetime(heard), state.frames, covered, tuple(missed), state.said,
    )

"""Which bars of a day are due, which are missing, and how to say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import Int64
from huracan_platform.contracts.quality import ExplainedGap, Refetched

MOST_RANGES_SHOWN = 4


@dataclass(frozen=True)
class DueWindow:
    """What of a day the venue must have by now: event times in [start_ms, due_ms), of [start_ms, end_ms) in the end.

    `start_ms` and `end_ms` are the day cut to the listing; explained gaps are not due.
    """

    day: date
    start_ms: int
    due_ms: int
    end_ms: int
    gaps: tuple[ExplainedGap, ...] = ()

    def unexplained(self, ts_ms: Int64) -> Int64:
        """The given event times without those in explained gaps."""
        keep = np.ones(len(ts_ms), bool)
        for gap in self.gaps:
            keep &= (ts_ms < gap.start_ms) | (ts_ms >= gap.end_ms)
        return ts_ms[keep]

    def minutes(self) -> Int64:
        """Opens of the bars that are due."""
        return self.unexplained(np.arange(self.start_ms, self.due_ms, MINUTE_MS, dtype=np.int64))


def due_window(
    day: date, listed_from_ms: int, listed_to_ms: int | None, observed_ms: int, grace_ms: int,
    gaps: Sequence[ExplainedGap] = (),
) -> DueWindow:
    """The window of a day at market time `observed_ms`; what is younger than `grace_ms` is not due yet."""
    start = day_start_ms(day)
    end = start + DAY_MS if listed_to_ms is None else min(start + DAY_MS, listed_to_ms)
    first = max(start, -(-listed_from_ms // MINUTE_MS) * MINUTE_MS)
    end = max(end, first)
    due = min(end, (observed_ms - grace_ms) // MINUTE_MS * MINUTE_MS)
    return DueWindow(day, first, max(due, first), end, tuple(gaps))


def absent(due: Int64, came: Int64) -> Int64:
    """Those of `due`, times in ms without repeats, that are not among `came`, in their order."""
    # Without the promise of no repeats numpy makes sets of both first: 17 ms for a month of minutes instead of 0.4.
    return np.setdiff1d(due, came, assume_unique=True)


def ranges(ts_ms: Int64, step_ms: int = MINUTE_MS) -> tuple[tuple[int, int], ...]:
    """Runs of event times `step_ms` apart as (first, last), both included."""
    if len(ts_ms) == 0:
        return ()
    breaks = np.flatnonzero(np.diff(ts_ms) != step_ms)
    firsts = np.concatenate([[0], breaks + 1])
    lasts = np.concatenate([breaks, [len(ts_ms) - 1]])
    return tuple((int(ts_ms[a]), int(ts_ms[b])) for a, b in zip(firsts, lasts, strict=True))


def in_words(found: Sequence[tuple[int, int]], step_ms: int = MINUTE_MS) -> str:
    """`03:00–03:02, 07:10 and 5 more ranges`, UTC; with seconds where the step is below a minute."""
    shape = "%H:%M" if step_ms >= MINUTE_MS else "%H:%M:%S"

    def clock(ms: int) -> str:
        return f"{to_datetime(ms):{shape}}"

    # Midnight to midnight is a day, not a moment: times are compared, not their words.
    shown = [clock(a) if a == b else f"{clock(a)}–{clock(b)}" for a, b in found[:MOST_RANGES_SHOWN]]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more range{'s' if more > 1 else ''}" if more else "")


def refetched_windows(symbol: str, ts_ms: Int64, source: str) -> tuple[Refetched, ...]:
    """The windows of bars that came from another venue, cut at midnight; opens in time order."""
    parts = [run for day in np.unique(ts_ms // DAY_MS) for run in ranges(ts_ms[ts_ms // DAY_MS == day])]
    return tuple(Refetched(symbol, first, last + MINUTE_MS, source) for first, last in parts)


def is_refetched(ts_ms: Int64, windows: Sequence[Refetched]) -> npt.NDArray[np.bool_]:
    """Which event times lie in windows that hold another venue's rows."""
    found = np.zeros(len(ts_ms), bool)
    for window in windows:
        found |= (ts_ms >= window.start_ms) & (ts_ms < window.end_ms)
    return found


def told_refetched(windows: Sequence[Refetched]) -> str:
    """`refetched from bybit`, each venue once."""
    return f"refetched from {' and '.join(dict.fromkeys(window.source for window in windows))}"


def not_recorded_before(since_ms: int) -> str:
    """`not recorded before 10:07 UTC, when its recorder first started`."""
    return f"not recorded before {to_datetime(since_ms):%H:%M} UTC, when its recorder first started"


def missed(minutes: Int64) -> str:
    """`misses 2 h: 03:00–05:00 UTC` for the opens of missing bars; a range ends where the next bar is there."""
    found = [(first, last + MINUTE_MS) for first, last in ranges(minutes)]
    count = len(minutes)
    length = f"{count // 60} h" if count % 60 == 0 else f"{count} min"
    return f"misses {length}: {in_words(found)} UTC"

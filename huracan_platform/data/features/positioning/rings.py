"""The engine's whole memory as one record: a day of minutes in rings, and sums over their newest part.

Rings are indexed by absolute minute. A minute without a bar, or without the fact, is NaN and enters no sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from huracan_platform.data.features.kernels.state import NEVER, Record, compiled

FORMAT_VERSION = 1
DAY_MIN = 1440
RING = 1444                 # a day, the minute that a change over it begins with, and one for what is known a minute late
MISSING_SHARE = 100         # a window is valid while at most one minute in so many is missing

# Rows of `rings`.
LOG_CLOSE, TRADED_USD, SPREAD, LOG_CONTRACTS, SCORE, LONG, SHORT, LARGE = range(8)
ROWS = 8

STATE = np.dtype([
    ("genesis_minute", "<i8"),          # first bar ever seen, minutes since 1970; NEVER before it
    ("minute", "<i8"),                  # newest bar
    ("rings", "<f8", (ROWS, RING)),
])


def new_state() -> npt.NDArray[Any]:
    """A (1,) record array that has seen no bar."""
    state: npt.NDArray[Any] = np.zeros(1, STATE)
    record = state[0]
    record["genesis_minute"] = record["minute"] = NEVER
    record["rings"] = np.nan
    return state


@compiled
def advance(s: Record, minute: int) -> None:
    """Move the rings to `minute`; minutes that were passed over hold nothing."""
    if s.minute == NEVER:
        s.genesis_minute, s.minute = minute, minute - 1
    if minute - s.minute > RING:
        s.rings[:, :] = np.nan
    else:
        for passed in range(s.minute + 1, minute + 1):
            s.rings[:, passed % RING] = np.nan
    s.minute = minute


@compiled
def at(s: Record, row: int, minute: int) -> float:
    """Value of a minute within the ring, NaN when it has none."""
    return float(s.rings[row, minute % RING])


@compiled
def change(s: Record, row: int, minutes: int) -> float:
    """Newest value less the one `minutes` before."""
    return at(s, row, s.minute) - at(s, row, s.minute - minutes)


@compiled
def enough(s: Record, known: int, minutes: int) -> bool:
    """Whether a window of so many minutes can be had: the bars reach back so far, and at most 1 % of it is missing."""
    return bool(s.minute - s.genesis_minute >= minutes and known >= minutes - minutes // MISSING_SHARE)


@compiled
def sums(s: Record, row: int, newest: int, minutes: int) -> tuple[int, float, float, int]:
    """(known values, their sum, sum of squares, how many are above 0) of the window that ends with `newest`."""
    known, total, squares, positive = 0, 0.0, 0.0, 0
    slot = (newest - minutes + 1) % RING
    for _ in range(minutes):
        value = s.rings[row, slot]
        if not math.isnan(value):
            known += 1
            total += value
            squares += value * value
            positive += value > 0.0
        slot += 1
        if slot == RING:
            slot = 0
    return known, total, squares, positive

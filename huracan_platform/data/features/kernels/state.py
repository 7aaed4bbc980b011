"""The engine's whole memory as one packed record, so that a checkpoint is its bytes and nothing else.

Everything in it is a function of the bars of the last day, of hourly samples of the trailing windows, and of the
dwell of two regimes. Rings are indexed by absolute minute or hour, never by a count since the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt

FORMAT_VERSION = 1
DAY_MIN = 1440
RING = 1444                 # one day, and the bars before it that the oldest bar's own returns need
MAX_HOURS = 90 * 24         # the longest trailing window of hourly samples
RANGE_HOURS = 7 * 24
BINS = 1024                 # volume profile: bins of 10 bps of log price, reused modulo 1024 (a factor of 2.8 in a day)
PATTERNS = 24               # 4! orders of four returns
NEVER = -1

# Rows of `sums`: window lengths in bars.
WINDOWS = (5, 14, 15, 30, 60, 240, 1440)
W5, W14, W15, W30, W60, W240, W1440 = range(7)

# Columns of `sums`: what a complete bar adds to a window.
(BARS, SQUARE, ABSOLUTE, TRUE_RANGE, LEVEL, LEVEL_SQUARE, LAGGED,
 VOLUME, VOLUME_SQUARE, FLOW, SIGNED, LOCATED, TRADED_VALUE) = range(13)
CHANNELS = 13

EMA_SPANS = (15, 60, 240)

# Rows of `samples`: what is sampled at the close of each hour.
HEAT, ENTROPY_RAW, SIGMA, FUNDING = range(4)

STATE = np.dtype([
    ("genesis_minute", "<i8"),               # first bar ever seen, minutes since 1970; NEVER before it
    ("minute", "<i8"),                       # newest bar
    ("day", "<i8"),                          # UTC day of the newest refresh of the sums
    ("anchor", "<f8"),                       # log price that levels are measured from; keeps sums of squares exact
    ("log_close", "<f8", (RING,)),           # NaN = no bar in that minute
    ("high", "<f8", (RING,)),
    ("low", "<f8", (RING,)),
    ("volume", "<f8", (RING,)),
    ("sums", "<f8", (len(WINDOWS), CHANNELS)),
    ("ema", "<f8", (len(EMA_SPANS),)),
    ("profile_volume", "<f8", (BINS,)),
    ("profile_bars", "<i8", (BINS,)),
    ("profile_low", "<i8"),                  # occupied bins, absolute numbers
    ("profile_high", "<i8"),
    ("pattern_counts", "<i8", (PATTERNS,)),
    ("hour", "<i8"),                         # hour of the running high and low
    ("hour_high", "<f8"),
    ("hour_low", "<f8"),
    ("hour_highs", "<f8", (RANGE_HOURS,)),   # closed hours; NaN = none
    ("hour_lows", "<f8", (RANGE_HOURS,)),
    ("high_24h", "<f8"),                     # over closed hours, brought up to date when an hour closes
    ("low_24h", "<f8"),
    ("high_7d", "<f8"),
    ("low_7d", "<f8"),
    ("sampled_hour", "<i8"),                 # newest hour in `samples`
    ("samples", "<f8", (4, MAX_HOURS)),
    ("funding_mean", "<f8"),
    ("funding_sd", "<f8"),
    ("funding_day_ago", "<f8"),
    ("phase", "<i8"),
    ("phase_since", "<i8"),                  # minute
    ("strategy_regime", "<i8"),
    ("strategy_regime_since", "<i8"),
])

State = npt.NDArray[Any]        # (1,) of STATE
Record = Any                    # its element, as the compiled code sees it
Row = npt.NDArray[np.float64]   # (k,) one bar's columns

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile into whatever calls it; not cached on its own (see the package's docstring)."""
    result: F = numba.njit(function)
    return result


def new_state() -> State:
    """A (1,) record array that has seen no bar."""
    state: State = np.zeros(1, STATE)
    record = state[0]
    for name in ("genesis_minute", "minute", "day", "hour", "sampled_hour", "phase", "strategy_regime"):
        record[name] = NEVER
    for name in ("anchor", "log_close", "high", "low", "volume", "ema", "hour_high", "hour_low", "hour_highs", "hour_lows",
                 "high_24h", "low_24h", "high_7d", "low_7d", "samples", "funding_mean", "funding_sd", "funding_day_ago"):
        record[name] = np.nan
    return state

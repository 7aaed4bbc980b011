"""Open interest and the shares of long accounts of a synthetic symbol, every five minutes; see docs/synthetic_market.md.

Open interest is the recursion's own; the shares follow price and never lead it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.market.bars import F64, I64, MinuteBars, Positioning
from huracan_platform.simulator.market.shocks import ornstein_uhlenbeck

STEP_MINUTES = 5
STEPS_PER_DAY = 288
SHARE_HALF_LIFE = 1.0 * STEPS_PER_DAY


@dataclass(frozen=True)
class Lean:
    """Log odds of being long: their mean, standard deviation of their own part, and how they follow the last day's move."""

    mean: float
    sd: float
    follows: float


ALL_ACCOUNTS = Lean(0.30, 0.25, -0.40)
TOP_ACCOUNTS = Lean(0.10, 0.20, 0.20)


def trailing_mean(values: F64, window: int) -> F64:
    """Mean of each value and those before it, `window` at most; shape (n,)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.arange(1, len(values) + 1)
    first = np.maximum(stop - window, 0)
    return np.asarray((sums[stop] - sums[first]) / (stop - first), dtype=np.float64)


def generate_positioning(bars: MinuteBars, interest: F64, stream: Callable[[str], np.random.Generator]) -> Positioning:
    """Open interest and long shares at the end of every five minutes.

    `interest` (n,) lots open after each minute; `stream` gives the generator of a purpose.
    """
    steps = len(bars) // STEP_MINUTES
    last = STEP_MINUTES * np.arange(1, steps + 1) - 1
    log_price = np.log(bars.close[last])
    moves = np.diff(log_price, prepend=np.log(float(bars.open[0])) if steps else 0.0)
    sigma = np.sqrt(trailing_mean(moves**2, STEPS_PER_DAY))
    before = log_price[np.maximum(np.arange(steps) - STEPS_PER_DAY, 0)]
    day = np.divide(log_price - before, sigma * np.sqrt(STEPS_PER_DAY), out=np.zeros(steps), where=sigma > 0)
    return Positioning(
        np.asarray(bars.ts_ms[last] + MINUTE_MS), _rounded(interest[last]), _share(ALL_ACCOUNTS, day, stream("long-accounts")),
        _share(TOP_ACCOUNTS, day, stream("long-top-accounts")),
    )


def _rounded(values: F64) -> I64:
    return np.asarray(np.rint(values), dtype=np.int64)


def _share(lean: Lean, day: F64, generator: np.random.Generator) -> I64:
    own = ornstein_uhlenbeck(generator.standard_normal(len(day)), SHARE_HALF_LIFE, lean.sd)
    odds = lean.mean + own + lean.follows * np.tanh(day)
    return _rounded(1e4 / (1 + np.exp(-odds)))

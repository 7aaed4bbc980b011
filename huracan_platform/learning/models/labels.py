"""Triple-barrier labels and their uniqueness (Lopez de Prado, Advances in Financial Machine Learning, ch. 3 and 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64, Int64

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """Outcomes of n decision rows, all (n,).

    `finished` is False where the bars up to the vertical barrier are not all there (end of data or a gap): the other
    fields mean nothing in such a row. `y` is 1 where a long earns after costs, 0 where a short does, NaN where neither
    does (abstain). `long_return` and `short_return` are fractions of notional before costs, `forward_return` is the log
    return from entry to the close at the vertical barrier. `entry_bar` and `exit_bar` index the candles; `end_ms` is the
    close of the exit bar in ms UTC, the moment from which the label can be known.
    """

    y: Float64
    long_return: Float64
    short_return: Float64
    forward_return: Float64
    entry_bar: Int64
    exit_bar: Int64
    end_ms: Int64
    finished: Bool


@numba.njit(cache=True)
def _walk_to_barrier(
    open_: Float64, high: Float64, low: Float64, close: Float64, entry_bar: int, last_bar: int, distance: float,
) -> tuple[float, float, int]:
    """(long return, short return, exit bar) of one trade entered at `open_[entry_bar]`."""
    entry = open_[entry_bar]
    upper, lower = entry * (1.0 + distance), entry * (1.0 - distance)
    for bar in range(entry_bar, last_bar + 1):
        up, down = high[bar] >= upper, low[bar] <= lower
        if not up and not down:
            continue
        # A minute bar does not tell which came first: each side gets its adverse one. A bar that opens beyond the
        # stop fills at its open; a take-profit never fills better than its barrier.
        stopped_long = min(lower, open_[bar]) / entry - 1.0
        stopped_short = 1.0 - max(upper, open_[bar]) / entry
        if up and down:
            return stopped_long, stopped_short, bar
        return (distance, stopped_short, bar) if up else (stopped_long, distance, bar)
    held = close[last_bar] / entry - 1.0
    return held, -held, last_bar


@numba.njit(cache=True)
def _label_rows(
    rows: Int64, distance: Float64, ts_ms: Int64, open_: Float64, high: Float64, low: Float64, close: Float64, horizon: int,
    outcome: Float64, exit_bar: Int64, finished: Bool,
) -> None:
    for k in range(len(rows)):
        last = rows[k] + horizon
        if last >= len(ts_ms) or ts_ms[last] - ts_ms[rows[k]] != horizon * 60_000:
            continue
        finished[k] = True
        first = rows[k] + 1
        outcome[k, 0], outcome[k, 1], exit_bar[k] = _walk_to_barrier(open_, high, low, close, first, last, distance[k])
        outcome[k, 2] = math.log(close[last] / open_[first])


def triple_barrier(candles: Candles, rows: Int64, distance: Float64, *, horizon_min: int, round_trip_cost: float) -> Labels:
    """Label decisions made at the close of the candles `rows` (n,), entered at the next bar's open.

    Parameters
    ----------
    rows : indices into `candles`, ascending.
    distance : (n,) both horizontal barriers as a fraction of the entry price, > 0.
    horizon_min : vertical barrier, in minutes after entry; the trade leaves at the close of that last bar.
    round_trip_cost : fraction of notional; a side earns only when its return is above it.
    """
    n = len(rows)
    outcome = np.full((n, 3), np.nan)
    exit_bar = np.zeros(n, np.int64)
    finished = np.zeros(n, np.bool_)
    _label_rows(
        rows, distance, candles.ts_ms, candles.open, candles.high, candles.low, candles.close, horizon_min, outcome, exit_bar,
        finished,
    )
    y = np.where(outcome[:, 0] > round_trip_cost, 1.0, np.where(outcome[:, 1] > round_trip_cost, 0.0, np.nan))
    return Labels(
        y=y, long_return=outcome[:, 0], short_return=outcome[:, 1], forward_return=outcome[:, 2], entry_bar=rows + 1,
        exit_bar=exit_bar, end_ms=candles.ts_ms[exit_bar] + MINUTE_MS, finished=finished,
    )


def average_uniqueness(entry_bar: Int64, exit_bar: Int64, bars: int) -> Float64:
    """Mean over each label's bars of 1 / (labels alive in that bar), in (0, 1]; both ends included."""
    change = np.zeros(bars + 1)
    np.add.at(change, entry_bar, 1.0)
    np.add.at(change, exit_bar + 1, -1.0)
    alive = np.cumsum(change)[:bars]
    share = np.concatenate(([0.0], np.cumsum(np.divide(1.0, alive, out=np.zeros(bars), where=alive > 0))))
    unique: Float64 = (share[exit_bar + 1] - share[entry_bar]) / (exit_bar + 1 - entry_bar)
    return unique

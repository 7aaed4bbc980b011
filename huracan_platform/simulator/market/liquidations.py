"""The forced orders of a synthetic symbol, one by one: what the recursion closed at each level, split into accounts.

An order trades with the minute's tape: at the first trade that reaches its level, or before the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from huracan_platform.simulator.market.bars import F64, I64, Liquidations, MinuteBars
from huracan_platform.simulator.market.kernels import BIN, BINS
from huracan_platform.simulator.market.tape import MAX_TRADES, MINUTE, draw_path, mix

# Usual size of an account that is liquidated: this part of a usual minute's volume. Sizes of one level are Pareto.
ACCOUNTS_PER_MINUTE = 60.0
MOST_ACCOUNTS = 16
SIZE_TAIL = 1.1
FIRST_DRAW = 1_000  # beyond those of the tape


@dataclass(frozen=True)
class Levels:
    """What the recursion closed: rows (m, 4) of minute, side (1 long), bin and lots; ticks at the bins' centre; lots of a usual
    minute."""

    rows: I64
    centre_ticks: float
    usual_lots: float


@njit(cache=True)
def _accounts(key: int, minute: int, draw: int, lots: int, usual: float, sizes: I64, weights: F64) -> int:
    """Split the lots of one level into accounts; how many there are."""
    k = max(1, min(MOST_ACCOUNTS, lots, round(lots / usual)))
    total = 0.0
    for i in range(k):
        weights[i] = mix(key, minute, draw + i) ** (-1 / SIZE_TAIL)
        total += weights[i]
    left = lots - k
    for i in range(k):
        part = left if i == k - 1 else min(int((lots - k) * weights[i] / total), left)
        sizes[i] = 1 + part
        left -= part
    return k


@njit(cache=True)
def _split(key: int, rows: I64, minute: I64, bars: I64, ticks: I64, usual: float) -> I64:
    """Rows (n, 4) of time in ms, side (1 long), lots and price in ticks of every account.

    Of each level (m,): `rows` as in `Levels`, `minute` since 1970, `bars` (m, 5) open, high, low, close and volume, `ticks`.
    """
    out, n, k, drawn, draw = np.empty((len(rows) * MOST_ACCOUNTS, 4), np.int64), 0, 0, -1, FIRST_DRAW
    offset, prices = np.empty(MAX_TRADES + 1, np.int64), np.empty(MAX_TRADES, np.int64)
    sizes, weights = np.empty(MOST_ACCOUNTS, np.int64), np.empty(MOST_ACCOUNTS)
    for e in range(len(rows)):
        if minute[e] != drawn:
            drawn, draw = minute[e], FIRST_DRAW
            k = draw_path(key, drawn, bars[e, 0], bars[e, 1], bars[e, 2], bars[e, 3], bars[e, 4], offset, prices)
            offset[k] = MINUTE
        at = 0
        while at < k - 1 and (prices[at] > ticks[e] if rows[e, 1] == 1 else prices[at] < ticks[e]):
            at += 1
        for i in range(_accounts(key, drawn, draw, rows[e, 3], usual, sizes, weights)):
            wait = mix(key, drawn, draw + MOST_ACCOUNTS + i) * (offset[at + 1] - offset[at])
            out[n, 0], out[n, 1], out[n, 2], out[n, 3] = drawn * MINUTE + offset[at] + int(wait), rows[e, 1], sizes[i], prices[at]
            n += 1
        draw += 2 * MOST_ACCOUNTS
    return out[:n]


def list_liquidations(bars: MinuteBars, levels: Levels, key: int) -> Liquidations:
    """Forced orders sorted by time. Their lots of a minute and side sum to what the recursion closed."""
    rows = levels.rows
    at, long = rows[:, 0], rows[:, 1] == 1
    # A long's level is its bin's lower edge, a short's the upper one; the bar that crossed it may end a tick short of it.
    edge = (rows[:, 2] + ~long - BINS // 2) * BIN
    ticks = np.rint(levels.centre_ticks * np.exp(edge)).astype(np.int64)
    ticks = np.where(long, np.maximum(ticks, bars.low[at]), np.minimum(ticks, bars.high[at]))
    columns = np.column_stack([a[at] for a in (bars.open, bars.high, bars.low, bars.close, bars.volume)])
    found = _split(key, rows, bars.ts_ms[at] // MINUTE, columns, ticks, levels.usual_lots / ACCOUNTS_PER_MINUTE)
    found = found[np.argsort(found[:, 0], kind="stable")]
    return Liquidations(found[:, 0].copy(), found[:, 1] == 1, found[:, 2].copy(), found[:, 3].copy())

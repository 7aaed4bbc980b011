"""Columns in each other's place, told by what bars are: a high and a low around the others, opens at the close before."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS, Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.settings.diagnosis import DiagnosisSettings

IDENTITY = tuple(range(len(CANDLE_COLUMNS)))
# Bars of a block share one order of columns; shorter stretches have too few opens to tell open from close.
BLOCK = 30
# No minute of a traded perpetual spanned this factor (recorded: 1.04); a volume in a price's place does.
WIDEST = 3.0


def swapped_columns(ts: Int64, values: Float64, settings: DiagnosisSettings) -> Diagnosis | None:
    """Which columns hold which, `values` (n, 5) in the order of CANDLE_COLUMNS, rows in time order.

    Needs no second source: high and low must hold the others between them, and opens lie nearer to the close before than
    closes to the open before.
    """
    bad = np.flatnonzero(_suspect(ts, values, settings))
    if len(bad) < settings.fewest_bars:
        return None
    order = _best_order(ts, values, bad)
    if order is None:
        return None
    found = ranges(ts[bad])
    told = f"{order_text(order)} in {len(bad)} of {len(ts)} bars ({in_words(found)})"
    return Diagnosis(Fault.COLUMNS_SWAPPED, told, True, found)


def order_text(order: tuple[int, ...]) -> str:
    """`expected open, high, low, close, volume; got close under open, open under close`; the column that holds each."""
    held = [f"{CANDLE_COLUMNS[k]} under {CANDLE_COLUMNS[at]}" for k, at in enumerate(order) if k != at]
    return f"expected {', '.join(CANDLE_COLUMNS)}; got {', '.join(held)}"


def _suspect(ts: Int64, values: Float64, settings: DiagnosisSettings) -> npt.NDArray[np.bool_]:
    """Bars outside their own high and low, and blocks whose closes go on where opens should."""
    opened, high, low, close, _ = values.T
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = (high < np.maximum(opened, close)) | (low > np.minimum(opened, close))
        bad: npt.NDArray[np.bool_] = outside | (high > WIDEST * low)
        adjacent = np.diff(ts) == MINUTE_MS
        onward = np.abs(np.log(opened[1:] / close[:-1])) * adjacent
        backward = np.abs(np.log(close[1:] / opened[:-1])) * adjacent
    edges = np.arange(0, len(onward), BLOCK)
    if len(edges) == 0:
        return bad
    forth, back = np.add.reduceat(onward, edges), np.add.reduceat(backward, edges)
    with np.errstate(invalid="ignore"):
        turned = np.repeat(forth > settings.swap_ratio * back, np.diff(np.append(edges, len(onward))))
    bad[1:] |= turned
    bad[0] |= bool(turned[0])
    return bad


def _best_order(ts: Int64, values: Float64, bad: Int64) -> tuple[int, ...] | None:
    """`order[k]` is the column that holds what CANDLE_COLUMNS[k] should; None where the columns' own order fits best."""
    part, adjacent = values[bad], np.diff(ts[bad]) == MINUTE_MS
    scores = {order: _misfit(part[:, order], adjacent) for order in permutations(IDENTITY)}
    best = min(scores, key=lambda order: (scores[order], sum(a != b for a, b in zip(order, IDENTITY, strict=True))))
    sound = scores[best][0] == 0 and scores[best][1] < np.log(WIDEST)
    return best if sound and best != IDENTITY else None


def _misfit(values: Float64, adjacent: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Share of bars (whole percents) outside their high and low, then how far opens lie from the close before."""
    opened, high, low, close, _ = values.T
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (low <= np.minimum(opened, close)) & (np.maximum(opened, close) <= high) & (low > 0)
        far = np.abs(np.log(opened[1:] / close[:-1]))[adjacent]
        wide = np.log(high / low)
    distance = float(far.mean() + wide.mean()) if len(far) else float(wide.mean())
    return float(np.floor((~inside).mean() * 100)), distance if np.isfinite(distance) else float("inf")

"""Higher bars from 1-minute bars. 5m, 15m, 1h, 4h and 1d are always made here, never stored from a venue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles, Int64


@dataclass(frozen=True)
class RolledUp:
    """Higher bars of one symbol, and how many minutes each was made of."""

    candles: Candles
    minutes: Int64


def roll_up(candles: Candles, bar_ms: int) -> RolledUp:
    """Bars of `bar_ms` from 1-minute bars in time order; a bar with no minute at all is left out.

    Raises
    ------
    ValueError
        `bar_ms` is not a multiple of a minute.
    """
    if bar_ms <= 0 or bar_ms % MINUTE_MS:
        raise ValueError(f"expected a bar of whole minutes, got {bar_ms} ms")
    if len(candles) == 0:
        return RolledUp(candles, np.empty(0, np.int64))
    opens_at = candles.ts_ms // bar_ms * bar_ms
    first = np.flatnonzero(np.concatenate([[True], opens_at[1:] != opens_at[:-1]]))
    last = np.concatenate([first[1:], [len(opens_at)]]) - 1
    rolled = Candles(
        candles.symbol, opens_at[first], candles.open[first], np.maximum.reduceat(candles.high, first),
        np.minimum.reduceat(candles.low, first), candles.close[last], np.add.reduceat(candles.volume, first),
    )
    return RolledUp(rolled, last - first + 1)

"""The one compiled entry point: bars in, feature rows out, state moved on. A single bar is a run of length one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from huracan_platform.data.features.kernels.flow import write_flow
from huracan_platform.data.features.kernels.hours import roll_range
from huracan_platform.data.features.kernels.minutes import advance
from huracan_platform.data.features.kernels.physics import write_physics
from huracan_platform.data.features.kernels.price import write_price, write_time
from huracan_platform.data.features.kernels.state import compiled

MINUTE_MS = 60_000
GOOD, NOT_LATER, NOT_WHOLE_MINUTE, BAD_PRICE, BAD_VOLUME = range(5)
OPEN, HIGH, LOW, CLOSE, VOLUME_IN = range(5)    # columns of `bars`


def kernel_hash() -> str:
    """SHA-256 of the kernel sources: the code version of every feature."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@compiled
def first_bad_bar(state: Any, ts_ms: Any, bars: Any) -> tuple[int, int]:
    """(row, what is wrong) of the first bar that cannot be taken, or (-1, GOOD)."""
    newest = state[0].minute * MINUTE_MS
    for i in range(ts_ms.shape[0]):
        if ts_ms[i] % MINUTE_MS != 0:
            return i, NOT_WHOLE_MINUTE
        if ts_ms[i] <= newest:
            return i, NOT_LATER
        newest = ts_ms[i]
        low, high = bars[i, LOW], bars[i, HIGH]
        for price in bars[i, :VOLUME_IN]:
            if not (0.0 < low <= price <= high < math.inf):
                return i, BAD_PRICE
        if not 0.0 <= bars[i, VOLUME_IN] < math.inf:
            return i, BAD_VOLUME
    return -1, GOOD


def _build(version: str) -> Callable[..., tuple[int, int]]:
    @njit(cache=True)
    def run_bars(
        state: Any, ts_ms: Any, bars: Any, funding: Any, rank_hours: int, regime_hours: int, out: Any,
    ) -> tuple[int, int]:
        """Fill `out` (n, k) from `bars` (n, 5) and move `state` on; a bad bar is named and nothing is moved."""
        assert version  # part of numba's cache key: machine code of other sources is never loaded
        row, fault = first_bad_bar(state, ts_ms, bars)
        if fault != GOOD:
            return row, fault
        s = state[0]
        for i in range(ts_ms.shape[0]):
            minute = ts_ms[i] // MINUTE_MS
            high, low, close = math.log(bars[i, HIGH]), math.log(bars[i, LOW]), math.log(bars[i, CLOSE])
            advance(s, minute, high, low, close, bars[i, VOLUME_IN])
            roll_range(s, minute, high, low)
            values = out[i]
            write_price(s, values)
            write_flow(s, values)
            write_time(minute, values)
            write_physics(s, funding[i], rank_hours, regime_hours, values)
            for j in range(values.shape[0]):
                values[j] = math.nan if math.isnan(values[j]) else np.float32(values[j])
        return -1, GOOD

    compiled: Callable[..., tuple[int, int]] = run_bars
    return compiled


KERNEL_HASH = kernel_hash()
run_bars = _build(KERNEL_HASH)

"""The compiled entry point of the set: bars and what was known beside them in, feature rows out, state moved on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from huracan_platform.data.features.kernels.state import Record, Row, compiled
from huracan_platform.data.features.kernels.step import CLOSE, GOOD, KERNEL_HASH, MINUTE_MS, VOLUME_IN, first_bad_bar
from huracan_platform.data.features.positioning.columns import Input
from huracan_platform.data.features.positioning.leverage import write_leverage
from huracan_platform.data.features.positioning.liquidations import write_liquidations
from huracan_platform.data.features.positioning.rings import (
    LOG_CLOSE,
    LOG_CONTRACTS,
    LONG,
    RING,
    SCORE,
    SHORT,
    SPREAD,
    TRADED_USD,
    advance,
)
from huracan_platform.data.features.positioning.sentiment import write_sentiment


def positioning_hash() -> str:
    """SHA-256 of this folder's sources and of the kernels that they use: the code version of the set."""
    digest = hashlib.sha256(KERNEL_HASH.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@compiled
def take(s: Record, bar: Row, known: Row) -> None:
    """Put a bar and what was known at its close into the rings; liquidations belong to the minute before."""
    slot, before = s.minute % RING, (s.minute - 1) % RING
    s.rings[LOG_CLOSE, slot] = math.log(bar[CLOSE])
    s.rings[TRADED_USD, slot] = bar[CLOSE] * bar[VOLUME_IN]
    s.rings[SPREAD, slot] = known[Input.FUNDING] - known[Input.FUNDING_ELSEWHERE]
    s.rings[LOG_CONTRACTS, slot] = math.log(known[Input.CONTRACTS]) if known[Input.CONTRACTS] > 0.0 else math.nan
    s.rings[SCORE, slot] = known[Input.SENTIMENT]
    s.rings[LONG, before], s.rings[SHORT, before] = known[Input.LONG_USD], known[Input.SHORT_USD]


def _build(version: str) -> Callable[..., tuple[int, int]]:
    @njit(cache=True)
    def run_positioning(state: Any, ts_ms: Any, bars: Any, known: Any, out: Any) -> tuple[int, int]:
        """Fill `out` (n, k) from `bars` (n, 5) and `known` (n, inputs); a bad bar is named and nothing is moved."""
        assert version  # part of numba's cache key: machine code of other sources is never loaded
        row, fault = first_bad_bar(state, ts_ms, bars)
        if fault != GOOD:
            return row, fault
        s = state[0]
        for i in range(ts_ms.shape[0]):
            advance(s, ts_ms[i] // MINUTE_MS)
            take(s, bars[i], known[i])
            values = out[i]
            write_leverage(s, values)
            write_sentiment(s, known[i, Input.FEAR_GREED], values)
            write_liquidations(s, known[i, Input.IN_CASCADE], values)
            for j in range(values.shape[0]):
                values[j] = math.nan if math.isnan(values[j]) else np.float32(values[j])
        return -1, GOOD

    built: Callable[..., tuple[int, int]] = run_positioning
    return built


POSITIONING_HASH = positioning_hash()
run_positioning = _build(POSITIONING_HASH)

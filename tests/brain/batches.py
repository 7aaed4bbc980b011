"""Small batches of facts for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from huracan_platform.clock import MINUTE_MS

T0 = 1_735_689_600_000  # 2025-01-01T00:00Z
DELAY_MS = 2_000
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def candles(closes: Sequence[float], *, symbol: str = BTC, first: int = 0) -> pa.Table:
    """One bar per close from minute `first` after T0, known two seconds after its end."""
    ts = T0 + (first + np.arange(len(closes))) * MINUTE_MS
    close = np.asarray(closes, float)
    return pa.table({
        "symbol": [symbol] * len(close), "ts_ms": ts, "open": close, "high": close + 1, "low": close - 1, "close": close,
        "volume": np.ones(len(close)), "known_at_ms": ts + MINUTE_MS + DELAY_MS,
    })

"""Random-walk bars for feature tests: seeded, gapless, with moving volatility and volume."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64

START_MS = 1_735_689_600_000  # 2025-01-01 00:00 UTC, a Wednesday
BARS_PER_DAY = 1440


def walk(bars: int, seed: int, *, start_ms: int = START_MS, symbol: str = "BTC/USDT:USDT") -> Candles:
    """`bars` minutes of a driftless walk whose volatility breathes over days."""
    rng = np.random.default_rng(seed)
    ts_ms = start_ms + np.arange(bars, dtype=np.int64) * MINUTE_MS
    sigma = 5e-4 * np.exp(0.7 * np.sin(2 * np.pi * np.arange(bars) / (1.7 * BARS_PER_DAY)))
    close = np.round(50_000 * np.exp(np.cumsum(rng.standard_normal(bars) * sigma)), 1)
    open_ = np.concatenate([[50_000.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(rng.standard_normal(bars)) * 2e-4)
    low = np.minimum(open_, close) * (1 - np.abs(rng.standard_normal(bars)) * 2e-4)
    volume = rng.gamma(2.0, 10.0, bars) * (1 + sigma / 5e-4)
    return Candles(symbol, ts_ms, open_, high, low, close, volume)


def funding_of(candles: Candles, seed: int) -> Float64:
    """A rate that changes every 8 h, aligned to the bars."""
    rng = np.random.default_rng(seed + 1)
    period = (candles.ts_ms - candles.ts_ms[0]) // (DAY_MS // 3)
    rates: Float64 = (rng.standard_normal(int(period[-1]) + 1) * 1e-4)[period]
    return rates


def part(candles: Candles, rows: slice | np.ndarray) -> Candles:
    """The bars of some rows."""
    arrays = (candles.ts_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return Candles(candles.symbol, *(np.ascontiguousarray(a[rows]) for a in arrays))


def bits(values: Float64) -> np.ndarray:
    """Values as bits, so that equal means equal, NaN too."""
    return np.ascontiguousarray(values).view(np.uint64)

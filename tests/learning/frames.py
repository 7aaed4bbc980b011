"""Synthetic candles, features and frames with a signal of known shape."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.decision.costs import CostModel
from huracan_platform.learning.models.frame import SIGMA_COLUMN, TrainingFrame, build_frame
from huracan_platform.settings import LabelSettings

START_MS = 1_735_689_600_000  # 2025-01-01
SYMBOL = "BTC/USDT:USDT"
COST = CostModel("test", 0.0002, 0.0005, 0.00005, 0.0001)
FREE = CostModel("free", 0.0, 0.0, 0.0, 0.0)


def candles_of(close: Float64, *, spread: float = 0.0, symbol: str = SYMBOL) -> Candles:
    """1-minute bars that open at the last close; high and low reach `spread` (a fraction) beyond the body."""
    open_ = np.concatenate(([close[0]], close[:-1]))
    return Candles(
        symbol, START_MS + MINUTE_MS * np.arange(len(close), dtype=np.int64), open_,
        np.maximum(open_, close) * (1 + spread), np.minimum(open_, close) * (1 - spread), close, np.ones(len(close)),
    )


def features_of(candles: Candles, columns: dict[str, Float64], sigma: float = 0.0005) -> FeatureMatrix:
    """The given columns beside a constant volatility."""
    values = np.column_stack([*columns.values(), np.full(len(candles), sigma)])
    return FeatureMatrix(candles.symbol, candles.ts_ms, values, (*columns, SIGMA_COLUMN), "test", "0" * 64, ("1" * 64,))


def synthetic_frame(
    *, days: int = 20, seed: int = 0, signal: str = "linear", strength: float = 1.0, noise_columns: int = 6,
    cost: CostModel = FREE,
) -> TrainingFrame:
    """A random walk whose drift over the next hour follows feature `a` (linear), the product of `a` and `b`
    (interaction), or nothing (none). `strength` is in standard deviations of an hour."""
    rng = np.random.default_rng(seed)
    hours = days * 24
    a, b = rng.choice((-1.0, 1.0), hours), rng.choice((-1.0, 1.0), hours)
    push = {"linear": a, "interaction": a * b, "none": np.zeros(hours)}[signal]
    per_minute = 0.0005
    steps = rng.normal(0.0, per_minute, hours * 60) + np.repeat(push, 60) * strength * per_minute / np.sqrt(60)
    candles = candles_of(100.0 * np.exp(np.cumsum(steps)), spread=1e-5)
    columns = {name: np.roll(np.repeat(side, 60), -1) + rng.normal(0, 0.2, hours * 60) for name, side in (("a", a), ("b", b))}
    columns |= {f"noise_{i}": rng.normal(size=hours * 60) for i in range(noise_columns)}
    return build_frame(candles, features_of(candles, columns), LabelSettings(sample_every_min=15), cost)

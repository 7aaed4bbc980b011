"""A small market to judge on: seeded random walks, a handful of causal features, and frames made from them."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.decision import StrategyParameters
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.decision.costs import CostModel
from huracan_platform.learning.models.frame import TrainingFrame, build_frame
from huracan_platform.settings import LabelSettings

START_MS = 1_735_689_600_000  # 2025-01-01
FREE = CostModel("free", 0.0, 0.0, 0.0, 0.0)
COSTLY = CostModel("account", 2e-4, 5e-4, 0.5e-4, 1e-4)
PARAMETERS = StrategyParameters(
    enter_probability=0.6, min_edge=-1.0, round_trip_cost=COSTLY.round_trip, barrier_sigma=1.5, horizon_bars=60,
    risk_per_trade=0.01, max_leverage=1.0, max_stop_distance=0.1,
)


def bars(rows: list[tuple[float, float, float, float]], *, start_ms: int = START_MS) -> Candles:
    """Candles from (open, high, low, close) rows, one a minute."""
    o, h, low, c = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    ts = start_ms + np.arange(len(rows), dtype=np.int64) * MINUTE_MS
    return Candles("BTC/USDT:USDT", ts, o, h, low, c, np.ones(len(rows)))


def random_walk(days: int, seed: int, *, per_minute: float = 8e-4, drift: Float64 | None = None) -> Candles:
    """Gaussian log returns; `drift` (n,) is added to each minute's return."""
    rng = np.random.default_rng(seed)
    n = days * 1_440
    steps = rng.normal(0.0, per_minute, n) + (0.0 if drift is None else drift)
    close = 100.0 * np.exp(np.cumsum(steps))
    open_ = np.concatenate(([100.0], close[:-1]))
    wick = np.abs(rng.normal(0.0, per_minute / 2.0, (2, n)))
    return Candles(
        "BTC/USDT:USDT", START_MS + np.arange(n, dtype=np.int64) * MINUTE_MS, open_,
        np.maximum(open_, close) * (1.0 + wick[0]), np.minimum(open_, close) * (1.0 - wick[1]), close, np.ones(n),
    )


def features(candles: Candles, extra: dict[str, Float64] | None = None) -> FeatureMatrix:
    """Trailing volatility and momentum, all causal, plus whatever else is given per bar."""
    returns = np.diff(np.log(candles.close), prepend=np.log(candles.open[0]))
    columns = {"realised_vol_1440": np.sqrt(_trailing_mean(returns**2, 1_440))}
    columns |= {f"momentum_{w}": _trailing_mean(returns, w) * w for w in (1, 5, 15, 60, 240)}
    columns |= extra or {}
    values = np.column_stack(list(columns.values()))
    return FeatureMatrix(candles.symbol, candles.ts_ms, values, tuple(columns), "test", "0" * 64, ())


def frame(candles: Candles, extra: dict[str, Float64] | None = None, *, cost: CostModel = COSTLY) -> TrainingFrame:
    """Training frame with the default labels."""
    return build_frame(candles, features(candles, extra), LabelSettings(), cost)


def planted_drift(days: int, seed: int, size: float) -> tuple[Float64, Float64]:
    """(drift per minute, observable signal): an hourly state in {-1, 1}, seen through noise, that pushes the price."""
    rng = np.random.default_rng(seed)
    state = np.repeat(rng.choice([-1.0, 1.0], days * 24 // 4), 240)
    return size * state, state + rng.normal(0.0, 1.0, days * 1_440)


def _trailing_mean(values: Float64, window: int) -> Float64:
    total = np.concatenate(([0.0], np.cumsum(values)))
    result = np.full(len(values), np.nan)
    result[window - 1:] = (total[window:] - total[:-window]) / window
    return result

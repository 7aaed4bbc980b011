"""Streamed equals batch, bit for bit: another process restores yesterday's state and gets one bar at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, FundingRates
from huracan_platform.data.features.alignment import align_funding
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.registry import feature_set
from huracan_platform.settings import load_settings
from tests.data_features.synthetic import BARS_PER_DAY, bits, funding_of, part, walk

REPOSITORY = Path(__file__).parents[2]
MONTH = "binance_perp_1m_2025_05"


class StreamingProcess:
    """A child that answers each bar with its row before it gets the next."""

    def __init__(self, profile: str, checkpoint: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.data_features.stream_child", profile, str(checkpoint)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )

    def row(self, candles: Candles, i: int, funding: float) -> Float64:
        assert self._child.stdin
        assert self._child.stdout
        bar = (*(float(getattr(candles, name)[i]) for name in CANDLE_COLUMNS), funding)
        self._child.stdin.write(f"{candles.ts_ms[i]} {' '.join(x.hex() for x in bar)}\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, f"the streaming process ended with {self._child.wait()}"
        return np.array([float.fromhex(x) for x in answer.split()])

    def close(self) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        assert self._child.wait(60) == 0


def assert_streamed_equals_batch(candles: Candles, funding: Float64, profile: str, seed: int, tmp_path: Path) -> None:
    """Stop yesterday at midnight, stream today up to a random bar and a little on, and compare every row."""
    rng = np.random.default_rng(seed)
    features = feature_set("core", profile)
    batch = FeatureEngine(features).run(candles, funding)
    midnights = np.flatnonzero(candles.ts_ms % DAY_MS == 0)
    midnight = int(rng.choice(midnights[midnights > 0]))
    random_bar = min(midnight + int(rng.integers(1, BARS_PER_DAY)), len(candles) - 1)
    yesterday = FeatureEngine(features)
    yesterday.run(part(candles, slice(0, midnight)), funding[:midnight])
    checkpoint = tmp_path / "yesterday"
    checkpoint.write_bytes(yesterday.checkpoint())
    process = StreamingProcess(profile, checkpoint)
    for i in range(midnight, random_bar + 1):
        row = process.row(candles, i, float(funding[i]))
        wrong = np.array(features.columns)[bits(row) != bits(batch[i])]
        assert len(wrong) == 0, f"seed {seed}, bar {i}: {wrong}"
    process.close()
    assert np.isfinite(batch[random_bar]).all()


@pytest.mark.parametrize("profile", ["full", "short_history"])
def test_streamed_rows_equal_batch_rows_on_a_random_walk(profile: str, tmp_path: Path) -> None:
    candles = walk(12 * BARS_PER_DAY, seed=5)
    seed = 17 if profile == "full" else 23
    assert_streamed_equals_batch(part(candles, slice(700, None)), funding_of(candles, 5)[700:], profile, seed, tmp_path)


def test_streamed_rows_equal_batch_rows_over_missing_minutes(tmp_path: Path) -> None:
    candles = walk(12 * BARS_PER_DAY, seed=5)
    keep = np.ones(len(candles), bool)
    keep[np.random.default_rng(1).choice(len(candles), 40, replace=False)] = False
    keep[4 * BARS_PER_DAY + 100:6 * BARS_PER_DAY + 200] = False
    funding = funding_of(candles, 5)
    held = part(candles, keep)
    features = feature_set("core", "short_history")
    batch = FeatureEngine(features).run(held, funding[keep])
    engine = FeatureEngine(features)
    streamed = np.empty_like(batch)
    for i in range(len(held)):
        if i % 1000 == 0:
            restored = FeatureEngine(features)
            restored.restore(engine.checkpoint())
            engine = restored
        bar = (float(getattr(held, name)[i]) for name in CANDLE_COLUMNS)
        streamed[i] = engine.step(int(held.ts_ms[i]), *bar, float(funding[keep][i]))
    assert (bits(streamed) == bits(batch)).all()


@pytest.fixture
def month() -> Path:
    configured = load_settings().recorded_data
    folder = (configured if configured.is_absolute() else REPOSITORY / configured) / MONTH
    if not folder.is_dir():
        pytest.skip(f"recorded market data not found at {folder}; set HURACAN_RECORDED_DATA")
    return folder


@pytest.mark.parametrize("asset", ["BTC", "ETH", "SOL"])
def test_streamed_rows_equal_batch_rows_on_recorded_bars(asset: str, month: Path, tmp_path: Path) -> None:
    bars = pq.read_table(month / f"{asset}USDT_1m_ohlcv.parquet")
    settled = pq.read_table(month / f"{asset}USDT_8h_funding.parquet")
    candles = Candles(f"{asset}/USDT:USDT", bars["ts"].cast(pa.int64()).to_numpy(), *(bars[c].to_numpy() for c in CANDLE_COLUMNS))
    rate = settled["funding_rate"].to_numpy()
    rates = FundingRates(candles.symbol, settled["ts"].cast(pa.int64()).to_numpy(), rate, np.full(len(rate), 8.0))
    funding, seed = align_funding(candles.ts_ms, rates, 5_000), {"BTC": 1, "ETH": 2, "SOL": 3}[asset]
    assert_streamed_equals_batch(candles, funding, "short_history", seed, tmp_path)

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
from huracan_platform.data.features.registry import SETS, FeatureSet, feature_set
from tests.data_features.sets import History, history_of
from tests.data_features.synthetic import BARS_PER_DAY, bits
from tests.recorded import recording

REPOSITORY = Path(__file__).parents[2]
MONTH = "binance_perp_1m_2025_05"


class StreamingProcess:
    """A child that answers each bar with its row before it gets the next."""

    def __init__(self, features: FeatureSet, checkpoint: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.data_features.stream_child", features.name, features.profile, str(checkpoint)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )

    def row(self, history: History, i: int) -> Float64:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(f"{history.candles.ts_ms[i]} {' '.join(x.hex() for x in bar_of(history, i))}\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, f"the streaming process ended with {self._child.wait()}"
        return np.array([float.fromhex(x) for x in answer.split()])

    def close(self) -> None:
        assert self._child.stdin
        self._child.stdin.close()
        assert self._child.wait(60) == 0


def bar_of(history: History, i: int) -> list[float]:
    """A bar and what was known at its close."""
    return [float(values[i]) for values in (*(getattr(history.candles, name) for name in CANDLE_COLUMNS), *history.known)]


def assert_streamed_equals_batch(history: History, seed: int, tmp_path: Path) -> None:
    """Stop yesterday at midnight, stream today up to a random bar and a little on, and compare every row."""
    rng = np.random.default_rng(seed)
    batch = history.rows()
    midnights = np.flatnonzero(history.candles.ts_ms % DAY_MS == 0)
    midnight = int(rng.choice(midnights[midnights > 0]))
    random_bar = min(midnight + int(rng.integers(1, BARS_PER_DAY)), len(history) - 1)
    before = history.part(slice(0, midnight))
    yesterday = FeatureEngine(history.features)
    yesterday.run(before.candles, *before.known)
    checkpoint = tmp_path / "yesterday"
    checkpoint.write_bytes(yesterday.checkpoint())
    process = StreamingProcess(history.features, checkpoint)
    for i in range(midnight, random_bar + 1):
        wrong = np.array(history.features.columns)[bits(process.row(history, i)) != bits(batch[i])]
        assert len(wrong) == 0, f"seed {seed}, bar {i}: {wrong}"
    process.close()
    assert np.isfinite(batch[random_bar]).all()


@pytest.mark.parametrize(("name", "profile", "seed"), [
    ("core", "full", 17), ("core", "short_history", 23), ("positioning", "full", 17),
])
def test_streamed_rows_equal_batch_rows_on_a_random_walk(name: str, profile: str, seed: int, tmp_path: Path) -> None:
    history = history_of(feature_set(name, profile), 12 * BARS_PER_DAY, seed=5)
    assert_streamed_equals_batch(history.part(slice(700, None)), seed, tmp_path)


@pytest.mark.parametrize("name", SETS)
def test_streamed_rows_equal_batch_rows_over_missing_minutes_and_facts(name: str) -> None:
    history = history_of(feature_set(name, "short_history"), 12 * BARS_PER_DAY, seed=5)
    rng = np.random.default_rng(1)
    keep = np.ones(len(history), bool)
    keep[rng.choice(len(history), 40, replace=False)] = False
    keep[4 * BARS_PER_DAY + 100:6 * BARS_PER_DAY + 200] = False
    for known in history.known:
        known[8 * BARS_PER_DAY + int(rng.integers(1, 900)):][:90] = np.nan
    held = history.part(keep)
    batch = held.rows()
    engine = FeatureEngine(held.features)
    streamed = np.empty_like(batch)
    for i in range(len(held)):
        if i % 1000 == 0:
            restored = FeatureEngine(held.features)
            restored.restore(engine.checkpoint())
            engine = restored
        streamed[i] = engine.step(int(held.candles.ts_ms[i]), *bar_of(held, i))
    assert (bits(streamed) == bits(batch)).all()


@pytest.fixture
def month() -> Path:
    return recording(MONTH)


@pytest.mark.parametrize("asset", ["BTC", "ETH", "SOL"])
def test_streamed_rows_equal_batch_rows_on_recorded_bars(asset: str, month: Path, tmp_path: Path) -> None:
    bars = pq.read_table(month / f"{asset}USDT_1m_ohlcv.parquet")
    settled = pq.read_table(month / f"{asset}USDT_8h_funding.parquet")
    candles = Candles(f"{asset}/USDT:USDT", bars["ts"].cast(pa.int64()).to_numpy(), *(bars[c].to_numpy() for c in CANDLE_COLUMNS))
    rate = settled["funding_rate"].to_numpy()
    rates = FundingRates(candles.symbol, settled["ts"].cast(pa.int64()).to_numpy(), rate, np.full(len(rate), 8.0))
    history = History(feature_set("core", "short_history"), candles, (align_funding(candles.ts_ms, rates, 5_000),))
    assert_streamed_equals_batch(history, {"BTC": 1, "ETH": 2, "SOL": 3}[asset], tmp_path)

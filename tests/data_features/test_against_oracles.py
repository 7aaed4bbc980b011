"""Features against pandas, numpy and plain loops that know nothing of the kernels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.kernels.physics import VolatilityRegime, volatility_regime
from huracan_platform.data.features.registry import feature_set
from tests.data_features.synthetic import BARS_PER_DAY, funding_of, walk

SET = feature_set("core", "short_history")
BARS = 11 * BARS_PER_DAY
RANK_HOURS = 168


@pytest.fixture(scope="module")
def candles() -> Candles:
    return walk(BARS, seed=8)


@pytest.fixture(scope="module")
def funding(candles: Candles) -> Float64:
    return funding_of(candles, 8)


@pytest.fixture(scope="module")
def rows(candles: Candles, funding: Float64) -> pd.DataFrame:
    return pd.DataFrame(FeatureEngine(SET).run(candles, funding), columns=SET.columns)


@pytest.fixture(scope="module")
def frame(candles: Candles) -> pd.DataFrame:
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame({n: getattr(candles, n) for n in names}, index=pd.to_datetime(candles.ts_ms, unit="ms", utc=True))
    frame["log"] = np.log(frame.close)
    frame["r"] = frame.log.diff()
    frame["typical"] = np.log(frame.high * frame.low * frame.close) / 3
    return frame


def simple(f: pd.DataFrame) -> dict[str, pd.Series]:
    """Columns that pandas can say in a line."""
    r, v, sign = f.r, f.volume, np.sign(f.r)
    before = f.log.shift()
    true_range = np.maximum(np.log(f.high), before) - np.minimum(np.log(f.low), before)
    gain, loss = r.clip(lower=0), -r.clip(upper=0)
    location = (2 * f.log - np.log(f.high) - np.log(f.low)) / (np.log(f.high) - np.log(f.low))
    sigma = {w: np.sqrt((r**2).rolling(w).mean()) for w in (15, 60, 240, 1440)}
    mean_volume = v.rolling(1440).mean()
    close_time = f.index + pd.Timedelta(minutes=1)
    minute = np.asarray(close_time.hour * 60 + close_time.minute)
    week = np.asarray(close_time.dayofweek) * 1440 + minute
    found = {f"log_return_{k}": f.log.diff(k) for k in (1, 5, 15, 60, 240, 1440)}
    found |= {f"realised_vol_{w}": s for w, s in sigma.items()}
    found |= {f"vol_ratio_{w}": sigma[w] / sigma[1440] for w in (15, 60)}
    found |= {f"atr_{w}": true_range.rolling(w).mean() for w in (14, 60)}
    found |= {f"rsi_{w}": gain.rolling(w).sum() / (gain + loss).rolling(w).sum() for w in (14, 60)}
    found |= {f"ema_distance_{s}": f.log - f.log.ewm(span=s, adjust=False).mean() for s in (15, 60, 240)}
    found |= {f"zscore_{w}": (f.log - f.log.rolling(w).mean()) / f.log.rolling(w).std(ddof=0) for w in (60, 240, 1440)}
    found |= {f"volume_ratio_{w}": v.rolling(w).mean() / mean_volume for w in (5, 30, 60)}
    found |= {f"volume_weighted_return_{w}": (r * v).rolling(w).sum() / v.rolling(w).sum() for w in (15, 60)}
    found |= {f"vwap_distance_{w}": f.log - (f.typical * v).rolling(w).sum() / v.rolling(w).sum() for w in (60, 1440)}
    per_volume = {w: r.abs().rolling(w).sum() / v.rolling(w).sum() for w in (60, 1440)}
    return found | {
        "efficiency_15": f.log.diff(15).abs() / r.abs().rolling(15).sum(),
        "trend_1440": f.log.diff(1440) / np.sqrt((r**2).rolling(1440).sum()),
        "autocorrelation_240": (r * r.shift()).rolling(240).sum() / (r**2).rolling(240).sum(),
        "volume_zscore_1440": (v - mean_volume) / v.rolling(1440).std(ddof=0),
        "signed_volume_60": (sign * v).rolling(60).sum() / v.rolling(60).sum(),
        "obv_zscore_240": (sign * v).rolling(240).sum() / np.sqrt((v**2).rolling(240).sum()),
        "money_flow_60": (location * v).rolling(60).sum() / v.rolling(60).sum(),
        "illiquidity_ratio_60": per_volume[60] / per_volume[1440],
        "time_of_day_sin": pd.Series(np.sin(2 * np.pi * minute / 1440), f.index),
        "time_of_day_cos": pd.Series(np.cos(2 * np.pi * minute / 1440), f.index),
        "day_of_week_sin": pd.Series(np.sin(2 * np.pi * week / 10_080), f.index),
        "day_of_week_cos": pd.Series(np.cos(2 * np.pi * week / 10_080), f.index),
    }


def test_price_volume_and_time_columns_agree_with_pandas(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    """From a day after the warm-up: an average of span 240 has then forgotten its seed to 6e-6 of a day's move."""
    oracle = simple(frame)
    for name, expected in oracle.items():
        scale = expected[2 * BARS_PER_DAY:].abs().mean()
        np.testing.assert_allclose(
            rows[name][2 * BARS_PER_DAY:], expected[2 * BARS_PER_DAY:], rtol=2e-5, atol=5e-5 * scale, err_msg=name,
        )
    assert len(oracle) == 41


def test_ranges_agree_with_hourly_highs_and_lows(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    for name, hours in (("range_position_24h", 24), ("range_position_7d", 168)):
        for i in (1440, 5_000, 10_081, 12_345, BARS - 1):
            first = max(0, i - i % 60 - hours * 60)
            high, low = np.log(frame.high[first:i + 1].max()), np.log(frame.low[first:i + 1].min())
            assert rows[name][i] == pytest.approx((frame.log.iloc[i] - low) / (high - low), rel=1e-5, abs=1e-6)


def test_volume_profile_agrees_with_a_histogram(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    for i in (1440, 3_001, 7_777, BARS - 1):
        day = frame[i - 1439:i + 1]
        volume = day.volume.groupby(np.floor(day.typical / 1e-3).astype(int)).sum()
        volume = volume.reindex(range(volume.index.min(), volume.index.max() + 1), fill_value=0.0)
        control = low = high = int(volume.idxmax())
        while volume.loc[low:high].sum() < 0.7 * volume.sum():
            if volume.get(high + 1, -1.0) >= volume.get(low - 1, -1.0):
                high += 1
            else:
                low -= 1
        close = frame.log.iloc[i]
        assert rows.poc_distance[i] == pytest.approx(close - (control + 0.5) * 1e-3, abs=1e-6)
        assert rows.value_area_position[i] == pytest.approx((close - low * 1e-3) / ((high + 1 - low) * 1e-3), abs=1e-4)


def hourly(values: pd.Series) -> pd.Series:
    """The values at the bars that close an hour."""
    return values[59::60]


def trailing_rank(values: pd.Series, i: int) -> float:
    """Mid-rank of value i among the 168 hourly ones before it."""
    samples = hourly(values[:i])[-RANK_HOURS:]
    return float(((samples < values[i]).sum() + 0.5 * (samples == values[i]).sum()) / len(samples))


def permutation_entropy(returns: np.ndarray) -> float:
    """Bandt and Pompe 2002, order 4, by sorting."""
    orders = dict.fromkeys(itertools.permutations(range(4)), 0)
    for window in np.lib.stride_tricks.sliding_window_view(returns, 4):
        orders[tuple(int(k) for k in np.argsort(window, kind="stable"))] += 1
    share = np.array([n for n in orders.values() if n]) / sum(orders.values())
    return float(-(share * np.log(share)).sum() / math.log(24))


def test_temperature_is_the_rank_of_variance_times_volume_ratio(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    heat = (frame.r**2).rolling(1440).mean() * frame.volume.rolling(60).mean() / frame.volume.rolling(1440).mean()
    heat = heat.reset_index(drop=True)
    assert (rows.temperature[:RANK_HOURS * 57] == 0.5).all()
    for i in range(9 * BARS_PER_DAY, BARS, 391):
        assert rows.temperature[i] == pytest.approx(trailing_rank(heat, i), abs=0.51 / RANK_HOURS)


def test_entropy_is_the_rank_of_the_permutation_entropy(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    returns = frame.r.to_numpy()
    raw = pd.Series(np.nan, range(BARS))
    checked = range(9 * BARS_PER_DAY + 7, BARS, 601)
    for i in {*range(59, BARS, 60), *checked}:
        if i >= 240:
            raw[i] = permutation_entropy(returns[i - 239:i + 1])
    for i in checked:
        assert rows.entropy[i] == pytest.approx(trailing_rank(raw, i), abs=1.01 / RANK_HOURS)


def test_volatility_regime_is_where_sigma_stands_among_its_percentiles(frame: pd.DataFrame, rows: pd.DataFrame) -> None:
    sigma = np.sqrt((frame.r**2).rolling(1440).mean()).reset_index(drop=True)
    for i in range(9 * BARS_PER_DAY, BARS, 97):
        bounds = np.percentile(hourly(sigma[:i])[-RANK_HOURS:], [25, 75, 95])
        if np.abs(bounds / sigma[i] - 1).min() > 5e-3:  # percentiles interpolate, ranks do not
            assert rows.volatility_regime[i] == (sigma[i] > bounds).sum()
    assert len(set(rows.volatility_regime[9 * BARS_PER_DAY:])) >= 3


@pytest.mark.parametrize(("rank", "regime"), [
    (0.0, 0), (0.2499, 0), (0.25, 1), (0.5, 1), (0.7499, 1), (0.75, 2), (0.9499, 2), (0.95, 3), (1.0, 3),
])
def test_volatility_regime_changes_at_the_25th_75th_and_95th_percentile(rank: float, regime: int) -> None:
    assert volatility_regime(rank) == regime
    assert VolatilityRegime(int(volatility_regime(rank))).name == ("LOW", "NORMAL", "HIGH", "EXTREME")[regime]


def phases(trend: np.ndarray, place: np.ndarray) -> list[str]:
    """The four phases as a story, not as code numbers."""
    told: list[str] = []
    since = 0
    for i, (z, p) in enumerate(zip(trend, place, strict=True)):
        now = told[-1] if told else None
        if z > 1 or (now == "markup" and z >= 0.5):
            wish = "markup"
        elif z < -1 or (now == "markdown" and z <= -0.5):
            wish = "markdown"
        elif p < 0.4:
            wish = "accumulation"
        elif p > 0.6:
            wish = "distribution"
        else:
            wish = now or ("accumulation" if p < 0.5 else "distribution")
        if wish != now and (now is None or i - since >= 120):
            now, since = wish, i
        told.append(str(now))
    return told


def test_phase_follows_trend_and_place_with_hysteresis_and_dwell(rows: pd.DataFrame) -> None:
    known = rows[1440:]
    told = phases(known.trend_1440.to_numpy(), known.range_position_7d.to_numpy())
    columns = [c.name.lower() for c in Column if c.name.startswith("PHASE_")]
    got = known[columns].to_numpy()
    assert (got.sum(axis=1) == 1).all()
    assert [columns[k].removeprefix("phase_") for k in got.argmax(axis=1)] == told
    assert len(set(told)) == 4


def test_strategy_regime_follows_ratio_and_efficiency_with_dwell(rows: pd.DataFrame) -> None:
    now, since, told = None, 0, []
    for i, (ratio, efficiency) in enumerate(zip(rows.vol_ratio_15[1440:], rows.efficiency_15[1440:], strict=True)):
        wish = 2 if ratio > 1.5 and efficiency > 0.4 else 0 if ratio < 0.8 and efficiency < 0.2 else 1
        if wish != now and (now is None or i - since >= 30):
            now, since = wish, i
        told.append(now)
    assert rows.strategy_regime[1440:].tolist() == told
    assert set(told) == {0, 1, 2}


def test_funding_columns_agree_with_hourly_samples(funding: Float64, rows: pd.DataFrame) -> None:
    rates = pd.Series(funding)
    for i in (1439, 2_222, 9_000, BARS - 1):
        samples = hourly(rates[:i + 1])[-RANK_HOURS:]
        assert rows.funding_rate[i] == pytest.approx(funding[i], rel=1e-6)
        assert rows.funding_zscore[i] == pytest.approx((funding[i] - samples.mean()) / samples.std(ddof=0), rel=1e-5)
    for i in (1499, 9_059):
        assert rows.funding_momentum[i] == pytest.approx(funding[i] - funding[i - 1440], rel=1e-5, abs=1e-9)

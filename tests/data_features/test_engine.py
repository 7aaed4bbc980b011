"""The engine's manners: bad bars, gaps, checkpoints, cost of a step."""

from __future__ import annotations

import time

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.data.features.engine import FeatureEngine, feature_row
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.registry import feature_set
from huracan_platform.errors import ConfigurationError, DataContractError, PermanentError
from huracan_platform.settings import FeatureSettings
from tests.data_features.synthetic import BARS_PER_DAY, START_MS, bits, funding_of, part, walk

SET = feature_set("core", "short_history")
GOOD = (100.0, 101.0, 99.0, 100.5, 3.0, 1e-4)


def run(candles: Candles) -> np.ndarray:
    return FeatureEngine(SET).run(candles, funding_of(candles, 1))


@pytest.mark.parametrize(("ts_ms", "bar", "expected"), [
    (START_MS + 30_000, GOOD, "whole minutes"),
    (START_MS - MINUTE_MS, GOOD, "later than"),
    (START_MS, GOOD, "later than"),
    (START_MS + MINUTE_MS, (100.0, 99.0, 101.0, 100.5, 3.0, 0.0), "low <= open, close <= high"),
    (START_MS + MINUTE_MS, (102.0, 101.0, 99.0, 100.5, 3.0, 0.0), "low <= open, close <= high"),
    (START_MS + MINUTE_MS, (100.0, 101.0, 99.0, np.nan, 3.0, 0.0), "low <= open, close <= high"),
    (START_MS + MINUTE_MS, (100.0, np.inf, 99.0, 100.0, 3.0, 0.0), "low <= open, close <= high"),
    (START_MS + MINUTE_MS, (0.0, 101.0, 0.0, 100.5, 3.0, 0.0), "low <= open, close <= high"),
    (START_MS + MINUTE_MS, (100.0, 101.0, 99.0, 100.5, -1.0, 0.0), "volume >= 0"),
    (START_MS + MINUTE_MS, (100.0, 101.0, 99.0, 100.5, np.nan, 0.0), "volume >= 0"),
])
def test_a_bar_that_is_none_is_refused_and_moves_nothing(ts_ms: int, bar: tuple[float, ...], expected: str) -> None:
    engine = FeatureEngine(SET)
    engine.step(START_MS, *GOOD)
    before = engine.checkpoint()
    with pytest.raises(DataContractError, match=expected):
        engine.step(ts_ms, *bar)
    assert engine.checkpoint() == before


def test_a_bad_bar_inside_a_run_moves_nothing() -> None:
    candles = walk(500, 1)
    candles.close[400] = np.nan
    engine = FeatureEngine(SET)
    empty = engine.checkpoint()
    with pytest.raises(DataContractError, match="nan"):
        engine.run(candles, funding_of(candles, 1))
    assert engine.checkpoint() == empty


def test_funding_of_another_length_is_refused() -> None:
    with pytest.raises(DataContractError, match=r"expected funding of shape \(9,\), got \(8,\)"):
        FeatureEngine(SET).run(walk(9, 1), np.zeros(8))


def test_one_missing_minute_costs_short_windows_their_value_and_long_ones_nothing() -> None:
    candles = walk(3 * BARS_PER_DAY, 1)
    hole = 2 * BARS_PER_DAY + 500
    held = part(candles, np.arange(len(candles)) != hole)
    rows = run(held)[hole - 1:]  # row 0 is the bar before the hole, row 1 the one after it
    assert np.isnan(rows[1, Column.LOG_RETURN_1])
    assert np.isfinite(rows[2, Column.LOG_RETURN_1])
    assert np.isnan(rows[1:60, Column.REALISED_VOL_60]).all()
    assert np.isfinite(rows[62:, Column.REALISED_VOL_60]).all()
    assert np.isfinite(rows[:, Column.REALISED_VOL_1440]).all()
    assert np.isnan(rows[60, Column.LOG_RETURN_60])
    assert np.isfinite(rows[61, Column.LOG_RETURN_60])


def test_a_missing_day_leaves_nothing_of_the_day_before_in_the_windows() -> None:
    candles = walk(6 * BARS_PER_DAY, 1)
    held = part(candles, np.r_[0:BARS_PER_DAY, 3 * BARS_PER_DAY:6 * BARS_PER_DAY])
    fresh = run(part(candles, slice(3 * BARS_PER_DAY, None)))
    after = run(held)[BARS_PER_DAY:]
    windowed = [c for c in Column if c < Column.RANGE_POSITION_24H or Column.VOLUME_RATIO_5 <= c < Column.TIME_OF_DAY_SIN]
    assert np.isnan(after[0, Column.REALISED_VOL_1440])
    np.testing.assert_allclose(after[1 + BARS_PER_DAY:, windowed], fresh[1 + BARS_PER_DAY:, windowed], rtol=1e-4, atol=1e-6)


def test_sums_do_not_depend_on_when_the_engine_began() -> None:
    """From the second midnight on, minute windows hold the same bits whatever came before."""
    candles = walk(5 * BARS_PER_DAY, 1)
    early, late = run(candles), run(part(candles, slice(300, None)))
    windowed = [c for c in Column if c < Column.RANGE_POSITION_24H or Column.VOLUME_RATIO_5 <= c < Column.TIME_OF_DAY_SIN]
    first = 2 * BARS_PER_DAY
    assert (bits(early[first:, windowed]) == bits(late[first - 300:, windowed])).all()


def test_a_quiet_market_gives_neutral_values_not_garbage() -> None:
    candles = walk(2 * BARS_PER_DAY, 1)
    for name in ("open", "high", "low", "close"):
        getattr(candles, name)[500:] = 50_000.0
    candles.volume[500:] = 0.0
    last = run(candles)[-1]
    assert last[Column.RSI_14] == 0.5
    assert last[Column.ZSCORE_240] == 0.0
    assert last[Column.SIGNED_VOLUME_60] == 0.0
    assert last[Column.EFFICIENCY_15] == 0.0
    assert last[Column.RANGE_POSITION_24H] == 0.5
    assert np.isfinite(last[Column.VOLUME_RATIO_60])
    assert np.nanmax(np.abs(last)) < 50


def test_a_checkpoint_restores_and_is_the_same_bytes_for_the_same_bars() -> None:
    candles, other = walk(4_000, 1), FeatureEngine(SET)
    engine = FeatureEngine(SET)
    engine.run(candles, funding_of(candles, 1))
    for first in range(0, 4_000, 1_000):
        other.run(part(candles, slice(first, first + 1_000)), funding_of(candles, 1)[first:first + 1_000])
    assert engine.checkpoint() == other.checkpoint()
    restored = FeatureEngine(SET)
    restored.restore(engine.checkpoint())
    assert restored.checkpoint() == engine.checkpoint()
    assert (restored.newest_ms, restored.genesis_ms) == (START_MS + 3_999 * MINUTE_MS, START_MS)


def test_a_checkpoint_that_is_damaged_or_foreign_is_refused() -> None:
    state = FeatureEngine(SET).checkpoint()
    for damaged in (b"", state[:-1], state[:100] + b"\x01" + state[101:], b"\x80\x04K" + state):
        with pytest.raises(PermanentError, match="feature checkpoint: expected"):
            FeatureEngine(SET).restore(damaged)
    with pytest.raises(PermanentError, match="set_hash"):
        FeatureEngine(feature_set("core", "full")).restore(state)


def test_a_checkpoint_is_small() -> None:
    assert len(FeatureEngine(SET).checkpoint()) < 300_000


def test_profiles_and_windows_have_hashes_of_their_own() -> None:
    windows = FeatureSettings.model_validate({"rank_window_days": 20})
    hashes = {SET.set_hash, feature_set("core").set_hash, feature_set("core", settings=windows).set_hash}
    assert len(hashes) == 3
    assert (SET.rank_hours, SET.regime_hours) == (168, 168)
    assert feature_set("core").set_hash == feature_set("core", "full").set_hash


@pytest.mark.parametrize(("name", "profile"), [("bogus", "full"), ("core", "bogus")])
def test_an_unknown_set_or_profile_is_named(name: str, profile: str) -> None:
    with pytest.raises(ConfigurationError, match="got 'bogus'"):
        feature_set(name, profile)


def test_a_row_hash_changes_with_any_value_the_time_and_the_symbol() -> None:
    values = FeatureEngine(SET).step(START_MS, *GOOD)
    other = values.copy()
    other[3] = np.nextafter(1.0, 2.0)
    rows = [feature_row("A", START_MS, values, SET), feature_row("A", START_MS, other, SET),
            feature_row("A", START_MS + MINUTE_MS, values, SET), feature_row("B", START_MS, values, SET)]
    assert len({r.row_hash for r in rows}) == 4
    assert feature_row("A", START_MS, values.copy(), SET).row_hash == rows[0].row_hash


@pytest.mark.slow
def test_a_year_takes_seconds_and_a_step_microseconds() -> None:
    """Wide bounds: the bars of the benchmark are a tenth of these, but test machines are shared."""
    candles = walk(365 * BARS_PER_DAY, 1)
    funding = funding_of(candles, 1)
    run(part(candles, slice(0, 10)))
    began = time.process_time()
    engine = FeatureEngine(SET)
    engine.run(candles, funding)
    assert time.process_time() - began < 10.0
    costs = []
    for i in range(2_000):
        began = time.process_time()
        engine.step(START_MS + 365 * DAY_MS + i * MINUTE_MS, *GOOD)
        costs.append(time.process_time() - began)
    assert np.median(costs) < 50e-6

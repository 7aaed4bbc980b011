"""Regimes and jumps: as often and as large as documented, and the mean square of a minute keeps its level."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.simulator.market import shocks

YEARS = 8
MINUTES = YEARS * 525_600


def regimes(seed: int = 1) -> np.ndarray:
    uniforms = np.random.default_rng(seed).random(MINUTES)
    return shocks.ladder_walk(uniforms, shocks.REGIME_UP, shocks.REGIME_DOWN, shocks.NORMAL)


def sized(uniforms: np.ndarray, regime: np.ndarray, a_day: float) -> np.ndarray:
    size = shocks.JUMP_TAIL, shocks.JUMP_LEAST, shocks.JUMP_MOST
    return shocks.jumps(uniforms, regime, a_day, shocks.JUMP_FACTORS, *size)


def test_regimes_last_as_long_as_documented_and_move_one_step_at_a_time() -> None:
    found = regimes()
    assert set(np.unique(np.diff(found))) == {-1, 0, 1}
    shares = np.bincount(found, minlength=4) / MINUTES
    assert shares == pytest.approx(shocks.stationary(shocks.REGIME_UP, shocks.REGIME_DOWN), rel=0.3)
    assert np.all(shares[1] > shares[[0, 2, 3]])
    entered = np.count_nonzero((found[1:] == 3) & (found[:-1] == 2))
    assert (found == 3).sum() / entered == pytest.approx(120, rel=0.3)  # an extreme lasts two hours on average


def test_a_symbol_leaves_the_markets_regime_by_one_step_and_stays_on_the_ladder() -> None:
    market, deviation = np.array([0, 0, 1, 3, 3]), np.array([0, 2, 1, 2, 0])
    assert shocks.symbol_regime(market, deviation).tolist() == [0, 1, 1, 3, 2]


def test_jumps_come_more_often_in_high_regimes_and_either_way() -> None:
    regime = np.repeat(np.arange(4), 300_000)
    found = sized(np.random.default_rng(2).random(len(regime)), regime, 20.0)
    counts = np.count_nonzero(found.reshape(4, -1), axis=1)
    assert counts / (300_000 * 20 / 1_440) == pytest.approx(shocks.JUMP_FACTORS, rel=0.06)
    assert np.mean(found[found != 0] > 0) == pytest.approx(0.5, abs=0.02)


def test_jump_sizes_have_the_documented_tail() -> None:
    found = np.abs(sized(np.random.default_rng(3).random(1_000_000), np.ones(1_000_000, np.int64), 100.0))
    found = found[found > 0]
    assert found.min() >= shocks.JUMP_LEAST
    assert shocks.JUMP_MOST * 0.9 < found.max() <= shocks.JUMP_MOST
    assert np.mean(found > 2 * shocks.JUMP_LEAST) == pytest.approx(2**-shocks.JUMP_TAIL, abs=0.01)
    assert np.mean(found**2) == pytest.approx(shocks.jump_size_square(), rel=0.03)


def test_regimes_seasons_and_jumps_keep_the_mean_square() -> None:
    market = regimes(5)
    rng = np.random.default_rng(6)
    deviation = shocks.ladder_walk(rng.random(MINUTES), shocks.DEVIATION_UP, shocks.DEVIATION_DOWN, shocks.AS_THE_MARKET)
    regime = shocks.symbol_regime(market, deviation)
    factor = shocks.REGIME_FACTORS[regime] * np.exp(np.resize(shocks.season(), MINUTES))
    beta = 0.8
    jump = beta * sized(rng.random(MINUTES), market, shocks.COMMON_JUMPS) + sized(rng.random(MINUTES), regime, shocks.OWN_JUMPS)
    assert np.mean(factor**2 * (1 + jump**2)) == pytest.approx(shocks.mean_square(beta), rel=0.08)


def test_the_season_of_the_day_peaks_around_fourteen_hours_and_is_lowest_in_the_early_morning() -> None:
    day = shocks.season()
    assert len(day) == 1_440
    assert 12 * 60 <= int(np.argmax(day)) <= 16 * 60
    assert 5 * 60 <= int(np.argmin(day)) <= 9 * 60

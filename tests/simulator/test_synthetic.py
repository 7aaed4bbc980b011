"""The synthetic market: repeatable, independent per symbol, and predictable as strongly as its document says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from huracan_platform.clock import day_start_ms, to_datetime
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.market import kernels
from huracan_platform.simulator.market.bars import F64, ListedSymbol
from huracan_platform.simulator.market.synthetic import Oracle, generate_market, generate_symbol

START_MS = day_start_ms(date(2025, 1, 1))
HORIZON = 60
ANNUAL_VOLATILITY = {"BTC": 0.70, "ETH": 0.85, "SOL": 1.00}


def closes(listed: ListedSymbol) -> F64:
    return np.log(listed.bars.close / 10.0**listed.instrument.price_decimals)


def filtered_trend(standardised: F64) -> F64:
    """The best causal estimate of the latent drift from returns in sigmas: a Kalman filter with the true parameters."""
    decay, variance = kernels.TREND_DECAY, kernels.TREND_SCALE**2
    state, error, out = 0.0, variance, np.empty(len(standardised))
    for t, seen in enumerate(standardised):
        state, error = decay * state, decay**2 * error + variance * (1 - decay**2)
        gain = error / (error + 1)
        state, error = state + gain * (seen - state), error * (1 - gain)
        out[t] = state
    return out


def component_forecasts(listed: ListedSymbol, oracle: Oracle) -> tuple[F64, F64]:
    """Forecasts of trend, participation and crowding at each minute's close (m, 3), and the next hour's return (m,)."""
    prices = closes(listed)
    returns = np.diff(prices, prepend=prices[0])
    standardised = returns / oracle.sigma - oracle.drift[:, 1] - oracle.drift[:, 2]
    known = np.column_stack([filtered_trend(standardised), np.roll(oracle.drift[:, 1], -1), np.roll(oracle.drift[:, 2], -1)])
    at = np.arange(2_000, len(prices) - HORIZON - 1, 15)
    return (known * oracle.sigma[:, None])[at], prices[at + HORIZON] - prices[at]


def auc(score: F64, positive: np.ndarray) -> float:
    ranks = np.argsort(np.argsort(score)) + 1
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


@pytest.mark.slow
def test_the_predictable_part_is_as_strong_as_documented() -> None:
    singles, together = [], []
    for base in ANNUAL_VOLATILITY:
        forecasts, future = component_forecasts(*generate_symbol(base, 7, START_MS, 360 * 1_440))
        singles.append([np.corrcoef(forecasts[:, i], future)[0, 1] for i in range(3)])
        weights, *_ = np.linalg.lstsq(forecasts, future, rcond=None)
        together.append(np.corrcoef(forecasts @ weights, future)[0, 1])
    trend, participation, crowding = np.mean(singles, axis=0)
    assert 0.11 <= trend <= 0.22
    assert 0.23 <= participation <= 0.34
    assert 0.15 <= crowding <= 0.26
    assert 0.30 <= np.mean(together) <= 0.42


@pytest.mark.slow
def test_no_single_observable_tells_the_next_hour_too_well() -> None:
    listed, oracle = generate_symbol("BTC", 7, START_MS, 360 * 1_440)
    forecasts, future = component_forecasts(listed, oracle)
    prices = closes(listed)
    at = np.arange(2_000, len(prices) - HORIZON - 1, 15)
    momentum = [prices[at] - prices[at - window] for window in (5, 15, 60, 240, 480, 1_440)]
    observables = [forecasts[:, 0], forecasts[:, 1], forecasts[:, 2], *momentum]
    assert max(auc(o, future > 0) for o in observables) < 0.62


def test_participation_is_an_interaction_that_volume_alone_does_not_show() -> None:
    listed, _ = generate_symbol("ETH", 3, START_MS, 120 * 1_440)
    prices, volume = closes(listed), listed.bars.volume.astype(float)
    sums = np.cumsum(volume)
    at = np.arange(2_000, len(prices) - HORIZON - 1, 15)
    surprise = np.log((sums[at] - sums[at - 60]) / 60) - np.log((sums[at] - sums[at - 1_440]) / 1_440)
    past, future = prices[at] - prices[at - 60], prices[at + HORIZON] - prices[at]
    busy, calm = surprise > 0.4, surprise < -0.6
    assert abs(np.corrcoef(surprise, future)[0, 1]) < 0.05
    assert np.corrcoef(past[busy], future[busy])[0, 1] > 0.2
    assert np.corrcoef(past[calm], future[calm])[0, 1] < 0.05


@pytest.mark.parametrize("base", list(ANNUAL_VOLATILITY))
def test_minute_volatility_is_about_its_documented_level(base: str) -> None:
    listed, _ = generate_symbol(base, 7, START_MS, 180 * 1_440)
    annual = np.diff(closes(listed)).std() * np.sqrt(525_600)
    assert annual == pytest.approx(ANNUAL_VOLATILITY[base], rel=0.15)


def test_symbols_move_together() -> None:
    returns = [np.diff(closes(generate_symbol(b, 7, START_MS, 20 * 1_440)[0])) for b in ("BTC", "ETH")]
    assert 0.6 < np.corrcoef(returns[0], returns[1])[0, 1] < 0.9


def test_funding_settles_every_eight_hours_around_its_mean() -> None:
    listed, _ = generate_symbol("BTC", 7, START_MS, 200 * 1_440)
    assert np.all(np.diff(listed.funding.ts_ms) == 8 * 3_600_000)
    assert to_datetime(int(listed.funding.ts_ms[0])).hour == 8
    assert listed.funding.rate.mean() == pytest.approx(1e-4, abs=3e-5)
    assert listed.funding.rate.std() == pytest.approx(1e-4, rel=0.25)


def test_more_days_keep_the_earlier_ones() -> None:
    short, long = (generate_symbol("SOL", 5, START_MS, days * 1_440)[0] for days in (10, 25))
    n = len(short.bars)
    for name in ("ts_ms", "open", "high", "low", "close", "volume", "taker_buy"):
        assert np.array_equal(getattr(short.bars, name), getattr(long.bars, name)[:n]), name
    assert np.array_equal(short.funding.rate, long.funding.rate[: len(short.funding.rate)])


def test_another_symbol_changes_none_of_the_others() -> None:
    alone = generate_market(("BTC/USDT:USDT",), 7, 2)
    among = generate_market(("SOL/USDT:USDT", "BTC/USDT:USDT", "XRPUSDT"), 7, 2)
    assert np.array_equal(alone.symbols["BTCUSDT"].bars.close, among.symbols["BTCUSDT"].bars.close)
    assert alone.symbols["BTCUSDT"].key == among.symbols["BTCUSDT"].key


def test_another_seed_is_another_market() -> None:
    one, other = (generate_symbol("BTC", seed, START_MS, 1_440)[0] for seed in (1, 2))
    assert not np.array_equal(one.bars.close, other.bars.close)


def test_a_start_other_than_the_fixed_one_has_an_identity_of_its_own() -> None:
    assert generate_market(("BTCUSDT",), 7, 1).identity == "sim2-s7"
    assert generate_market(("BTCUSDT",), 7, 1, "2025-03-01").identity == "sim2-s7-20250301"


def test_a_market_has_as_many_days_ahead_of_its_now_as_it_is_asked_for() -> None:
    whole, past = (generate_market(("BTCUSDT",), 7, 2, ahead=ahead).symbols["BTCUSDT"].bars for ahead in (1, 0))
    assert (len(whole.close), len(past.close)) == (3 * 1_440, 2 * 1_440)
    assert np.array_equal(whole.close[: 2 * 1_440], past.close)


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="seed: expected 0 or more, got -1"):
        generate_market(("BTCUSDT",), -1, 1)


@pytest.mark.parametrize(("symbols", "start", "message"), [
    (("FOO",), "2025-01-01", "expected BASE/USDT:USDT or BASEUSDT, got 'FOO'"),
    (("BTCUSDT", "BTC/USDT:USDT"), "2025-01-01", "expected one or more different ones"),
    ((), "2025-01-01", "expected one or more different ones"),
    (("BTCUSDT",), "01.01.2025", "expected a day like 2025-01-01, got '01.01.2025'"),
    (("BTCUSDT",), "1969-12-31", "expected a day from 1970-01-01, got '1969-12-31'"),
])
def test_malformed_options_are_refused(symbols: tuple[str, ...], start: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        generate_market(symbols, 7, 1, start)

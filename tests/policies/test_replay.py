"""The replay against the backtest, and what a policy's parameters do in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.policy import RiskParameters
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.engine import run_backtest
from huracan_platform.learning.policies.replay import LEAST_EQUITY, Account, Played, play, replay_data
from huracan_platform.learning.policies.rules import FixedPolicy, flat_policy
from tests.judging.world import COSTLY, PARAMETERS
from tests.policies.world import SETTINGS, Market, market, replay_of

NEUTRAL = FixedPolicy(SETTINGS.max_leverage, PARAMETERS.max_stop_distance)


def without(candles: Candles, lost: slice) -> Candles:
    kept = np.delete(np.arange(len(candles)), lost)
    return Candles(
        candles.symbol, *(getattr(candles, name)[kept] for name in ("ts_ms", "open", "high", "low", "close", "volume"))
    )


def backtested(given: Market, candles: Candles) -> tuple[int, float]:
    """Trades and net profit of the same decisions in the backtest, to the last decision bar."""
    ts_ms = given.candles.ts_ms[given.rows]
    p_up, sigma = np.full(len(candles), np.nan), np.full(len(candles), np.nan)
    at = np.searchsorted(candles.ts_ms, ts_ms)
    p_up[at], sigma[at] = given.p_up, given.sigma
    end = int(at[-1]) + 1
    columns = ("ts_ms", "open", "high", "low", "close", "volume")
    until = Candles(candles.symbol, *(getattr(candles, name)[:end] for name in columns))
    result = run_backtest(until, given.funding, p_up[:end], sigma[:end], PARAMETERS, COSTLY)
    return len(result.trades), result.net


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_neutral_parameters_trade_as_the_backtest_does(seed: int) -> None:
    given = market(6, seed)
    trades, net = backtested(given, given.candles)
    played = play(replay_of(given), NEUTRAL, SETTINGS)
    assert trades > 50
    assert played.trades == trades
    assert played.equity[-1] - 1.0 == pytest.approx(net, abs=1e-11)


def test_over_a_hole_in_the_bars_it_trades_as_the_backtest_does() -> None:
    given = market(3, 4)
    last = len(given.rows)
    lost = slice(int(given.rows[20]) + 1, int(given.rows[20]) + 9)
    candles = without(given.candles, lost)
    data = replay_data(
        candles, given.funding, given.candles.ts_ms[given.rows], given.p_up, given.sigma, np.zeros((last, 7)),
        PARAMETERS, COSTLY,
    )
    trades, net = backtested(given, candles)
    played = play(data, NEUTRAL, SETTINGS)
    assert (played.trades, played.equity[-1] - 1.0) == (trades, pytest.approx(net, abs=1e-11))


def test_half_the_size_is_half_the_profit_of_each_trade() -> None:
    data = replay_of(market(1, 5))
    moves = []
    for size in (1.0, 0.5):
        account = Account(data, SETTINGS)
        while account.state[10] == 0:  # until the first trade has closed
            account.step(RiskParameters(SETTINGS.max_leverage, size, 0.1), last=False)
        moves.append(account.recent[0])
    assert moves[1] == pytest.approx(moves[0] / 2, rel=1e-9)


def test_a_multiplier_over_one_and_a_half_counts_as_that() -> None:
    data = replay_of(market(2, 6))
    most, beyond = (play(data, FixedPolicy(5.0, 0.1, size), SETTINGS).equity for size in (1.5, 2.0))
    np.testing.assert_array_equal(most, beyond)


def test_a_fifth_of_the_leverage_caps_the_position_at_a_fifth() -> None:
    given = market(1, 7)
    data = replay_of(replace(given, sigma=np.full(len(given.rows), 1e-3)))  # so close a stop that the cap on leverage binds
    turnover = []
    for leverage in (5.0, 1.0):
        account = Account(data, SETTINGS)
        entered = 0.0
        while entered == 0.0:
            entered = account.step(RiskParameters(leverage, 1.0, 0.1), last=False)
        turnover.append(abs(account.state[1]) * account.state[2] / account.state[7])
    assert turnover[1] == pytest.approx(turnover[0] / 5, rel=1e-3)


def test_a_closer_stop_is_the_one_that_fires() -> None:
    data = replay_of(market(1, 8))
    account = Account(data, SETTINGS)
    while account.state[1] == 0.0:
        account.step(RiskParameters(5.0, 1.0, 0.005), last=False)
    entry, stop = data.candles.close[data.bar[account.row - 1]], account.state[3]
    assert abs(stop / entry - 1.0) == pytest.approx(0.005, abs=1e-12)


def test_flat_never_trades() -> None:
    played = play(replay_of(market(2, 9)), flat_policy(5.0, 0.02), SETTINGS)
    assert played.trades == 0
    assert (played.equity == 1.0).all()


def test_the_observation_follows_the_account() -> None:
    given = market(3, 10)
    account = Account(replay_of(given), SETTINGS)
    first = account.observe().copy()
    assert first[[0, 1, 2, 10, 11, 12, 13, 14]].tolist() == [0.0, 0.5, 1.0, 5.0, 0.0, 1.0, 0.0, 168.0]
    for _ in range(200):
        account.step(RiskParameters(3.0, 1.0, 0.1), last=False)
    seen, known = account.observe(), account.recent[: min(int(account.state[10]), 20)]
    assert len(known) == 20
    assert seen[1] == pytest.approx((known > 0).mean())
    assert seen[2] == pytest.approx(min(known[known > 0].sum() / -known[known < 0].sum(), 10.0))
    assert seen[10] == 3.0
    assert seen[12] == account.equity
    assert seen[0] == pytest.approx(account.drawdown)
    assert 0.0 <= seen[14] < 24.0


def test_log_returns_of_days_add_up_to_the_growth() -> None:
    played = play(replay_of(market(4, 11)), NEUTRAL, SETTINGS)
    days, logs = played.daily()
    assert len(days) == 4
    assert logs.sum() == pytest.approx(played.log_growth, abs=1e-12)


def test_a_ruin_is_a_number_and_ends_the_account() -> None:
    ts_ms = np.arange(3, dtype=np.int64) * 900_000
    ruined = Played(ts_ms, np.array([1.0, 0.4, 0.0]), np.array([0.0, 0.6, 1.0]), 1)
    assert ruined.log_growth == pytest.approx(np.log(LEAST_EQUITY))
    assert ruined.daily()[1].sum() == pytest.approx(np.log(LEAST_EQUITY))


def test_a_row_without_a_bar_is_refused() -> None:
    given = market(1, 12)
    ts_ms = given.candles.ts_ms[given.rows] + 1
    with pytest.raises(DataContractError, match="expected a bar for every row, got none at"):
        replay_data(given.candles, None, ts_ms, given.p_up, given.sigma, np.zeros((len(ts_ms), 7)), PARAMETERS, COSTLY)

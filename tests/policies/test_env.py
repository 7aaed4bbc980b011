"""The environment by the checkers of both libraries, its reward by hand, and its seeds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.policy import OBSERVATIONS
from huracan_platform.learning.policies.actions import HIGH, LOW, from_unit, parameters_of
from huracan_platform.learning.policies.env import RiskEnv
from huracan_platform.learning.policies.replay import ReplayData
from tests.judging.world import PARAMETERS
from tests.policies.world import SETTINGS, market, replay_of

NEUTRAL = np.array([0.0, 1.0, 10.0], dtype=np.float32)


@pytest.fixture(scope="module")
def data() -> ReplayData:
    return replay_of(market(8, 21))


def test_gymnasium_finds_nothing_wrong(data: ReplayData) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")  # the actions are in their own units
        check_env(RiskEnv(data, SETTINGS), skip_render_check=True)


@pytest.mark.slow
def test_stable_baselines_finds_nothing_wrong(data: ReplayData) -> None:
    from stable_baselines3.common.env_checker import check_env as check_for_training

    from huracan_platform.learning.policies.training import observation_scaling, training_env

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")  # the actions are in their own units
        check_for_training(RiskEnv(data, SETTINGS))
        check_for_training(training_env(data, SETTINGS, observation_scaling(data, SETTINGS)))


def test_the_same_seed_and_actions_give_the_same_episode(data: ReplayData) -> None:
    def episode(seed: int) -> list[tuple[bytes, float]]:
        env, rng = RiskEnv(data, SETTINGS), np.random.default_rng(0)
        steps = [(env.reset(seed=seed)[0].tobytes(), 0.0)]
        for _ in range(100):
            seen, reward, *_ = env.step(rng.uniform(LOW, HIGH).astype(np.float32))
            steps.append((seen.tobytes(), reward))
        return steps

    assert episode(3) == episode(3)
    assert episode(3) != episode(4)


def test_an_episode_starts_anywhere_and_lasts_its_days(data: ReplayData) -> None:
    env, firsts = RiskEnv(data, SETTINGS), set()
    for seed in range(5):
        first = env.reset(seed=seed)[1]["row"]
        truncated = False
        while not truncated:
            _, _, terminated, truncated, told = env.step(NEUTRAL)
            assert not terminated
        assert data.ts_ms[told["row"]] - data.ts_ms[first] == SETTINGS.episode_days * DAY_MS
        firsts.add(first)
    assert len(firsts) == 5


def test_the_reward_is_growth_less_drawdown_and_turnover_in_units_of_the_risk_per_trade(data: ReplayData) -> None:
    env = RiskEnv(data, SETTINGS)
    env.reset(seed=1)
    equity, peak, drawdown, traded = 1.0, 1.0, 0.0, 0
    for _ in range(150):
        _, reward, _, _, _ = env.step(NEUTRAL)
        account = env._account
        now, peak = account.equity, max(peak, float(account.state[8]))
        fallen = 1.0 - now / peak
        growth = np.log(now / equity) - SETTINGS.drawdown_weight * max(fallen - drawdown, 0.0)
        turnover = float(account.state[13])
        traded += turnover > 0
        expected = (growth - turnover * SETTINGS.turnover_cost_bps / 1e4) / PARAMETERS.risk_per_trade
        assert reward == pytest.approx(expected, abs=1e-9)
        equity, drawdown = now, fallen
    assert traded > 20
    assert drawdown > 0


def test_the_spaces_are_the_fifteen_observations_and_the_bounds_of_three_actions(data: ReplayData) -> None:
    env = RiskEnv(data, SETTINGS)
    assert len(OBSERVATIONS) == 15
    assert env.observation_space.shape == (15,)
    assert (env.action_space.low.tolist(), env.action_space.high.tolist()) == ([-1.0, 0.5, 0.5], [1.0, 2.0, 10.0])


@pytest.mark.parametrize(
    ("unit", "leverage", "expected"),
    [
        ((0.0, 0.0, 0.0), 3.0, (3.0, 1.25, 0.0525)),
        ((1.0, -1.0, -1.0), 4.5, (5.0, 0.5, 0.005)),
        ((-9.0, 9.0, 9.0), 1.5, (1.0, 2.0, 0.10)),
    ],
)
def test_an_action_becomes_parameters_within_the_bounds(
    unit: tuple[float, ...], leverage: float, expected: tuple[float, ...]
) -> None:
    risk = parameters_of(from_unit(np.array(unit)), leverage, 5.0)
    assert (risk.leverage, risk.size_multiplier, risk.stop_loss) == pytest.approx(expected)

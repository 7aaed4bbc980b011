"""Training itself: repeatable, exported without loss, and able to see what is there to be seen, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.judging.evaluation.policies import TRAINED, Comparison, compare_policies
from huracan_platform.judging.judge_policy import rival_policies
from huracan_platform.learning.policies.replay import ReplayData, play
from huracan_platform.learning.policies.training import exported, observation_scaling, train_policy, training_env
from tests.policies.world import SETTINGS, TEMPERATURE, market, planted_replay, replay_of

pytestmark = pytest.mark.slow


def test_the_same_seed_gives_the_same_artefact_and_another_another() -> None:
    data = replay_of(market(6, 31))
    first, again, other = (train_policy(data, SETTINGS, 2_048, seed) for seed in (1, 1, 2))
    assert first.actor.artefact_hash == again.actor.artefact_hash != other.actor.artefact_hash
    assert [steps for steps, _ in first.curve] == [2_048]


def test_actions_without_the_training_library_equal_its_own() -> None:
    from stable_baselines3 import PPO

    data = replay_of(market(6, 32))
    scaling = observation_scaling(data, SETTINGS)
    env = training_env(data, SETTINGS, scaling)
    model = PPO("MlpPolicy", env, seed=3, n_steps=256, device="cpu").learn(512)
    actor = exported(model, scaling, SETTINGS.max_leverage)
    raw = env.unwrapped
    seen, _ = raw.reset(seed=5)
    worst = 0.0
    for _ in range(150):
        theirs, _ = model.predict(scaling.of(seen.astype(np.float64)).astype(np.float32), deterministic=True)
        ours = actor.unit_action(seen.astype(np.float64))
        worst = max(worst, float(np.abs(ours - theirs).max()))
        seen, *_ = raw.step(raw.action_space.sample())
    assert worst < 1e-6


def compared(data: ReplayData) -> Comparison:
    cut = int(len(data) * 0.6)
    older, newer = data.rows(0, cut), data.rows(cut, len(data))
    trained = [play(newer, train_policy(older, SETTINGS, 8_192, seed).actor, SETTINGS) for seed in range(3)]
    rivals = {name: play(newer, policy, SETTINGS) for name, policy in rival_policies(SETTINGS).items()}
    return compare_policies(trained, rivals, SETTINGS.drawdown_weight, 300, np.random.default_rng(0))


def test_with_a_planted_future_the_agent_beats_everything_else() -> None:
    found = compared(planted_replay(90, 5))
    assert (found.winner, found.approved) == (TRAINED, True), found.contenders


def test_with_the_planted_future_shuffled_nothing_is_approved() -> None:
    data = planted_replay(90, 5)
    shuffled = data.market.copy()
    shuffled[:, TEMPERATURE] = np.random.default_rng(1).permutation(shuffled[:, TEMPERATURE])
    found = compared(replace(data, market=shuffled))
    assert (found.winner, found.approved) == ("flat", False), found.contenders

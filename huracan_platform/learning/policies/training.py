"""Proximal policy optimisation (Schulman et al. 2017) on the replay, by stable-baselines3. Nothing else needs torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from huracan_platform.clock import DAY_MS
from huracan_platform.contracts.policy import OBSERVATIONS
from huracan_platform.learning.policies.actions import ACTIONS, from_unit, parameters_of
from huracan_platform.learning.policies.actor import MOST_Z, ActorPolicy, Normalisation
from huracan_platform.learning.policies.replay import LEVERAGE, Account, ReplayData
from huracan_platform.settings import RiskPolicySettings

if TYPE_CHECKING:
    import gymnasium
    from stable_baselines3 import PPO

LEAST_SCALE = 1e-2  # of an observation that hardly moves in training: a phase that never came, say
SCALING_SEED = 0


@dataclass(frozen=True)
class PpoParameters:
    """Hyperparameters: the library's defaults, but four environments side by side and a smaller first spread of actions."""

    learning_rate: float = 3e-4
    n_steps: int = 512
    n_envs: int = 4
    batch_size: int = 64
    n_epochs: int = 10
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    log_std_init: float = -0.5
    hidden: tuple[int, int] = (64, 64)


@dataclass(frozen=True)
class TrainedPolicy:
    """A policy of one seed, with the mean reward per step of each update (steps so far, reward)."""

    actor: ActorPolicy
    seed: int
    curve: tuple[tuple[int, float], ...]


def observation_scaling(data: ReplayData, settings: RiskPolicySettings) -> Normalisation:
    """Mean and standard deviation of what a policy of random actions observes on the training rows, episode by episode.

    Random, so that what the policy itself moves, its leverage above all, is seen over its whole range.
    """
    account, rng = Account(data, settings), np.random.default_rng(SCALING_SEED)
    seen = np.empty((len(data) - 1, len(OBSERVATIONS)))
    for row in range(len(data) - 1):
        if account.ruined or data.ts_ms[row] - data.ts_ms[account.first] >= settings.episode_days * DAY_MS:
            account.begin(row)
        seen[row] = account.observe()
        action = from_unit(rng.uniform(-1.0, 1.0, len(ACTIONS)))
        account.step(parameters_of(action, float(account.state[LEVERAGE]), settings.max_leverage), last=False)
    return Normalisation(seen.mean(axis=0), np.maximum(seen.std(axis=0), LEAST_SCALE))


def train_policy(
    data: ReplayData, settings: RiskPolicySettings, timesteps: int, seed: int, parameters: PpoParameters | None = None,
    scaling: Normalisation | None = None,
) -> TrainedPolicy:
    """Train one seed on the rows of `data`, on one thread.

    The same data, settings and seed give the same weights on the same machine. `scaling` None is measured on `data`; it
    is the same for every seed.
    """
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    p = parameters or PpoParameters()
    scaling = scaling or observation_scaling(data, settings)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        curve: list[tuple[int, float]] = []
        model = PPO(
            "MlpPolicy", DummyVecEnv([_maker(data, settings, scaling)] * p.n_envs), seed=seed, device="cpu", verbose=0,
            learning_rate=p.learning_rate, n_steps=p.n_steps, batch_size=p.batch_size, n_epochs=p.n_epochs, gamma=p.gamma,
            gae_lambda=p.gae_lambda, clip_range=p.clip_range, ent_coef=p.ent_coef,
            policy_kwargs={"net_arch": list(p.hidden), "activation_fn": torch.nn.Tanh, "log_std_init": p.log_std_init},
        )
        model.learn(timesteps, callback=_recorder(curve))
        return TrainedPolicy(exported(model, scaling, settings.max_leverage), seed, tuple(curve))
    finally:
        torch.set_num_threads(threads)


def hyperparameters(parameters: PpoParameters | None = None) -> dict[str, Any]:
    """Plain values for the manifest."""
    return {"algorithm": "ppo", **asdict(parameters or PpoParameters())}


def training_env(data: ReplayData, settings: RiskPolicySettings, scaling: Normalisation) -> gymnasium.Env[Any, Any]:
    """The environment as it is trained on: observations normalised, actions in [-1, 1]."""
    import gymnasium

    from huracan_platform.learning.policies.env import RiskEnv

    space = gymnasium.spaces.Box(-MOST_Z, MOST_Z, (len(OBSERVATIONS),), np.float32)
    scaled = gymnasium.wrappers.TransformObservation(
        RiskEnv(data, settings), lambda seen: scaling.of(seen.astype(np.float64)).astype(np.float32), space
    )
    return gymnasium.wrappers.RescaleAction(scaled, np.float32(-1.0), np.float32(1.0))


def exported(model: PPO, scaling: Normalisation, max_leverage: float) -> ActorPolicy:
    """The actor of a trained model."""
    import torch

    policy = model.policy
    linear = [m for m in (*policy.mlp_extractor.policy_net, policy.action_net) if isinstance(m, torch.nn.Linear)]
    layers = tuple(
        (m.weight.detach().numpy().astype(np.float64), m.bias.detach().numpy().astype(np.float64)) for m in linear
    )
    return ActorPolicy(layers, scaling, max_leverage)


def _maker(
    data: ReplayData, settings: RiskPolicySettings, scaling: Normalisation
) -> Callable[[], gymnasium.Env[Any, Any]]:
    return lambda: training_env(data, settings, scaling)


def _recorder(curve: list[tuple[int, float]]) -> Any:
    from stable_baselines3.common.callbacks import BaseCallback

    class Recorder(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            rewards = self.locals["rollout_buffer"].rewards
            curve.append((int(self.num_timesteps), float(rewards.mean())))

    return Recorder()

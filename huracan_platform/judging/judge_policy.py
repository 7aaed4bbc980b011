"""From a model version to a judged risk policy: replay its walk-forward decisions, train, compare on the newest part, record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import MINUTE_MS, Clock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.policy import PolicyCard, PolicyVerdict, RiskPolicy
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.decide import strategy_parameters
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.equity import DailyEquity
from huracan_platform.judging.evaluation.policies import TRAINED, Comparison, compare_policies
from huracan_platform.judging.evaluation.walk_forward import walk_forward
from huracan_platform.judging.judging_data import JudgingData, judging_data
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.policies.observation import market_figures
from huracan_platform.learning.policies.registry import FALLBACK, PolicyRegistry
from huracan_platform.learning.policies.replay import Played, ReplayData, play, replay_data
from huracan_platform.learning.policies.rules import FallbackPolicy, FixedPolicy, flat_policy
from huracan_platform.learning.policies.training import (
    TrainedPolicy,
    hyperparameters,
    observation_scaling,
    train_policy,
)
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import RiskPolicySettings, Settings

LEAST_ROWS = 96  # decision rows of either part; fewer are not even a day


@dataclass(frozen=True)
class JudgedPolicy:
    """A policy with its verdict, the equity of every contender on the held-out days, and the training curve by seed."""

    card: PolicyCard
    verdict: PolicyVerdict
    equity: dict[str, DailyEquity]
    curves: dict[int, tuple[tuple[int, float], ...]]


def base_version(registry: Registry, venue: str, symbol: str, settings: Settings) -> ModelCard | None:
    """The version whose decisions a policy is trained on: of the newest of each architecture, the best held-out skill."""
    newest = [registry.newest(venue, symbol, architecture) for architecture in settings.training.architectures]
    return max((c for c in newest if c is not None), key=_skill, default=None)


def train_and_judge(
    brain: Brain, store: FeatureStore, policies: PolicyRegistry, model: ModelCard, settings: Settings, clock: Clock,
    provenance: Provenance, *, timesteps: int | None = None, seeds: int | None = None,
) -> JudgedPolicy:
    """Train a policy on the older part of the version's walk-forward decisions, judge it on the newer one, record both.

    `timesteps` and `seeds` None take the settings' numbers. The version's data set is read at its own pin.

    Raises
    ------
    DataContractError
        The data set is not in the library any more, or too short for a walk-forward with a part to hold out.
    """
    risk = settings.risk_policy if seeds is None else settings.risk_policy.model_copy(update={"seeds": seeds})
    steps = risk.timesteps if timesteps is None else timesteps
    data = judging_data(brain, store, model, settings)
    replay = decisions_of(data, model)
    older, newer = held_out(replay, risk.held_out_fraction, data.settings.training.embargo_min)
    scaling = observation_scaling(older, risk)
    trained = [train_policy(older, risk, steps, settings.seed + k, scaling=scaling) for k in range(risk.seeds)]
    played = [play(newer, t.actor, risk) for t in trained]
    rivals = {name: play(newer, rival, risk) for name, rival in rival_policies(risk).items()}
    compared = compare_policies(
        played, rivals, risk.drawdown_weight, settings.gates.bootstrap_draws, np.random.default_rng(settings.seed)
    )
    manifest = _manifest(data, model, risk, older, newer, trained, steps, provenance)
    card = policies.register(trained[0].actor, manifest, model, clock)
    verdict = _verdict(card, compared, clock)
    policies.record(verdict)
    equity = {TRAINED: _daily(played[0]), **{name: _daily(p) for name, p in rivals.items()}}
    return JudgedPolicy(card, verdict, equity, {t.seed: t.curve for t in trained})


def rival_policies(settings: RiskPolicySettings) -> dict[str, RiskPolicy]:
    """What a trained policy has to beat, by name."""
    return {
        "fixed": FixedPolicy(settings.max_leverage, settings.stop_loss),
        FALLBACK: FallbackPolicy(settings.max_leverage, settings.stop_loss),
        "flat": flat_policy(settings.max_leverage, settings.stop_loss),
    }


def decisions_of(data: JudgingData, model: ModelCard) -> ReplayData:
    """The out-of-sample decisions of the version's recipe, on its own data and costs.

    Raises
    ------
    DataContractError
        There are too few days for any fold.
    """
    result = walk_forward(data.frame, data.settings, model.architecture)
    if not result.folds:
        raise DataContractError(f"policy of {model.symbol}: expected at least 1 walk-forward fold, got 0 {result.skipped}")
    frame, costs = data.frame, data.recipe.cost
    return replay_data(
        data.candles, data.funding, result.ts_ms, result.p_up, frame.sigma[result.rows],
        market_figures(frame.columns, frame.x[result.rows]),
        strategy_parameters(data.settings, round_trip_cost=costs.round_trip), costs,
    )


def held_out(replay: ReplayData, fraction: float, embargo_min: int) -> tuple[ReplayData, ReplayData]:
    """The older rows and the newest `fraction`; the older end an embargo before the newer begin.

    Raises
    ------
    DataContractError
        A part would be shorter than 96 rows.
    """
    cut = int(len(replay) * (1.0 - fraction))
    end = int(np.searchsorted(replay.ts_ms, replay.ts_ms[cut] - embargo_min * MINUTE_MS))
    older, newer = replay.rows(0, end), replay.rows(cut, len(replay))
    if min(len(older), len(newer)) < LEAST_ROWS:
        raise DataContractError(
            f"policy of {replay.symbol}: expected at least {LEAST_ROWS} rows to train on and to hold out, "
            f"got {len(older)} and {len(newer)}"
        )
    return older, newer


def _manifest(
    data: JudgingData, model: ModelCard, risk: RiskPolicySettings, older: ReplayData, newer: ReplayData,
    trained: list[TrainedPolicy], steps: int, provenance: Provenance,
) -> dict[str, Any]:
    return {
        "model": {"id": model.model_id, "artefact_hash": model.artefact_hash, "architecture": model.architecture},
        "dataset": {"hash": model.dataset_hash, "spec": asdict(data.recipe.spec), "cost": asdict(data.recipe.cost)},
        "rows": {
            name: {"count": len(part), "first_ms": int(part.ts_ms[0]), "last_ms": int(part.ts_ms[-1])}
            for name, part in (("training", older), ("held_out", newer))
        },
        "strategy": asdict(older.parameters),
        "risk_policy": risk.model_dump(mode="json"),
        "hyperparameters": hyperparameters(),
        "timesteps": steps,
        "seeds": [t.seed for t in trained],
        "curve": [list(point) for point in trained[0].curve],
        "provenance": provenance.as_dict(),
    }


def _verdict(card: PolicyCard, compared: Comparison, clock: Clock) -> PolicyVerdict:
    return PolicyVerdict(
        card.policy_id, compared.approved, compared.winner, compared.reason, compared.days, compared.contenders,
        clock.wire_ms(),
    )


def _daily(played: Played) -> DailyEquity:
    days, logs = played.daily()
    return DailyEquity(days, np.exp(np.cumsum(logs)))


def _skill(card: ModelCard) -> float:
    skill = card.manifest["metrics"]["test"]["brier_skill"]
    return float("-inf") if skill is None else float(skill)

"""From a registered model to its seven verdicts: rebuild its data set, walk forward, backtest, judge, record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.trials import Trial, TrialLog
from huracan_platform.brain.learning.verdicts import VerdictRepository
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.model import ModelCard, Verdict
from huracan_platform.data.features.recompute import recompute_row
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import founding_costs
from huracan_platform.judging.evaluation.metrics import sharpe
from huracan_platform.judging.evaluation.walk_forward import WalkForward, backtest_walk_forward, walk_forward
from huracan_platform.judging.gates.collect import collect_evidence
from huracan_platform.judging.gates.evidence import JudgingEvidence, Trials
from huracan_platform.judging.gates.judge import judge
from huracan_platform.judging.judging_data import judging_data
from huracan_platform.learning.models.split import forward_split
from huracan_platform.learning.pipeline import trial_of
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Judged:
    """One model's verdicts with the evidence that they rest on."""

    card: ModelCard
    verdicts: tuple[Verdict, ...]
    evidence: JudgingEvidence
    walk_forward: WalkForward


def judge_model(
    brain: Brain,
    store: FeatureStore,
    registry: Registry,
    card: ModelCard,
    settings: Settings,
    clock: Clock,
) -> Judged:
    """Judge one version on the data set that its manifest names, and append the verdicts to the library.

    The walk-forward fits the version's own recipe and trades its horizon and barriers; strategy, costs and gates are
    those of `settings`. Its Sharpe ratio enters the trial log first, so that the deflated Sharpe counts this trial as well.

    Raises
    ------
    DataContractError
        The data set is not in the library any more, or is another one now.
    """
    data = judging_data(brain, store, card, settings)
    recipe, settings, frame, candles, funding = data.recipe, data.settings, data.frame, data.candles, data.funding
    spec = recipe.spec
    schedules = recipe.cost, founding_costs(settings.costs)
    result = walk_forward(frame, settings, card.architecture)

    trials = TrialLog(brain)
    if result.folds:
        daily = backtest_walk_forward(result, frame, candles, funding, schedules[0], settings).daily.returns
        _log_sharpe(trials, trial_of(frame, spec.venue, card.architecture, settings), daily, clock.wire_ms())
    definition = feature_set(recipe.features.feature_set, recipe.features.profile, settings=recipe.features)

    def recompute(ts_ms: int) -> Float64:
        return recompute_row(store, spec.venue, spec.symbol, definition, ts_ms, spec.pin).values

    evidence = collect_evidence(
        card.model_id,
        registry.load(card.model_id),
        forward_split(frame, recipe.training),
        result,
        frame,
        candles,
        funding,
        schedules,
        Trials(trials.count(), trials.sharpe_variance()),
        settings,
        np.random.default_rng(settings.seed),
        recompute=recompute,
    )
    verdicts = judge(evidence, settings.gates, judged_at=to_datetime(clock.wire_ms()), rng=np.random.default_rng(settings.seed))
    VerdictRepository(brain).append(verdicts)
    return Judged(card, verdicts, evidence, result)


def _log_sharpe(trials: TrialLog, trial: Trial, daily: Float64, wire_ms: int) -> None:
    found = sharpe(daily) / np.sqrt(365.0)
    trials.record(trial, wire_ms, daily_sharpe=float(found) if np.isfinite(found) else None, days=len(daily))

"""Assembles the evidence for one model version: out-of-sample backtests, calibration, leakage and drift."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.drift import ColumnDrift
from huracan_platform.contracts.market import Candles, FundingRates
from huracan_platform.decision.costs import CostModel
from huracan_platform.judging.evaluation import leakage
from huracan_platform.judging.evaluation.calibration_evidence import calibration_evidence
from huracan_platform.judging.evaluation.drift import DriftThresholds, measure_drift
from huracan_platform.judging.evaluation.leakage import LeakageFinding, RecomputeRow
from huracan_platform.judging.evaluation.walk_forward import WalkForward, backtest_walk_forward
from huracan_platform.judging.gates.evidence import JudgingEvidence, Trials
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.split import Split
from huracan_platform.learning.models.train import FittedModel
from huracan_platform.settings import GateSettings, Settings

LOOK_AHEAD_ROWS = 5    # bars whose features are recomputed on truncated history
DRIFT_DRAWS = 300      # bootstrap draws per column whose PSI is over the fixed threshold


def collect_evidence(
    model_id: str, model: FittedModel, split: Split, result: WalkForward, frame: TrainingFrame, candles: Candles,
    funding: FundingRates | None, schedules: tuple[CostModel, CostModel], trials: Trials, settings: Settings,
    rng: np.random.Generator, *, recompute: RecomputeRow | None = None,
) -> JudgingEvidence:
    """Everything `judge` needs.

    Parameters
    ----------
    model, split
        The version under judgement and the forward split it was fitted on; leakage and drift look at it.
    result
        Walk-forward run of the same recipe on the same frame; performance, risk and calibration come from it.
    schedules
        The account's costs and the founding documents' costs, in this order.
    recompute
        See `evaluation.leakage.look_ahead`; without it gate 5 lacks evidence.
    """
    account, founding = (
        (backtest_walk_forward(result, frame, candles, funding, costs, settings) for costs in schedules)
        if result.folds else (None, None)
    )
    return JudgingEvidence(
        model_id, frame.symbol, result.architecture, account, founding, calibration_evidence(frame, result),
        _leakage(model, split, result, frame, settings, rng, recompute), _drift(model, split, frame, settings.gates, rng),
        trials, result.skipped,
    )


def _leakage(
    model: FittedModel, split: Split, result: WalkForward, frame: TrainingFrame, settings: Settings, rng: np.random.Generator,
    recompute: RecomputeRow | None,
) -> tuple[LeakageFinding, ...]:
    splits = [split, *(f.split for f in result.folds)]
    fitted = [(model, split.train), *((f.model, f.split.train) for f in result.folds)]
    rows_per_day = DAY_MS // (frame.labels.sample_every_min * MINUTE_MS)
    inspected = np.unique(np.linspace(0, len(frame) - 1, LOOK_AHEAD_ROWS + 1).astype(np.int64)[1:]).tolist() if len(frame) else []
    return (
        leakage.split_overlap(frame, splits, settings.training.embargo_min * MINUTE_MS),
        leakage.look_ahead(frame, inspected, recompute),
        leakage.target_leakage(frame, split.test, settings.gates.max_single_feature_auc, rows_per_day, rng),
        leakage.preprocessing_leakage(frame, fitted),
        leakage.duplicate_rows(frame, splits, rng),
    )


def _drift(
    model: FittedModel, split: Split, frame: TrainingFrame, gates: GateSettings, rng: np.random.Generator,
) -> tuple[ColumnDrift, ...]:
    """Training rows against the held-out ones.

    Predictions are compared with those on the validation rows: on its own training rows a model is surer of itself than
    anywhere else, which would read as drift.
    """
    if len(split.test) == 0 or len(split.train) == 0:
        return ()
    rows_per_day = DAY_MS // (frame.labels.sample_every_min * MINUTE_MS)
    overlap = max(frame.labels.horizon_min // frame.labels.sample_every_min, 1)
    thresholds = DriftThresholds(
        gates.warn_psi, gates.max_psi, gates.min_drift_observations, DRIFT_DRAWS, rows_per_day, overlap
    )
    return measure_drift(
        frame.columns, frame.x[split.train], frame.x[split.test], thresholds, rng,
        reference_prediction=model.probability(frame.x[split.validation]), prediction=model.probability(frame.x[split.test]),
    )

"""Walk-forward evaluation: every probability it returns comes from a model that was fitted before the row began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Candles, Float64, FundingRates, Int64
from huracan_platform.decision.costs import CostModel
from huracan_platform.decision.decide import strategy_parameters
from huracan_platform.errors import DataContractError
from huracan_platform.judging.backtest.engine import BacktestResult, run_backtest
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scores import Scores, score
from huracan_platform.learning.models.split import Split, walk_forward_folds
from huracan_platform.learning.models.train import FittedModel, fit_model
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class Fold:
    """One refit: which rows it learnt from and how it scored on the labelled rows it had not seen."""

    split: Split
    model: FittedModel
    scores: Scores


@dataclass(frozen=True)
class WalkForward:
    """Out-of-sample probabilities of one recipe (architecture and settings) on one frame.

    `rows` index the frame, `ts_ms` are the opens of their bars, `p_up` the calibrated probabilities, `fold` the number of
    the fold each row was held out from; all (m,), in time order. `skipped` names windows without a model, with why.
    """

    architecture: str
    rows: Int64
    ts_ms: Int64
    p_up: Float64
    fold: Int64
    folds: tuple[Fold, ...]
    skipped: tuple[str, ...]

    @property
    def start_ms(self) -> int:
        """00:00 UTC of the first judged day."""
        return int(self.ts_ms[0]) // DAY_MS * DAY_MS

    @property
    def end_ms(self) -> int:
        """00:00 UTC after the last judged day."""
        return (int(self.ts_ms[-1]) // DAY_MS + 1) * DAY_MS


def walk_forward(frame: TrainingFrame, settings: Settings, architecture: str) -> WalkForward:
    """Fit on each fold's purged training rows (early stopping and calibration on its validation tail), predict its test rows.

    A fold whose past has too few labelled rows to fit on is skipped and named; no folds at all give empty arrays.
    """
    folds: list[Fold] = []
    skipped: list[str] = []
    for split in walk_forward_folds(frame, settings.training):
        try:
            model = fit_model(frame, split.train, split.validation, architecture, settings)
        except DataContractError as error:
            skipped.append(f"window from {int(frame.ts_ms[split.test[0]])}: {error}")
            continue
        judged = frame.labelled(split.test)
        folds.append(Fold(split, model, score(model.probability(frame.x[judged]), frame.y[judged])))
    rows = np.concatenate([f.split.test for f in folds]) if folds else np.empty(0, dtype=np.int64)
    p_up = np.concatenate([f.model.probability(frame.x[f.split.test]) for f in folds]) if folds else np.empty(0)
    number = np.repeat(np.arange(len(folds)), [len(f.split.test) for f in folds])
    return WalkForward(architecture, rows, frame.ts_ms[rows], p_up, number, tuple(folds), tuple(skipped))


def on_bars(candles: Candles, ts_ms: Int64, values: Float64) -> Float64:
    """(n,) array over the candles' bars with `values` (m,) at the bars that opened at `ts_ms` and NaN elsewhere.

    Raises
    ------
    DataContractError
        A row has no bar.
    """
    at = np.minimum(np.searchsorted(candles.ts_ms, ts_ms), len(candles) - 1)
    missing = candles.ts_ms[at] != ts_ms
    if missing.any():
        raise DataContractError(f"bars {candles.symbol}: expected one for every row, got none at {int(ts_ms[missing][0])}")
    result = np.full(len(candles), np.nan)
    result[at] = values
    return result


def between(candles: Candles, start_ms: int, end_ms: int) -> Candles:
    """The bars that open in [start_ms, end_ms)."""
    a, b = np.searchsorted(candles.ts_ms, (start_ms, end_ms))
    columns = ("ts_ms", "open", "high", "low", "close", "volume")
    return Candles(candles.symbol, **{c: getattr(candles, c)[a:b] for c in columns})


def backtest_walk_forward(
    result: WalkForward, frame: TrainingFrame, candles: Candles, funding: FundingRates | None, costs: CostModel,
    settings: Settings,
) -> BacktestResult:
    """Trade the out-of-sample probabilities over the judged days, with a kernel that knows these costs.

    Bars outside the judged days are left out, so idle warm-up days neither flatter nor dilute the daily returns.
    """
    judged = between(candles, result.start_ms, min(result.end_ms, int(candles.ts_ms[-1]) + MINUTE_MS))
    parameters = strategy_parameters(settings, round_trip_cost=costs.round_trip)
    return run_backtest(
        judged, funding, on_bars(judged, result.ts_ms, result.p_up), on_bars(judged, result.ts_ms, frame.sigma[result.rows]),
        parameters, costs,
    )

"""The training frame: one row per decision bar, features beside the outcome they are to foretell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import Candles, Float64, Int64
from huracan_platform.decision.costs import CostModel
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.labels import average_uniqueness, triple_barrier
from huracan_platform.settings import LabelSettings

SIGMA_COLUMN = "realised_vol_1440"


@dataclass(frozen=True)
class TrainingFrame:
    """Decision rows of one symbol in time order; n rows, k columns.

    `ts_ms` is the open of the decision bar (ms UTC; the decision is made at its close, `decision_ms`), `x` (n, k) the raw
    features, `y` 1 long earns after costs, 0 short does, NaN abstain. Abstaining rows keep their outcome and weigh 0; the
    other weights are average label uniqueness. `label_end_ms` is when the label can be known. `long_return` and
    `short_return` are fractions of notional before costs, `forward_return` the log return over the whole horizon, `sigma`
    the trailing standard deviation of the horizon's log return. `left_out` counts the decision bars that made no row, by
    reason. `dataset_hash` is over all of it, with the feature set, the label settings and the cost.
    """

    symbol: str
    ts_ms: Int64
    x: Float64
    y: Float64
    weight: Float64
    label_end_ms: Int64
    long_return: Float64
    short_return: Float64
    forward_return: Float64
    sigma: Float64
    columns: tuple[str, ...]
    set_name: str
    set_hash: str
    feature_day_hashes: tuple[str, ...]
    labels: LabelSettings
    cost: CostModel
    left_out: dict[str, int]
    dataset_hash: str

    def __len__(self) -> int:
        return len(self.ts_ms)

    @property
    def decision_ms(self) -> Int64:
        """When each row's decision is made: the close of its bar, ms UTC."""
        return self.ts_ms + MINUTE_MS

    def labelled(self, rows: Int64) -> Int64:
        """Those of `rows` that do not abstain."""
        return rows[np.isfinite(self.y[rows])]

    def with_labels(self, y: Float64) -> TrainingFrame:
        """The same rows with other labels, for negative controls; the hash changes with them.

        Raises
        ------
        DataContractError
            y abstains in other rows than before: weights and outcomes belong to the rows that do not.
        """
        if y.shape != self.y.shape or (np.isnan(y) != np.isnan(self.y)).any():
            raise DataContractError(f"labels of {self.symbol}: expected {self.y.shape} with the same abstentions, got {y.shape}")
        arrays = {**vars(self), "y": y}
        return TrainingFrame(**{**arrays, "dataset_hash": _dataset_hash(arrays)})


def build_frame(candles: Candles, features: FeatureMatrix, labels: LabelSettings, cost: CostModel) -> TrainingFrame:
    """Join features and triple-barrier outcomes on the decision bars.

    A decision bar closes on a multiple of `labels.sample_every_min`. It makes no row when a feature is still warming up,
    its candle is missing, its volatility is not positive, or the bars up to its vertical barrier are not all there.

    Raises
    ------
    DataContractError
        Symbols differ, either side is not strictly ascending in time, or the volatility column is missing.
    """
    _check(candles, features)
    decision = np.flatnonzero((features.ts_ms + MINUTE_MS) % (labels.sample_every_min * MINUTE_MS) == 0)
    ts_ms, x = features.ts_ms[decision], features.values[decision]
    sigma = x[:, features.columns.index(SIGMA_COLUMN)] * np.sqrt(labels.horizon_min)
    at = np.minimum(np.searchsorted(candles.ts_ms, ts_ms), len(candles) - 1)

    left_out: dict[str, int] = {}
    keep = np.ones(len(decision), np.bool_)
    for reason, fits in (
        ("no_candle", candles.ts_ms[at] == ts_ms), ("warm_up", np.isfinite(x).all(axis=1)), ("no_volatility", sigma > 0),
    ):
        left_out[reason] = int((keep & ~fits).sum())
        keep &= fits
    outcome = triple_barrier(
        candles, at, np.where(keep, labels.barrier_sigma * sigma, 1.0), horizon_min=labels.horizon_min,
        round_trip_cost=cost.round_trip,
    )
    left_out["horizon_incomplete"] = int((keep & ~outcome.finished).sum())
    rows = np.flatnonzero(keep & outcome.finished)

    y = outcome.y[rows]
    decided = np.flatnonzero(np.isfinite(y))
    weight = np.zeros(len(rows))
    weight[decided] = average_uniqueness(outcome.entry_bar[rows][decided], outcome.exit_bar[rows][decided], len(candles))
    fields = {
        "symbol": features.symbol, "ts_ms": ts_ms[rows], "x": np.ascontiguousarray(x[rows]), "y": y, "weight": weight,
        "label_end_ms": outcome.end_ms[rows], "long_return": outcome.long_return[rows],
        "short_return": outcome.short_return[rows], "forward_return": outcome.forward_return[rows], "sigma": sigma[rows],
        "columns": features.columns, "set_name": features.set_name, "set_hash": features.set_hash,
        "feature_day_hashes": features.day_hashes, "labels": labels, "cost": cost, "left_out": left_out,
    }
    return TrainingFrame(**fields, dataset_hash=_dataset_hash(fields))


def _check(candles: Candles, features: FeatureMatrix) -> None:
    if candles.symbol != features.symbol:
        raise DataContractError(f"training frame: expected candles of {features.symbol}, got {candles.symbol}")
    for name, ts_ms in (("candles", candles.ts_ms), ("features", features.ts_ms)):
        if len(ts_ms) == 0:
            raise DataContractError(f"training frame {features.symbol}: expected {name}, got none")
        if (np.diff(ts_ms) <= 0).any():
            first = int(ts_ms[int(np.argmax(np.diff(ts_ms) <= 0)) + 1])
            raise DataContractError(f"training frame {features.symbol}: expected {name} ascending in time, got {first} too late")
    if features.values.shape != (len(features.ts_ms), len(features.columns)):
        expected = (len(features.ts_ms), len(features.columns))
        raise DataContractError(f"training frame {features.symbol}: expected features {expected}, got {features.values.shape}")
    if SIGMA_COLUMN not in features.columns:
        raise DataContractError(f"training frame {features.symbol}: expected a column {SIGMA_COLUMN}, got {features.columns}")


def _dataset_hash(fields: dict[str, object]) -> str:
    labels, cost = fields["labels"], fields["cost"]
    assert isinstance(labels, LabelSettings)
    assert isinstance(cost, CostModel)
    header = {
        "symbol": fields["symbol"], "columns": fields["columns"], "set_hash": fields["set_hash"],
        "labels": labels.model_dump(mode="json"), "round_trip_cost": cost.round_trip.hex(),
    }
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    return hash_arrays(arrays, header=header)

"""Gradient-boosted trees, stopped early on the validation part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.errors import DataContractError

if TYPE_CHECKING:
    import xgboost

WEIGHTS_FILE = "xgboost.ubj"


@dataclass(frozen=True)
class XGBoostParameters:
    """Small steps, shallow trees and large leaves: a minute's worth of signal in a day's worth of noise overfits easily."""

    rounds: int = 300
    stop_after: int = 40
    depth: int = 4
    learning_rate: float = 0.05
    min_leaf_weight: float = 50.0
    l2: float = 5.0
    row_share: float = 0.8
    column_share: float = 0.6
    bins: int = 64


class XGBoostModel:
    """Binary classifier; only trees up to the best validation round are kept."""

    def __init__(self, parameters: XGBoostParameters, *, seed: int, threads: int = 1) -> None:
        self.parameters = parameters
        self._seed = seed
        self._threads = threads
        self._booster: xgboost.Booster | None = None

    def fit(self, x: Float64, y: Float64, weight: Float64, x_valid: Float64, y_valid: Float64) -> None:
        """Train on x (n, k), y (n,) in {0, 1}, weight (n,); stop when the validation log loss stops falling."""
        import xgboost

        p = self.parameters
        train = xgboost.QuantileDMatrix(x, label=y, weight=weight, max_bin=p.bins, nthread=self._threads)
        valid = xgboost.QuantileDMatrix(x_valid, label=y_valid, ref=train, max_bin=p.bins, nthread=self._threads)
        booster = xgboost.train(
            {
                "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "max_bin": p.bins,
                "max_depth": p.depth, "eta": p.learning_rate, "min_child_weight": p.min_leaf_weight, "lambda": p.l2,
                "subsample": p.row_share, "colsample_bytree": p.column_share, "seed": self._seed, "nthread": self._threads,
                "verbosity": 0,
            },
            train, p.rounds, evals=[(valid, "validation")], early_stopping_rounds=p.stop_after, verbose_eval=False,
        )
        self._booster = booster[: booster.best_iteration + 1]
        self._booster.set_param({"nthread": self._threads})

    def predict_proba(self, x: Float64) -> Float64:
        """(n, 2) float64 from float32 trees."""
        up = np.asarray(self._fitted().inplace_predict(x), np.float64)
        return np.column_stack((1.0 - up, up))

    def importance(self) -> Float64:
        """(k,) shares of the total gain."""
        booster = self._fitted()
        gain = booster.get_score(importance_type="total_gain")
        size = np.array([gain.get(f"f{i}", 0.0) for i in range(booster.num_features())], np.float64)
        share: Float64 = size / size.sum() if size.sum() > 0 else size
        return share

    def contributions(self, x: Float64) -> Float64:
        """(n, k): tree SHAP values of the margin."""
        import xgboost

        matrix = xgboost.DMatrix(x, nthread=self._threads)
        return np.asarray(self._fitted().predict(matrix, pred_contribs=True)[:, :-1], np.float64)

    def report(self) -> dict[str, Any]:
        """What the fit settled on."""
        return {"trees": self._fitted().num_boosted_rounds()}

    def save(self) -> dict[str, bytes]:
        """One file in XGBoost's own UBJSON format."""
        return {WEIGHTS_FILE: bytes(self._fitted().save_raw("ubj"))}

    @classmethod
    def load(cls, files: dict[str, bytes], *, threads: int = 1) -> XGBoostModel:
        """The inverse of `save`, for prediction only: hyperparameters and seed stand in the manifest."""
        import xgboost

        raw = files.get(WEIGHTS_FILE, b"")
        if not raw.startswith(b"{"):
            raise DataContractError(f"xgboost model: expected {WEIGHTS_FILE} to begin with '{{' (UBJSON), got {raw[:8]!r}")
        booster = xgboost.Booster({"nthread": threads, "verbosity": 0})
        try:
            booster.load_model(bytearray(raw))
        except xgboost.core.XGBoostError as error:
            raise DataContractError(f"xgboost model: expected a UBJSON model, got {str(error).splitlines()[0]}") from None
        model = cls(XGBoostParameters(), seed=0, threads=threads)
        model._booster = booster
        return model

    def _fitted(self) -> xgboost.Booster:
        if self._booster is None:
            raise RuntimeError("xgboost model: predict, save or importance before fit")
        return self._booster

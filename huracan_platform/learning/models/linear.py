"""The linear baseline that every other architecture must beat."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.errors import DataContractError

WEIGHTS_FILE = "linear.json"


@dataclass(frozen=True)
class LinearParameters:
    """L2-regularised logistic regression. `inverse_penalty` is scikit-learn's C; 0.01 suits z-scored, correlated features."""

    inverse_penalty: float = 0.01
    max_iterations: int = 500
    tolerance: float = 1e-8


class LinearModel:
    """Logistic regression on scaled features. The validation part is not looked at: nothing is stopped early."""

    def __init__(self, parameters: LinearParameters, *, threads: int = 1) -> None:
        self.parameters = parameters
        self._threads = threads
        self._coefficients: Float64 = np.zeros(0)
        self._intercept = 0.0

    def fit(self, x: Float64, y: Float64, weight: Float64, x_valid: Float64, y_valid: Float64) -> None:
        """Train on x (n, k), y (n,) in {0, 1}, weight (n,)."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        p = self.parameters
        model = LogisticRegression(C=p.inverse_penalty, max_iter=p.max_iterations, tol=p.tolerance)
        with threadpool_limits(self._threads):  # the order of summation, and with it the last bit, follows the threads
            model.fit(x, y, sample_weight=weight)
        self._coefficients, self._intercept = model.coef_[0].astype(np.float64), float(model.intercept_[0])

    def predict_proba(self, x: Float64) -> Float64:
        """(n, 2) float64. Summed row by row, so that a row scores the same alone as in a batch, to the last bit."""
        up = 1.0 / (1.0 + np.exp(-((x * self._coefficients).sum(axis=1) + self._intercept)))
        return np.column_stack((1.0 - up, up))

    def importance(self) -> Float64:
        """(k,) shares of the absolute coefficients, which z-scores make comparable."""
        size = np.abs(self._coefficients)
        share: Float64 = size / size.sum() if size.sum() > 0 else size
        return share

    def contributions(self, x: Float64) -> Float64:
        """(n, k): coefficient times z-score, whose mean over the training rows is 0."""
        return x * self._coefficients

    def report(self) -> dict[str, Any]:
        """What the fit settled on."""
        return {"non_zero": int((self._coefficients != 0).sum())}

    def save(self) -> dict[str, bytes]:
        """One JSON file; floats survive the round trip bit for bit."""
        body = {"parameters": asdict(self.parameters), "coefficients": self._coefficients.tolist(), "intercept": self._intercept}
        return {WEIGHTS_FILE: json.dumps(body, sort_keys=True).encode()}

    @classmethod
    def load(cls, files: dict[str, bytes], *, threads: int = 1) -> LinearModel:
        """The inverse of `save`."""
        try:
            body = json.loads(files[WEIGHTS_FILE])
            model = cls(LinearParameters(**body["parameters"]), threads=threads)
            model._coefficients = np.asarray(body["coefficients"], np.float64)
            model._intercept = float(body["intercept"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataContractError(f"{WEIGHTS_FILE}: expected coefficients and intercept, got {error!r}") from None
        return model

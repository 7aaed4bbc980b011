"""Calibration: a monotone map from a model's score to a probability, fitted on one part and picked on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.scores import brier

ISOTONIC_FROM = 1_000
_NEWTON_STEPS = 50
_EPSILON = 1e-9


@dataclass(frozen=True)
class IdentityCalibrator:
    """Leaves probabilities as they are."""

    method: ClassVar[str] = "identity"

    def apply(self, p: Float64) -> Float64:
        """p unchanged."""
        return p

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"method": self.method}


@dataclass(frozen=True)
class LogisticCalibrator:
    """sigmoid(slope * logit(p) + intercept): Platt 1999 on the log odds; temperature scaling has intercept 0."""

    method: str
    slope: float
    intercept: float

    def apply(self, p: Float64) -> Float64:
        """Calibrated p (n,)."""
        return _sigmoid(self.slope * _logit(p) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Plain values; floats survive the round trip bit for bit."""
        return {"method": self.method, "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class IsotonicCalibrator:
    """Piecewise linear between the knots of a monotone fit; constant beyond them. `x` ascends strictly."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    method: ClassVar[str] = "isotonic"

    def apply(self, p: Float64) -> Float64:
        """Calibrated p (n,)."""
        return np.interp(p, self.x, self.y)

    def to_json(self) -> dict[str, Any]:
        """Plain values; floats survive the round trip bit for bit."""
        return {"method": self.method, "x": list(self.x), "y": list(self.y)}


Calibrator = IdentityCalibrator | LogisticCalibrator | IsotonicCalibrator


@dataclass(frozen=True)
class CalibrationChoice:
    """The picked map, with each candidate's Brier score on the picking rows and how many rows did what."""

    calibrator: Calibrator
    brier: dict[str, float]
    fitted_on: int
    picked_on: int


def calibrator_from_json(value: dict[str, Any]) -> Calibrator:
    """The inverse of `to_json`.

    Raises
    ------
    DataContractError
        The method is not one of ours.
    """
    match value.get("method"):
        case "identity":
            return IdentityCalibrator()
        case "platt" | "temperature":
            return LogisticCalibrator(value["method"], float(value["slope"]), float(value["intercept"]))
        case "isotonic":
            return IsotonicCalibrator(tuple(map(float, value["x"])), tuple(map(float, value["y"])))
        case other:
            raise DataContractError(f"calibrator: expected identity, platt, temperature or isotonic, got {other!r}")


def choose_calibrator(p_fit: Float64, y_fit: Float64, p_pick: Float64, y_pick: Float64) -> CalibrationChoice:
    """Fit every candidate on the first rows, keep the one with the lowest Brier score on the second.

    The rows must be disjoint. Ties go to the simpler map. Without both classes to fit on, or without rows to pick on,
    nothing can be learnt and the scores stay as they are.
    """
    candidates: list[Calibrator] = [IdentityCalibrator()]
    if len(p_pick) and len(np.unique(y_fit)) == 2:
        candidates += [fit_temperature(p_fit, y_fit), fit_platt(p_fit, y_fit)]
        if len(p_fit) >= ISOTONIC_FROM:
            candidates.append(fit_isotonic(p_fit, y_fit))
    scores = {c.method: brier(c.apply(p_pick), y_pick) for c in candidates}
    best = candidates[0] if len(candidates) == 1 else min(candidates, key=lambda c: scores[c.method])
    return CalibrationChoice(best, scores, len(p_fit), len(p_pick))


def fit_platt(p: Float64, y: Float64) -> LogisticCalibrator:
    """Slope and intercept by maximum likelihood on Platt's smoothed targets.

    A score that ranks backwards on these rows gets slope 0, the base rate for everybody: turning it round would be
    learning a new model from the calibration rows.
    """
    up = float(y.sum())
    down = len(y) - up
    target = np.where(y == 1.0, (up + 1.0) / (up + 2.0), 1.0 / (down + 2.0))
    z = _logit(p)
    slope, intercept = _newton(np.column_stack((z, np.ones(len(z)))), target, np.array([1.0, 0.0]))
    if slope < 0:
        slope, intercept = 0.0, float(_logit(np.array([target.mean()]))[0])
    return LogisticCalibrator("platt", float(slope), float(intercept))


def fit_temperature(p: Float64, y: Float64) -> LogisticCalibrator:
    """One slope on the log odds, 1 / temperature, by maximum likelihood (Guo et al. 2017); never negative."""
    slope = _newton(_logit(p)[:, None], y, np.array([1.0]))[0]
    return LogisticCalibrator("temperature", max(float(slope), 0.0), 0.0)


def fit_isotonic(p: Float64, y: Float64) -> IsotonicCalibrator:
    """Pool-adjacent-violators, kept off 0 and 1 by one pseudo-count: n rows cannot prove certainty."""
    from sklearn.isotonic import isotonic_regression

    x, inverse, count = np.unique(p, return_inverse=True, return_counts=True)
    mean = np.bincount(inverse, weights=y) / count
    fitted = np.clip(isotonic_regression(mean, sample_weight=count), 1.0 / (len(p) + 2.0), 1.0 - 1.0 / (len(p) + 2.0))
    # Inside a flat stretch only its two ends matter to the interpolation.
    inner = np.zeros(len(x), np.bool_)
    inner[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return IsotonicCalibrator(tuple(x[~inner].tolist()), tuple(fitted[~inner].tolist()))


def _newton(design: Float64, target: Float64, start: Float64) -> Float64:
    """Damped Newton steps on the logistic likelihood with a vanishing ridge."""
    theta = start
    for _ in range(_NEWTON_STEPS):
        q = _sigmoid(design @ theta)
        gradient = design.T @ (q - target) + _EPSILON * theta
        hessian = (design * (q * (1.0 - q))[:, None]).T @ design + _EPSILON * np.eye(len(theta))
        step = np.clip(np.linalg.solve(hessian, gradient), -1.0, 1.0)
        theta = theta - step
        if np.abs(step).max() < 1e-10:
            break
    return theta


def _logit(p: Float64) -> Float64:
    q = np.clip(p, _EPSILON, 1.0 - _EPSILON)
    z: Float64 = np.log(q / (1.0 - q))
    return z


def _sigmoid(z: Float64) -> Float64:
    p: Float64 = 1.0 / (1.0 + np.exp(-z))
    return p

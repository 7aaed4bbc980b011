"""How good probabilities are: pure functions of p (n,) in [0, 1] and y (n,) in {0, 1}."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import rankdata

from huracan_platform.contracts.market import Float64

MAX_BINS = 15
ROWS_PER_BIN = 100


@dataclass(frozen=True)
class Scores:
    """Plain metrics of one part. `auc` and `brier_skill` are NaN when only one class occurs."""

    n: int
    base_rate: float
    accuracy: float
    log_loss: float
    auc: float
    brier: float
    brier_skill: float
    ece: float

    def as_dict(self) -> dict[str, float]:
        """Metric name to value."""
        return asdict(self)


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: per bin the mean probability, the observed frequency and the number of rows."""

    predicted: Float64
    observed: Float64
    count: Float64


def score(p: Float64, y: Float64) -> Scores:
    """All plain metrics at once."""
    return Scores(
        n=len(y), base_rate=float(y.mean()) if len(y) else float("nan"), accuracy=accuracy(p, y), log_loss=log_loss(p, y),
        auc=auc(p, y), brier=brier(p, y), brier_skill=brier_skill(p, y), ece=debiased_ece(p, y),
    )


def accuracy(p: Float64, y: Float64) -> float:
    """Fraction of rows on the right side of 0.5; 0.5 itself counts as up."""
    return float(((p >= 0.5) == (y == 1.0)).mean()) if len(y) else float("nan")


def log_loss(p: Float64, y: Float64) -> float:
    """Mean negative log likelihood in nats, probabilities clipped to [1e-15, 1 - 1e-15]."""
    if len(y) == 0:
        return float("nan")
    q = np.clip(p, 1e-15, 1.0 - 1e-15)
    return float(-(y * np.log(q) + (1.0 - y) * np.log1p(-q)).mean())


def auc(p: Float64, y: Float64) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney), ties counted half; NaN with one class."""
    up = float(y.sum())
    down = len(y) - up
    if up == 0 or down == 0:
        return float("nan")
    return float((rankdata(p)[y == 1.0].sum() - up * (up + 1.0) / 2.0) / (up * down))


def brier(p: Float64, y: Float64) -> float:
    """Mean squared error of the probabilities (Brier 1950)."""
    return float(((p - y) ** 2).mean()) if len(y) else float("nan")


def brier_skill(p: Float64, y: Float64) -> float:
    """1 - Brier / Brier of the rows' own base rate: above 0 beats the best constant. NaN with one class."""
    if len(y) == 0 or y.min() == y.max():
        return float("nan")
    return 1.0 - brier(p, y) / brier(np.full(len(y), y.mean()), y)


def bin_count(n: int) -> int:
    """min(15, n / 100), at least one."""
    return max(1, min(MAX_BINS, n // ROWS_PER_BIN))


def reliability(p: Float64, y: Float64, bins: int | None = None) -> Reliability:
    """Equal-mass bins in ascending p; equal probabilities stay in one bin, so there may be fewer. None: `bin_count(n)`."""
    order = np.argsort(p, kind="stable")
    p_sorted, y_sorted = p[order], y[order]
    wanted = np.arange(1, bins or bin_count(len(p))) * len(p) // (bins or bin_count(len(p)))
    edges = np.unique(np.searchsorted(p_sorted, p_sorted[wanted], side="left"))
    starts = np.concatenate(([0], edges[edges > 0])).astype(np.int64)
    count = np.diff(np.append(starts, len(p))).astype(np.float64)
    return Reliability(np.add.reduceat(p_sorted, starts) / count, np.add.reduceat(y_sorted, starts) / count, count)


def debiased_ece(p: Float64, y: Float64) -> float:
    """Root mean squared calibration error over equal-mass bins, less the part that sampling noise alone would make.

    The squared gap of each bin is lessened by the variance of its observed frequency (Broecker 2012; Ferro and Fricker
    2012), the estimator that Roelofs et al. 2022 recommend with equal-mass bins. Being a root mean square it is never below
    the mean absolute form. 0 when noise explains everything; NaN without rows.
    """
    if len(y) == 0:
        return float("nan")
    diagram = reliability(p, y)
    noise = diagram.observed * (1.0 - diagram.observed) / np.maximum(diagram.count - 1.0, 1.0)
    squared = (diagram.count * ((diagram.predicted - diagram.observed) ** 2 - noise)).sum() / diagram.count.sum()
    return float(np.sqrt(max(squared, 0.0)))

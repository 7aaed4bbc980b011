"""Distribution drift of model inputs and outputs against the training reference.

PSI gates, KS informs: at tens of thousands of rows the KS test flags everything. PSI uses 10 quantile bins of the
reference. A market's slow variables wander by nature, so a column is critical only where its PSI exceeds both the
fixed threshold and what the reference shows against itself: the 99th percentile of the PSI between the reference, drawn again
by a block bootstrap of day-long blocks, and an unbroken stretch of it as long as the current window, from anywhere. Were the
stretch put together from single days too, no stretch could be as far off as a calm or a wild week is, and such weeks alarmed.
And it takes enough independent observations: rows are counted after correction for autocorrelation and for the
overlap of label horizons, because 5,000 rows of a one-week average are some dozens of observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import DataContractError
from huracan_platform.judging.evaluation.bootstrap import effective_observations, stationary_indices

BINS = 10
FLOOR = 1e-4  # share given to an empty bin, so that PSI stays finite; evidently's choice too
PREDICTION = "prediction"


@dataclass(frozen=True)
class DriftThresholds:
    """`block` is the mean block of the bootstrap and `overlap` the rows one label spans, both in rows."""

    warn_psi: float
    max_psi: float
    min_observations: int
    draws: int
    block: int
    overlap: int


def quantile_edges(reference: Float64, bins: int = BINS) -> Float64:
    """Inner bin edges: the reference's quantiles, ties merged."""
    edges: Float64 = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    return edges


def psi(reference: Float64, current: Float64, *, bins: int = BINS) -> float:
    """Population stability index over quantile bins of the reference; natural log, empty bins at a share of 1e-4."""
    edges = quantile_edges(reference, bins)
    return _psi_of_shares(_shares(np.searchsorted(edges, reference, side="left"), len(edges) + 1),
                          _shares(np.searchsorted(edges, current, side="left"), len(edges) + 1))


def column_drift(
    name: str, reference: Float64, current: Float64, thresholds: DriftThresholds, rng: np.random.Generator,
) -> ColumnDrift:
    """Drift of one column. Rows that are not finite are left out on either side; both parts are in time order."""
    reference, current = reference[np.isfinite(reference)], current[np.isfinite(current)]
    rows = len(current)
    if rows == 0 or len(reference) == 0:
        return ColumnDrift(name, np.nan, thresholds.max_psi, np.nan, np.nan, rows, 0.0, DriftLevel.UNMEASURED)
    value = psi(reference, current)
    ks = ks_2samp(reference, current, method="asymp")
    effective = min(effective_observations(part, least_step=thresholds.overlap) for part in (reference, current))
    critical = thresholds.max_psi
    if value > thresholds.max_psi and effective >= thresholds.min_observations:
        critical = max(critical, _own_variation(reference, rows, thresholds, rng))
    level = DriftLevel.WARNING if value > thresholds.warn_psi else DriftLevel.NONE
    if effective < thresholds.min_observations:
        level = DriftLevel.UNMEASURED
    elif value > critical:
        level = DriftLevel.CRITICAL
    return ColumnDrift(name, value, critical, float(ks.statistic), float(ks.pvalue), rows, effective, level)


def measure_drift(
    columns: Sequence[str], reference: Float64, current: Float64, thresholds: DriftThresholds, rng: np.random.Generator,
    *, reference_prediction: Float64 | None = None, prediction: Float64 | None = None,
) -> tuple[ColumnDrift, ...]:
    """Drift of every model feature, and of the predictions where both sides are given.

    `reference` (n, k) are training rows, `current` (m, k) the recent or held-out ones.

    Raises
    ------
    DataContractError
        When the number of columns differs.
    """
    if reference.shape[1] != len(columns) or current.shape[1] != len(columns):
        raise DataContractError(f"drift: expected {len(columns)} columns, got {reference.shape[1]} and {current.shape[1]}")
    found = [column_drift(c, reference[:, i], current[:, i], thresholds, rng) for i, c in enumerate(columns)]
    if reference_prediction is not None and prediction is not None:
        found.append(column_drift(PREDICTION, reference_prediction, prediction, thresholds, rng))
    return tuple(found)


def _own_variation(reference: Float64, rows: int, thresholds: DriftThresholds, rng: np.random.Generator) -> float:
    """99th percentile of the PSI that the reference shows against stretches of itself, of `rows` neighbours."""
    n = len(reference)
    edges = quantile_edges(reference)
    binned = np.searchsorted(edges, reference, side="left")
    block = min(thresholds.block, n)
    drawn = []
    for _ in range(thresholds.draws):
        first = _shares(binned[stationary_indices(n, block, rng)], len(edges) + 1)
        stretch = (rng.integers(n) + np.arange(rows)) % n
        drawn.append(_psi_of_shares(first, _shares(binned[stretch], len(edges) + 1)))
    return float(np.quantile(drawn, 0.99))


def _shares(binned: Int64, bins: int) -> Float64:
    counted = np.bincount(binned, minlength=bins) / len(binned)
    return np.where(counted > 0.0, counted, FLOOR)


def _psi_of_shares(expected: Float64, got: Float64) -> float:
    return float(np.sum((got - expected) * np.log(got / expected)))

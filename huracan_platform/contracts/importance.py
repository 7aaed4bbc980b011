"""What a model version relied on, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FeatureImportance:
    """One feature of one version.

    `contribution` is the mean absolute contribution to the log odds over held-out rows, as a share of all features';
    `permutation` the rise of the held-out log loss in nats when the feature's days are shuffled, `permutation_error` its
    standard error over repeats; `rank` counts from 1 over the mean of both orders.
    """

    feature: str
    contribution: float
    permutation: float
    permutation_error: float
    rank: int


def overlap(first: Sequence[FeatureImportance], second: Sequence[FeatureImportance], top: int) -> float:
    """Share of the first's `top` features that are among the second's; 1 where the first has none."""
    wanted = {i.feature for i in first if i.rank <= top}
    kept = {i.feature for i in second if i.rank <= top}
    return len(wanted & kept) / len(wanted) if wanted else 1.0

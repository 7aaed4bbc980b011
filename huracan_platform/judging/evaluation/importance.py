"""What a model relies on: its own contributions, and what its held-out loss says when a feature is shuffled.

Contributions are exact for the model (tree SHAP for trees: Lundberg et al., "From local explanations to global understanding
with explainable AI for trees", Nature Machine Intelligence 2, 2020; coefficient times z-score for the linear one) and say
nothing of whether it was right; permutation says what the model loses (Breiman 2001; Fisher, Rudin & Dominici 2019). Whole
days are exchanged, not rows: a slow feature shuffled by rows makes combinations that no market shows.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from huracan_platform.contracts.importance import FeatureImportance
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.scores import log_loss
from huracan_platform.learning.models.train import FittedModel

REPEATS = 5


def measure_importance(
    model: FittedModel, x: Float64, y: Float64, block: int, rng: np.random.Generator, repeats: int = REPEATS
) -> tuple[FeatureImportance, ...]:
    """Ranking of the model's features over labelled held-out rows, best first.

    Parameters
    ----------
    x, y
        Raw features (n, k) and outcomes (n,) in {0, 1}, in time order.
    block
        Rows of a day: so many are exchanged together.

    Raises
    ------
    DataContractError
        No rows, or another number of columns than the model's.
    """
    if x.ndim != 2 or len(x) == 0 or x.shape[1] != len(model.columns):
        raise DataContractError(f"importance: expected rows of {len(model.columns)} features, got {x.shape}")
    size = np.abs(model.classifier.contributions(model.scaler.apply(x))).mean(axis=0)
    contribution: Float64 = size / size.sum() if size.sum() > 0 else size
    losses = permutation_losses(model, x, y, block, rng, repeats)
    base = log_loss(model.probability(x), y)
    rise, error = losses.mean(axis=1) - base, losses.std(axis=1, ddof=1) / np.sqrt(repeats)
    mean_rank = (rankdata(-contribution) + rankdata(-rise)) / 2
    order = np.lexsort((np.arange(len(mean_rank)), -contribution, mean_rank))
    return tuple(
        FeatureImportance(model.columns[i], float(contribution[i]), float(rise[i]), float(error[i]), place + 1)
        for place, i in enumerate(order)
    )


def permutation_losses(
    model: FittedModel, x: Float64, y: Float64, block: int, rng: np.random.Generator, repeats: int
) -> Float64:
    """Held-out log loss (k, repeats) with one feature's blocks exchanged at a time; all features see the same exchanges."""
    orders = np.stack([exchanged(len(x), block, rng) for _ in range(repeats)])
    losses = np.empty((x.shape[1], repeats))
    stacked = np.tile(x, (repeats, 1))
    for column in range(x.shape[1]):
        kept = stacked[:, column].copy()
        stacked[:, column] = x[orders, column].ravel()
        p = model.probability(stacked).reshape(repeats, len(x))
        losses[column] = [log_loss(part, y) for part in p]
        stacked[:, column] = kept
    return losses


def exchanged(rows: int, block: int, rng: np.random.Generator) -> Int64:
    """A permutation of `rows` that keeps blocks of neighbours together, the last shorter one included."""
    blocks = np.array_split(np.arange(rows, dtype=np.int64), range(max(block, 1), rows, max(block, 1)))
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])

"""From a registered version to its feature ranking: rebuild its data set, measure on the held-out rows, record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.importance import ImportanceRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, Clock
from huracan_platform.contracts.importance import FeatureImportance, overlap
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.judging.evaluation.importance import measure_importance
from huracan_platform.learning.dataset import load_frame
from huracan_platform.learning.models.manifest import Recipe
from huracan_platform.learning.models.split import forward_split
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class RankedFeatures:
    """A version's ranking, and how much of it the version before shares; `before` None: the first one measured."""

    ranking: tuple[FeatureImportance, ...]
    overlap: float
    before: str | None


def rank_features(
    brain: Brain, store: FeatureStore, registry: Registry, card: ModelCard, settings: Settings, clock: Clock
) -> RankedFeatures:
    """Measure one version on the rows that its training held out, and store the ranking.

    Raises
    ------
    DataContractError
        The data set is not in the library any more, or holds no labelled held-out row.
    """
    recipe = Recipe.of(card.manifest)
    frame = load_frame(brain, store, recipe.spec, recipe.features, recipe.labels, recipe.cost)
    rows = frame.labelled(forward_split(frame, recipe.training).test)
    day = DAY_MS // (recipe.labels.sample_every_min * MINUTE_MS)
    fitted, rng = registry.load(card.model_id), np.random.default_rng(settings.seed)
    ranking = measure_importance(fitted, frame.x[rows], frame.y[rows], day, rng)
    repository = ImportanceRepository(brain)
    before = repository.before(card.model_id)
    repository.save(card.model_id, ranking, clock.wire_ms())
    shared = 1.0 if before is None else overlap(before[1], ranking, settings.training.top_features)
    return RankedFeatures(ranking, shared, before[0] if before else None)

"""The facts that a registered version was trained on, as they were at its pin: what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.contracts.market import Candles, FundingRates
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.learning.dataset import load_frame
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.manifest import Recipe
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class JudgingData:
    """A version's recipe and its data set; `settings` are the caller's with the version's own training and labels."""

    recipe: Recipe
    settings: Settings
    frame: TrainingFrame
    candles: Candles
    funding: FundingRates


def judging_data(brain: Brain, store: FeatureStore, card: ModelCard, settings: Settings) -> JudgingData:
    """Read it all again.

    Raises
    ------
    DataContractError
        The data set is not in the library any more, or is another one now.
    """
    recipe = Recipe.of(card.manifest)
    frame = load_frame(brain, store, recipe.spec, recipe.features, recipe.labels, recipe.cost)
    if frame.dataset_hash != recipe.dataset_hash:
        raise DataContractError(f"data set of {card.model_id}: expected {recipe.dataset_hash}, got {frame.dataset_hash}")
    spec = recipe.spec
    candles = CandleRepository(brain).read(spec.venue, [spec.symbol], spec.start_ms, spec.end_ms, spec.pin)[spec.symbol]
    funding = FundingRepository(brain).read(spec.venue, [spec.symbol], spec.start_ms, spec.end_ms, spec.pin)[spec.symbol]
    own = settings.model_copy(update={"training": recipe.training, "labels": recipe.labels})
    return JudgingData(recipe, own, frame, candles, funding)

"""From the library to a registered model, and from a manifest back to the same artefact."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.trials import Trial, TrialLog
from huracan_platform.clock import Clock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.trigger import Trigger
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import CostModel
from huracan_platform.learning.dataset import load_frame, newest_dataset, recompute_frame
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.manifest import DatasetSpec, Recipe, build_manifest
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.models.train import TrainedModel, train_model
from huracan_platform.learning.models.zoo import architecture_named
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class TrainedSymbol:
    """A symbol's new versions, an architecture each, and the rows that all of them were trained on."""

    frame: TrainingFrame
    versions: tuple[tuple[ModelCard, TrainedModel], ...]

    @property
    def best_skill(self) -> float:
        """The best held-out Brier skill."""
        return max(trained.test.brier_skill for _, trained in self.versions)


@dataclass(frozen=True)
class Reproduction:
    """What came of training a model again. `reason` says which hash differed first, or that none did."""

    model_id: str
    same: bool
    reason: str


def trial_of(frame: TrainingFrame, venue: str, architecture: str, settings: Settings) -> Trial:
    """What counts as one trial: an architecture with its settings, the strategy that trades it, and the data."""
    configuration = {
        "hyperparameters": architecture_named(architecture).hyperparameters,
        "training": settings.training.model_dump(mode="json", exclude={"threads", "architectures"}),
        "strategy": settings.strategy.model_dump(mode="json"),
    }
    return Trial(venue, frame.symbol, architecture, configuration, frame.dataset_hash)


def train_symbol(
    brain: Brain, store: FeatureStore, registry: Registry, venue: str, symbol: str, settings: Settings, cost: CostModel,
    clock: Clock, provenance: Provenance, *, by: str, run_id: str | None = None, trigger: Trigger | None = None,
) -> TrainedSymbol:
    """Train and register every architecture of the settings on the symbol's newest data set.

    Raises
    ------
    DataContractError
        There are too few good days, or too few labelled rows among them.
    """
    spec = newest_dataset(store, venue, symbol, settings, clock)
    frame = load_frame(brain, store, spec, settings.features, settings.labels, cost)
    trials = TrialLog(brain)
    versions = tuple(
        train_and_register(
            registry, trials, frame, spec, architecture, settings, clock, provenance, by=by, run_id=run_id, trigger=trigger
        )
        for architecture in settings.training.architectures
    )
    return TrainedSymbol(frame, versions)


def train_and_register(
    registry: Registry, trials: TrialLog, frame: TrainingFrame, spec: DatasetSpec, architecture: str, settings: Settings,
    clock: Clock, provenance: Provenance, *, by: str, run_id: str | None = None, trigger: Trigger | None = None,
) -> tuple[ModelCard, TrainedModel]:
    """Train one architecture on the frame, log the trial and enter the model; its parent is the newest version before it.

    `run_id` is the Dagster run that trains, `trigger` what asked for it; None outside of one.
    """
    trained = train_model(frame, architecture, settings)
    trials.record(trial_of(frame, spec.venue, architecture, settings), clock.wire_ms())
    before = registry.newest(spec.venue, spec.symbol, architecture)
    manifest = build_manifest(
        trained, frame, spec, settings, provenance, parent_id=None if before is None else before.model_id, run_id=run_id,
        trigger=trigger,
    )
    return registry.register(trained.fitted, manifest, clock, by=by), trained


def reproduce(brain: Brain, artefact_root: str, card: ModelCard, settings: Settings) -> Reproduction:
    """Compute the features again at the manifest's pin, with its settings, label and train again, and compare.

    Raises
    ------
    DataContractError
        The data set is not in the library any more.
    PermanentError
        The manifest is not one that this code writes.
    """
    recipe = Recipe.of(card.manifest)
    now = architecture_named(recipe.architecture).hyperparameters
    if now != recipe.hyperparameters:
        return Reproduction(card.model_id, False, f"hyperparameters: expected {recipe.hyperparameters}, got {now} in this code")
    store = FeatureStore(brain, artefact_root, funding_delay_ms=recipe.funding_delay_ms)
    frame = recompute_frame(brain, store, recipe.spec, recipe.features, recipe.labels, recipe.cost)
    if frame.dataset_hash != recipe.dataset_hash:
        return Reproduction(card.model_id, False, f"data set: expected {recipe.dataset_hash}, got {frame.dataset_hash}")
    again = train_model(frame, recipe.architecture, settings.model_copy(update={"training": recipe.training}))
    if again.fitted.artefact_hash != recipe.artefact_hash:
        found = again.fitted.artefact_hash
        return Reproduction(card.model_id, False, f"artefact: expected {recipe.artefact_hash}, got {found} from the same data")
    return Reproduction(card.model_id, True, f"artefact {recipe.artefact_hash} from data set {recipe.dataset_hash}")

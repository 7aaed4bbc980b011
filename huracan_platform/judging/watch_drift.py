"""Drift of live rows: what has come in since a version's data set, against what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.drift import DriftRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, Clock, day_of
from huracan_platform.contracts.drift import ColumnDrift, DriftLevel
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.judging.drift_pages import DriftPages
from huracan_platform.judging.evaluation.drift import DriftThresholds, measure_drift
from huracan_platform.judging.evaluation.drift_page import drift_page
from huracan_platform.judging.gates.collect import DRIFT_DRAWS
from huracan_platform.learning.dataset import EPOCH_DAY, load_frame
from huracan_platform.learning.models.manifest import DatasetSpec, Recipe
from huracan_platform.learning.models.split import forward_split
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import GateSettings, Settings


@dataclass(frozen=True)
class LiveDrift:
    """Drift of one version; `rows` live rows were compared, 0 where none has come in since its data set.

    `page` is where its newest page for people lies, empty where nothing was compared.
    """

    model_id: str
    rows: int
    columns: tuple[ColumnDrift, ...]
    page: str = ""

    @property
    def critical(self) -> tuple[ColumnDrift, ...]:
        """Columns that moved critically."""
        return tuple(c for c in self.columns if c.level is DriftLevel.CRITICAL)


def watch_drift(
    brain: Brain, store: FeatureStore, registry: Registry, pages: DriftPages, card: ModelCard, settings: Settings, clock: Clock
) -> LiveDrift:
    """Compare the version's training rows with the live rows of the last `training.drift_window_days`, record it, and keep a
    page of it where one is due.

    Raises
    ------
    DataContractError
        The version's data set is not in the library any more.
    """
    recipe = Recipe.of(card.manifest)
    ts_ms, live = _live_rows(store, recipe, settings, clock)
    if len(live) == 0:
        return LiveDrift(card.model_id, 0, ())
    frame = load_frame(brain, store, recipe.spec, recipe.features, recipe.labels, recipe.cost)
    split, model = forward_split(frame, recipe.training), registry.load(card.model_id)
    # Predictions are compared with those on validation rows: on its training rows a model is surer of itself.
    rows = (frame.columns, frame.x[split.train], live)
    before, now = model.probability(frame.x[split.validation]), model.probability(live)
    found = measure_drift(
        *rows, _thresholds(recipe, settings.gates), np.random.default_rng(settings.seed),
        reference_prediction=before, prediction=now,
    )
    DriftRepository(brain).save(card.model_id, found, int(ts_ms[0]), int(ts_ms[-1]), clock.wire_ms())
    drift = LiveDrift(card.model_id, len(live), found)
    page = pages.keep(
        card.model_id, [c.column for c in drift.critical], clock.wire_ms(),
        lambda: drift_page(*rows, found, reference_prediction=before, prediction=now),
    )
    return replace(drift, page=page)


def _thresholds(recipe: Recipe, gates: GateSettings) -> DriftThresholds:
    step = recipe.labels.sample_every_min
    return DriftThresholds(
        gates.warn_psi, gates.max_psi, gates.min_drift_observations, DRIFT_DRAWS, DAY_MS // (step * MINUTE_MS),
        max(recipe.labels.horizon_min // step, 1),
    )


def _live_rows(store: FeatureStore, recipe: Recipe, settings: Settings, clock: Clock) -> tuple[Int64, Float64]:
    """Times (n,) and complete feature rows (n, k) on decision bars after the version's data set, oldest first."""
    spec, none = recipe.spec, ((np.empty(0, np.int64), np.empty((0, 0))))
    definition = feature_set(recipe.features.feature_set, recipe.features.profile, settings=recipe.features)
    since = max(spec.end_ms, (clock.market_ms() // DAY_MS - settings.training.drift_window_days) * DAY_MS)
    stored = store.days(spec.venue, definition, EPOCH_DAY, day_of(clock.market_ms()))
    days = [d.day for d in stored if spec.symbol in d.symbols and d.day >= day_of(since)]
    if not days:
        return none
    now = DatasetSpec.of_days(spec.venue, spec.symbol, days[0], days[-1], clock)
    matrix = store.load(spec.venue, spec.symbol, definition, now.start_ms, now.end_ms, now.pin, set(days))
    step_ms = recipe.labels.sample_every_min * MINUTE_MS
    rows = ((matrix.ts_ms + MINUTE_MS) % step_ms == 0) & np.isfinite(matrix.values).all(axis=1)
    return matrix.ts_ms[rows], matrix.values[rows]

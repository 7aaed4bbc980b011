"""A library of twelve days of one symbol with its stored features, for tests from facts to models and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.learning.trials import TrialLog
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.learning.dataset import load_frame
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.manifest import DatasetSpec
from huracan_platform.learning.models.provenance import Provenance
from huracan_platform.learning.pipeline import train_and_register
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import FeatureSettings, Settings
from tests.learning.frames import COST, START_MS, SYMBOL

VENUE = "sim2-s7"
FIRST, DAYS = date(2025, 1, 1), 12
END_MS = START_MS + DAYS * DAY_MS
SETTINGS = Settings(features=FeatureSettings(profile="short_history"))
BAD_DAY = FIRST + timedelta(days=9)


@dataclass
class World:
    """The library and what reads it; `spec` is the data set of all days but the bad one."""

    brain: Brain
    root: str
    clock: ManualClock
    store: FeatureStore
    spec: DatasetSpec
    settings: Settings = SETTINGS

    def frame(self) -> TrainingFrame:
        return load_frame(self.brain, self.store, self.spec, self.settings.features, self.settings.labels, COST)

    def train(self, architecture: str) -> ModelCard:
        registry, trials = Registry(self.brain, self.root), TrialLog(self.brain)
        provenance = Provenance("0.1.0", None, None, None, {})
        card, _ = train_and_register(
            registry, trials, self.frame(), self.spec, architecture, self.settings, self.clock, provenance, by="test"
        )
        return card


def store_candles(brain: Brain, rows: slice, factor: float, recorded_ms: int, venue: str = VENUE) -> None:
    """Write those minutes; another factor than 1 is another price, a revision of what was there."""
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 8e-4, DAYS * 1440)))
    open_ = np.concatenate(([close[0]], close[:-1]))
    close = close * (1 + (factor - 1) / 100)
    ts_ms = START_MS + MINUTE_MS * np.arange(len(close))
    columns: dict[str, Any] = {
        "open": open_, "high": np.maximum(open_, close) * 1.0001, "low": np.minimum(open_, close) * 0.9999, "close": close,
        "volume": rng.uniform(1, 5, len(close)),
    }
    CandleRepository(brain).upsert(venue, pa.table({
        "symbol": [SYMBOL] * len(ts_ms[rows]), "ts_ms": ts_ms[rows], "known_at_ms": ts_ms[rows] + MINUTE_MS + 2000,
        **{name: values[rows] for name, values in columns.items()},
    }), recorded_ms, revision_known_at_ms=START_MS)  # known at once: only the time of recording hides a revision


def make_world(brain: Brain, root: str, settings: Settings = SETTINGS, venue: str = VENUE) -> World:
    """Fill the library and build the features; the data set leaves out `BAD_DAY`."""
    clock = ManualClock(END_MS + 30 * DAY_MS, END_MS + HOUR_MS)
    store_candles(brain, slice(None), 1.0, clock.wire_ms() - 1000, venue)
    settled = np.arange(START_MS, END_MS, 8 * HOUR_MS)
    FundingRepository(brain).upsert(venue, pa.table({
        "symbol": [SYMBOL] * len(settled), "ts_ms": settled, "known_at_ms": settled + 5000,
        "rate": np.random.default_rng(4).normal(1e-4, 5e-5, len(settled)), "interval_h": np.full(len(settled), 8.0),
    }), clock.wire_ms() - 1000)
    store = FeatureStore(brain, root, clock=clock)
    definition = feature_set("core", "short_history", settings=settings.features)
    days = {FIRST + timedelta(days=i) for i in range(DAYS)}
    store.build_days(venue, [SYMBOL], days, definition)
    clock.advance(1000)
    spec = DatasetSpec.of_days(venue, SYMBOL, FIRST, FIRST + timedelta(days=DAYS - 1), clock, days - {BAD_DAY})
    return World(brain, root, clock, store, spec, settings)

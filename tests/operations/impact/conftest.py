"""A library with corrected facts, and what was made of it before."""

from __future__ import annotations

from pathlib import Path

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, ManualClock
from huracan_platform.data.features.store import FeatureStore
from tests.data_features.library import WIRE_MS, fill, store_at


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(WIRE_MS + DAY_MS)


@pytest.fixture
def library(brain: Brain) -> Brain:
    return fill(brain)


@pytest.fixture
def store(library: Brain, tmp_path: Path, clock: ManualClock) -> FeatureStore:
    return store_at(library, tmp_path, clock)

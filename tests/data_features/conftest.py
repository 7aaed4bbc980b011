"""Stores over a filled library."""

from __future__ import annotations

from pathlib import Path

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, ManualClock
from huracan_platform.data.features.store import FeatureStore
from tests.data_features.library import (
    WIRE_MS,
    fill,
    store_at,
)


@pytest.fixture(scope="module")
def filled_brain(module_brain: Brain) -> Brain:
    return fill(module_brain)


@pytest.fixture
def library(filled_brain: Brain) -> Brain:
    """A library with facts and no feature day."""
    with filled_brain.connect() as connection:
        connection.execute("TRUNCATE feature_day_symbols, feature_days")
    return filled_brain


@pytest.fixture
def own_library(brain: Brain) -> Brain:
    """The same for a test that changes facts."""
    return fill(brain)


@pytest.fixture
def own_store(own_library: Brain, tmp_path: Path, clock: ManualClock) -> FeatureStore:
    return store_at(own_library, tmp_path, clock)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(WIRE_MS + DAY_MS)


@pytest.fixture
def store(library: Brain, tmp_path: Path, clock: ManualClock) -> FeatureStore:
    return store_at(library, tmp_path, clock)

"""Versions of one symbol on a library of their own."""

from __future__ import annotations

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.roll_back import RollbackDesk
from huracan_platform.settings import Settings
from tests.learning.test_registry import MARKET, WIRE
from tests.operations.versions import stand


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(WIRE, MARKET)


@pytest.fixture
def registry(brain: Brain, settings: Settings) -> Registry:
    return Registry(brain, str(settings.home / "artefacts"))


@pytest.fixture
def desk(brain: Brain, registry: Registry, settings: Settings, clock: ManualClock) -> RollbackDesk:
    return RollbackDesk(brain, registry, settings, lambda: clock)


@pytest.fixture
def pair(brain: Brain, registry: Registry, clock: ManualClock) -> tuple[ModelCard, ModelCard]:
    """Two versions that were put in charge one after the other."""
    return stand(brain, registry, clock, 2)[:2]  # type: ignore[return-value]

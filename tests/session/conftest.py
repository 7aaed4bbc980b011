"""The world that session tests share: one venue, one library, one history per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from huracan_platform.brain.connection import Brain
from tests.session.world import World, small_world


@pytest.fixture(scope="module")
def world(module_brain: Brain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A venue with three days of history, its market standing still, the history ingested and turned into features."""
    with small_world(module_brain, tmp_path_factory.mktemp("session") / "home") as built:
        yield built

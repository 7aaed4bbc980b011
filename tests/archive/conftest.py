"""An archive's folder, and an import of it into a real, empty library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.data.archive.importer import ArchiveImport
from huracan_platform.data.archive.report import ImportReport
from huracan_platform.settings import Settings

VENUE = "binanceusdm"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a test writes its archive."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def take(brain: Brain, settings: Settings, root: Path) -> Callable[..., ImportReport]:
    """Import the archive, or what else is named."""

    def run(*paths: Path, **options: Any) -> ImportReport:
        told = options.pop("settings", settings)
        return ArchiveImport(brain, options.pop("venue", VENUE), told, **options).run(paths or [root])

    return run

"""Servers that a test may kill."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huracan_platform.brain.embedded.server import EmbeddedServer


@pytest.fixture
def home() -> Iterator[Path]:
    """An open folder, unlike tmp_path, so that the database stays inside it."""
    folder = Path(tempfile.mkdtemp(prefix="huracan-server-"))
    folder.chmod(0o755)
    yield folder / "home"
    EmbeddedServer(folder / "home").destroy()
    shutil.rmtree(folder)


@pytest.fixture
def own_server(home: Path) -> EmbeddedServer:
    """A running server of the test's own, in `home`."""
    server = EmbeddedServer(home)
    server.ensure_running()
    return server

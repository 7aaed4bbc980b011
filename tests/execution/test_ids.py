"""Client order ids: deterministic, accepted by the venue, never given out twice."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.risk import InstallationRepository
from huracan_platform.errors import PermanentError
from huracan_platform.execution.ids import client_order_id, installation_uuid

BINANCE = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")


def test_an_id_is_the_same_for_the_same_order_and_fits_the_venue() -> None:
    first = client_order_id("u", "a", "s", 1)
    assert first == client_order_id("u", "a", "s", 1)
    assert len(first) == 32
    assert BINANCE.match(first)


def test_an_id_differs_in_each_of_its_parts() -> None:
    parts = [("u", "a", "s", 1), ("v", "a", "s", 1), ("u", "b", "s", 1), ("u", "a", "t", 1), ("u", "a", "s", 2)]
    assert len({client_order_id(*p) for p in parts}) == len(parts)


def test_the_uuid_stays_over_restarts_and_stands_in_the_home(brain: Brain, tmp_path: Path) -> None:
    repository = InstallationRepository(brain)
    first = installation_uuid(repository, tmp_path / "home", uuid4)
    assert installation_uuid(repository, tmp_path / "home", uuid4) == first
    assert (tmp_path / "home" / "installation_uuid").read_text().strip() == str(first)


def test_a_wiped_database_gets_a_new_uuid_though_the_file_is_still_there(brain: Brain, tmp_path: Path) -> None:
    repository = InstallationRepository(brain)
    first = installation_uuid(repository, tmp_path, uuid4)
    with brain.connect() as connection:
        connection.execute("DELETE FROM installation")
    second = installation_uuid(repository, tmp_path, uuid4)
    assert second != first
    assert (tmp_path / "installation_uuid").read_text().strip() == str(second)
    assert client_order_id(str(first), "a", "s", 1) != client_order_id(str(second), "a", "s", 1)


def test_a_home_that_cannot_be_written_is_named(brain: Brain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PermanentError, match="expected to write"):
        installation_uuid(InstallationRepository(brain), tmp_path / "file" / "home", lambda: UUID(int=1))

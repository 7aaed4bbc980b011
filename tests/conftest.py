"""What tests share: one embedded Postgres per test run, and a fresh migrated database for each test that asks."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.migrate import migrate
from huracan_platform.settings import Settings

PREFIX = "huracan-tests-"
TEMPLATE = "migrated_template"
# Modules that take longest, the longest first: one of minutes that begins last keeps the other workers waiting for its end.
LONGEST = (
    "judging/test_controls.py", "defs/test_no_constants.py", "ui/test_web_ui.py", "faults/test_house.py",
    "session/test_risk_policies.py", "faults/test_every_failpoint.py", "session/test_session_process.py",
    "market_data/test_book_recorder.py", "policies/test_training.py", "sentiment/test_sentiment.py", "brain/test_server.py",
    "session/test_paper_session.py", "simulator/test_mirror.py", "brain/test_db_command.py", "simulator/test_accounting.py",
    "learning/test_train.py", "venues/test_wires.py", "sources/test_source_commands.py",
)
_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules first; the rest stays by folder, whose modules share what is started once in a package."""
    rank = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def _sweep_leftovers() -> None:
    """Remove the servers of test runs that were killed; one worker at a time, as all of them come upon the same ones."""
    folder = Path(tempfile.gettempdir())
    with (folder / f".{PREFIX}{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for home in folder.glob(f"{PREFIX}*"):
            owner = home.name.removeprefix(PREFIX).split("-")[0]
            if owner.isdigit() and not Path(f"/proc/{owner}").exists() and os.access(home, os.W_OK):
                EmbeddedServer(home).destroy()
                shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[EmbeddedServer]:
    """The run's own server. Its home is not under tmp_path, which only its owner may enter."""
    _sweep_leftovers()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    home.chmod(0o755)
    server = EmbeddedServer(home)
    with psycopg.connect(server.ensure_running().brain_dsn, autocommit=True) as connection:
        # Tests kill processes, not the machine, and many databases are made and dropped.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.destroy()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def _template(embedded_server: EmbeddedServer) -> str:
    """DSN of a server that holds a migrated database to copy from."""
    dsn = embedded_server.ensure_running().brain_dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(Brain(_at(dsn, TEMPLATE)))
    return dsn


@pytest.fixture
def brain(_template: str) -> Iterator[Brain]:
    """A fresh, migrated, empty Brain Library."""
    yield from _fresh(_template)


@pytest.fixture(scope="module")
def module_brain(_template: str) -> Iterator[Brain]:
    """A migrated Brain Library shared by the tests of one module."""
    yield from _fresh(_template)


@pytest.fixture
def settings(brain: Brain, tmp_path: Path) -> Settings:
    """Settings with a home of their own and the DSN of `brain`."""
    return Settings(home=tmp_path / "home", database={"dsn": brain.dsn})


def _fresh(server_dsn: str) -> Iterator[Brain]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
    yield Brain(_at(server_dsn, name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _at(dsn: str, database: str) -> str:
    return f"{dsn.rpartition('/')[0]}/{database}"

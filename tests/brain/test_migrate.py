"""Migrations: every pending file, once, whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import psycopg
import pytest

from huracan_platform.brain import migrate as migrations
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.migrate import migrate, migrations_folder, open_brain, pending_migrations
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings


@pytest.fixture
def empty(brain: Brain) -> Brain:
    """A database without tables."""
    with brain.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return brain


def test_a_migrated_library_has_nothing_pending_and_migrating_again_does_nothing(brain: Brain) -> None:
    assert pending_migrations(brain) == []
    assert migrate(brain) == []


def test_open_brain_uses_the_configured_dsn_and_starts_no_server(settings: Settings, brain: Brain) -> None:
    opened = open_brain(settings)
    assert opened.dsn == brain.dsn
    assert not settings.home.exists()


def test_four_openers_at_once_apply_each_file_once(empty: Brain) -> None:
    expected = pending_migrations(empty)
    assert expected == sorted(path.stem for path in migrations_folder().glob("*.sql"))
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(Brain(empty.dsn)), range(4)))
    assert sorted(chain.from_iterable(applied)) == expected
    assert pending_migrations(empty) == []


def test_the_lock_row_of_a_killed_process_does_not_stop_the_next(empty: Brain) -> None:
    migrate(empty)
    with empty.connect() as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = '0001_facts'")
        connection.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    assert migrate(empty) == ["0001_facts"]


def test_a_file_numbered_below_an_applied_one_is_applied_too_and_a_bad_one_is_named_and_rolled_back(
    empty: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "migrations_folder", lambda: tmp_path)
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (x int);")
    assert migrate(empty) == ["0002_second"]
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (x int);")
    (tmp_path / "0003_third.sql").write_text("CREATE TABLE third (x int); SELECT nonsense;")
    with pytest.raises(PermanentError, match='migration 0003_third: column "nonsense" does not exist'):
        migrate(empty)
    assert pending_migrations(empty) == ["0003_third"]
    with psycopg.connect(empty.dsn) as connection:
        found = connection.execute("SELECT to_regclass('first') IS NOT NULL, to_regclass('third') IS NULL").fetchone()
    assert found == (True, True)

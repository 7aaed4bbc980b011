"""Dagster's own tables: connections are kept, and survive a restart of the database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from sqlalchemy import text

from huracan_platform.brain.connection import Brain

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def configured(brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance that `dagster.yaml` describes, in an empty database."""
    with psycopg.connect(brain.dsn) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    shutil.copy(PROJECT / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_STORAGE_DSN", brain.dsn)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def backends(instance: dg.DagsterInstance) -> list[int]:
    """Which server process answers each of the three storages."""
    runs, events, schedules = instance.run_storage, instance.event_log_storage, instance.schedule_storage
    assert isinstance(runs, PostgresRunStorage)
    assert isinstance(events, PostgresEventLogStorage)
    assert isinstance(schedules, PostgresScheduleStorage)
    answers = []
    for connect in (runs.connect, events._connect, schedules.connect):
        with connect() as connection:
            answers.append(int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one()))
    return answers


def test_statements_share_a_connection_of_each_storage(configured: dg.DagsterInstance) -> None:
    first = backends(configured)

    assert len(set(first)) == 3
    assert all(backends(configured) == first for _ in range(5))


def test_a_connection_that_the_server_closed_is_replaced_unnoticed(configured: dg.DagsterInstance, brain: Brain) -> None:
    run = configured.create_run_for_job(_job)
    before = backends(configured)
    with psycopg.connect(brain.dsn, autocommit=True) as connection:
        for pid in before:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    assert [found.run_id for found in configured.get_runs()] == [run.run_id]
    configured.report_engine_event("after the restart", run)
    assert not set(backends(configured)) & set(before)


@dg.op
def _nothing() -> None: ...


@dg.job
def _job() -> None:
    _nothing()

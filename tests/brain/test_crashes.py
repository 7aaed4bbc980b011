"""A killed writer, two writers, a restarted or dead server: a day is old or new, never half."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import socket
import threading
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psycopg
import pytest

from huracan_platform.brain.connection import Brain, ensure_server
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.brain.migrate import open_brain
from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.errors import ConfigurationError, TransientError
from huracan_platform.settings import Settings
from tests.brain.batches import BTC, T0, candles

VENUE = "sim2-s7"
LATER = T0 + 2 * DAY_MS
DAY = 1440
OLD, NEW = np.arange(DAY) + 1.0, np.arange(DAY) + 10_000.0
STEPS = ("_append", "_stage", "_supersede", "_merge")


def day(repository: CandleRepository) -> list[float]:
    return repository.read(VENUE, [BTC], T0, T0 + DAY_MS)[BTC].close.tolist()


def history_rows(brain: Brain) -> int:
    with brain.connect() as connection:
        row = connection.execute("SELECT count(*) FROM candles_history").fetchone()
    assert row is not None
    return int(row[0])


def pausing(brain: Brain, step: str, reached: Any, go_on: Any) -> CandleRepository:
    """A repository whose upsert reports when it has done a step, and waits there to be told to go on."""

    class Pausing(CandleRepository):
        pass

    def paused(self: CandleRepository, *args: Any) -> Any:
        done = getattr(CandleRepository, step)(self, *args)
        reached()
        go_on()
        return done

    setattr(Pausing, step, paused)
    return Pausing(brain)


def write_and_hang(dsn: str, step: str, pipe: Connection) -> None:
    repository = pausing(Brain(dsn), step, lambda: pipe.send(step), pipe.recv)
    repository.upsert(VENUE, candles(NEW), LATER + 1)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_any_step_leaves_the_old_day(brain: Brain, step: str) -> None:
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles(OLD), LATER)
    before = repository.content_hash(VENUE, BTC, T0, LATER)
    ours, theirs = mp.Pipe()
    writer = mp.get_context("spawn").Process(target=write_and_hang, args=(brain.dsn, step, theirs))
    writer.start()
    assert ours.poll(60)
    assert ours.recv() == step
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert repository.content_hash(VENUE, BTC, T0, LATER) == before
    # The dead writer's lock and staging are gone: the same write now succeeds.
    assert repository.upsert(VENUE, candles(NEW), LATER + 1) == UpsertResult(0, DAY, 0)
    assert day(repository) == NEW.tolist()
    assert history_rows(brain) == DAY


@pytest.mark.slow
def test_a_writer_killed_after_it_appended_leaves_nothing(brain: Brain) -> None:
    repository = CandleRepository(brain)
    ours, theirs = mp.Pipe()
    writer = mp.get_context("spawn").Process(target=write_and_hang, args=(brain.dsn, "_append", theirs))
    writer.start()
    assert ours.poll(60)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert day(repository) == []
    assert repository.upsert(VENUE, candles(NEW), LATER + 1) == UpsertResult(DAY, 0, 0)


@pytest.mark.parametrize("step", STEPS)
def test_a_second_writer_of_the_same_day_waits_for_the_first(brain: Brain, step: str) -> None:
    CandleRepository(brain).upsert(VENUE, candles(OLD), LATER)
    paused, released = threading.Event(), threading.Event()
    first = pausing(brain, step, paused.set, lambda: released.wait(30))
    results: dict[str, UpsertResult] = {}

    def write(name: str, repository: CandleRepository, at_ms: int) -> None:
        results[name] = repository.upsert(VENUE, candles(NEW), at_ms)

    one = threading.Thread(target=write, args=("one", first, LATER + 1))
    two = threading.Thread(target=write, args=("two", CandleRepository(brain), LATER + 2))
    one.start()
    assert paused.wait(30)
    two.start()
    two.join(0.3)
    assert two.is_alive()
    assert day(CandleRepository(brain)) == OLD.tolist()
    released.set()
    one.join(30)
    two.join(30)
    assert results == {"one": UpsertResult(0, DAY, 0), "two": UpsertResult(0, 0, DAY)}
    assert day(CandleRepository(brain)) == NEW.tolist()
    assert history_rows(brain) == DAY


def test_writers_of_different_symbols_do_not_wait_for_each_other(brain: Brain) -> None:
    paused, released = threading.Event(), threading.Event()
    first = pausing(brain, "_merge", paused.set, lambda: released.wait(30))
    one = threading.Thread(target=first.upsert, args=(VENUE, candles(OLD), LATER))
    CandleRepository(brain).upsert(VENUE, candles([1.0]), LATER)  # the series exists before both write
    CandleRepository(brain).upsert(VENUE, candles([1.0], symbol="ETH/USDT:USDT"), LATER)
    one.start()
    assert paused.wait(30)
    CandleRepository(brain).upsert(VENUE, candles([2.0], symbol="ETH/USDT:USDT"), LATER)
    released.set()
    one.join(30)


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["restart", "kill -9"])
def test_a_server_that_goes_away_mid_write_leaves_the_old_day_and_serves_the_same_library_again(
    own_server: EmbeddedServer, stop: str
) -> None:
    settings = Settings(home=own_server.home)
    brain = open_brain(settings)
    repository = CandleRepository(brain)
    repository.upsert(VENUE, candles(OLD), LATER)

    def go_away() -> None:
        if stop == "restart":
            own_server.stop()
        else:
            os.kill(int(own_server.status().pid or 0), signal.SIGKILL)
        own_server.ensure_running()

    cut = pausing(brain, "_merge", lambda: None, go_away)
    with pytest.raises(TransientError, match=r"database at 127.0.0.1:\d+/brain"):
        cut.upsert(VENUE, candles(NEW), LATER + 1)
    assert day(repository) == OLD.tolist()
    assert history_rows(brain) == 0
    assert repository.upsert(VENUE, candles(NEW), LATER + 1).revised == DAY


def test_a_kept_connection_that_the_server_closed_is_replaced(brain: Brain) -> None:
    with brain.connect() as connection:
        pid = connection.info.backend_pid
    with psycopg.connect(brain.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with brain.connect() as connection:
        assert connection.info.backend_pid != pid
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_kept_connection_comes_back_as_if_new(brain: Brain) -> None:
    with brain.connect() as connection:
        pid = connection.info.backend_pid
        connection.execute("SET statement_timeout = '1h'")
        connection.execute("SELECT pg_advisory_lock(1)")
        connection.execute("CREATE TEMPORARY TABLE left_over (x int)")
    with brain.connect() as connection:
        assert connection.info.backend_pid == pid
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
        assert connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
        assert connection.execute("SELECT to_regclass('left_over')").fetchone() == (None,)


def test_an_exception_rolls_everything_back(brain: Brain) -> None:
    def fail_halfway() -> None:
        with brain.connect() as connection:
            connection.execute("INSERT INTO series (venue, symbol) VALUES ('v', 's')")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    with brain.connect() as connection:
        assert connection.execute("SELECT count(*) FROM series").fetchone() == (0,)


def test_a_dead_server_is_a_transient_error_with_its_address_and_without_the_password() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    brain = Brain(f"postgresql://someone:sesame@127.0.0.1:{port}/brain")
    with pytest.raises(TransientError, match=f"127.0.0.1:{port}/brain") as caught, brain.connect():
        pass
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "sesame" not in repr(brain)


def test_a_refused_login_or_unknown_database_is_a_mistake_in_the_settings(brain: Brain) -> None:
    for wrong in (brain.dsn.replace("huracan:", "huracan:x"), brain.dsn + "_none"):
        with pytest.raises(ConfigurationError, match="expected to be let in"), Brain(wrong).connect():
            pass


def test_a_configured_dsn_puts_dagster_beside_it_unless_it_has_its_own(brain: Brain) -> None:
    beside = ensure_server(Settings(database={"dsn": "postgresql://a:b@h:1/brain"}))
    assert beside.dagster_dsn == "postgresql://a:b@h:1/dagster"
    own = ensure_server(Settings(database={"dsn": "postgresql://a:b@h:1/brain", "dagster_dsn": "postgresql://c/d"}))
    assert own.dagster_dsn == "postgresql://c/d"


def test_a_bar_written_by_the_minute_costs_no_new_login(brain: Brain) -> None:
    repository = CandleRepository(brain)
    pids = set()
    for minute in range(5):
        repository.upsert(VENUE, candles([1.0], first=minute), LATER)
        with brain.connect() as connection:
            pids.add(connection.info.backend_pid)
    assert len(pids) == 1
    assert repository.bounds(VENUE, BTC) == (T0, T0 + 4 * MINUTE_MS)


def test_the_locks_of_a_failed_transaction_are_free_when_its_error_arrives(brain: Brain) -> None:
    def fail_with_a_lock() -> None:
        with brain.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(7)")
            raise KeyboardInterrupt

    with brain.connect() as other:
        for _ in range(200):
            with pytest.raises(KeyboardInterrupt):
                fail_with_a_lock()
            assert other.execute("SELECT pg_try_advisory_lock(7), pg_advisory_unlock(7)").fetchone() == (True, True)

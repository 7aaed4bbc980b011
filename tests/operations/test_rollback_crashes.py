"""A rollback that fails, is killed or races with another leaves the old state or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.rollbacks import RollbackRepository
from huracan_platform.clock import ManualClock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.roll_back import RollbackDesk
from tests.learning.test_registry import MARKET, SYMBOL, VENUE
from tests.operations.versions import add_returns, follow, names, state


@pytest.mark.parametrize("table", ["authorisation_withdrawals", "activations", "session_commands", "outbox", "rollback_logs"])
def test_what_fails_at_any_step_changes_nothing_and_can_be_done_again(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard], table: str
) -> None:
    add_returns(brain, pair[1].model_id, np.array([0.0, -0.06]))
    with brain.connect() as connection:
        connection.execute("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$")
        connection.execute(f"CREATE TRIGGER fail AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()")
    before = state(brain)
    with pytest.raises(psycopg.errors.RaiseException, match="planted"):
        follow(desk, clock)
    assert state(brain) == before
    assert names(registry, pair[0], clock)[-1] == pair[1].model_id
    with brain.connect() as connection:
        connection.execute(f"DROP TRIGGER fail ON {table}")
    assert follow(desk, clock)
    assert names(registry, pair[0], clock) == [pair[0].model_id]


KILLED = """
import sys
from pathlib import Path
from huracan_platform.brain.connection import Brain
from huracan_platform.clock import ManualClock
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.roll_back import RollbackDesk
from huracan_platform.settings import Settings
dsn, home, venue, symbol, wire, market = sys.argv[1:]
brain = Brain(dsn)
desk = RollbackDesk(brain, Registry(brain, home), Settings(), lambda: ManualClock(int(wire), int(market)))
desk.follow_rule(venue, symbol, int(wire), by="rule")
"""


def test_a_process_killed_in_the_middle_leaves_the_old_state(
    brain: Brain, registry: Registry, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard], tmp_path: Path
) -> None:
    add_returns(brain, pair[1].model_id, np.array([0.0, -0.06]))
    with brain.connect() as connection:
        connection.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER wait AFTER INSERT ON rollback_logs FOR EACH ROW EXECUTE FUNCTION wait()")
    before = state(brain)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, brain.dsn, str(tmp_path), VENUE, SYMBOL, str(clock.wire_ms()), str(MARKET)]
    )
    wait_for(brain, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()", 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(brain, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO rollback_logs%'"
             " AND pid <> pg_backend_pid() AND datname = current_database()", 0)
    assert state(brain) == before
    assert follow(desk, clock)


def wait_for(brain: Brain, query: str, count: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with brain.connect() as connection:
            if connection.execute(query).fetchone() == (count,):
                return
        time.sleep(0.02)
    raise AssertionError(f"expected {count} of: {query}")


def test_two_at_once_roll_back_once(
    brain: Brain, desk: RollbackDesk, clock: ManualClock, pair: tuple[ModelCard, ModelCard]
) -> None:
    add_returns(brain, pair[1].model_id, np.array([0.0, -0.06]))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: follow(desk, clock), range(4)))
    assert sum(done) == 1
    assert len(RollbackRepository(brain).logs()) == 1

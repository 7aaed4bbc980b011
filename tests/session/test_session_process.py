"""`huracan live` as a process: it ends clean on a signal, two of them never trade at once, the next one takes over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.errors import HaltTradingError
from huracan_platform.execution.session import run_session
from tests.session.world import SYMBOLS, World

pytestmark = pytest.mark.slow


def environment(world: World) -> dict[str, str]:
    """The world's settings as a process gets them."""
    settings, dsn = world.settings, world.settings.database.dsn
    assert dsn is not None
    return {
        **os.environ, "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": dsn.get_secret_value(),
        "HURACAN_VENUE__URL": world.url, "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_SYMBOLS": ",".join(SYMBOLS),
        "HURACAN_FEATURES__PROFILE": "short_history", "HURACAN_LABELS__HORIZON_MIN": "600",
        "HURACAN_TRAINING__EMBARGO_MIN": "600", "HURACAN_LABELS__SAMPLE_EVERY_MIN": "5",
        "HURACAN_STRATEGY__ENTER_PROBABILITY": "0.55", "HURACAN_STRATEGY__MIN_EDGE_BPS": "-50",
        "HURACAN_RISK__MAX_ORDER_USD": "100000",
        "HURACAN_EXECUTION__LEASE_TTL_S": "3", "HURACAN_EXECUTION__HEARTBEAT_S": "1", "HURACAN_EXECUTION__RECONCILE_EVERY_S": "1",
    }


@contextmanager
def live(world: World) -> Iterator[subprocess.Popen[str]]:
    """`huracan live` without a bound, killed at the end if it still runs."""
    command = [sys.executable, "-m", "huracan_platform.cli.main", "live"]
    process = subprocess.Popen(command, env=environment(world), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def open_positions(world: World) -> dict[str, Decimal]:
    amounts = {s: Decimal(p["amount"]) for s, p in world.control("ledger")["positions"].items()}
    return {s: amount for s, amount in amounts.items() if amount != 0}


def wait_for_position(world: World, process: subprocess.Popen[str], timeout_s: float = 90.0) -> dict[str, Decimal]:
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise AssertionError(f"expected a running session, got exit code {process.returncode}: {process.communicate()[0]}")
        if held := open_positions(world):
            return held
        time.sleep(0.2)
    raise AssertionError("expected a position within the time")


def last_session(world: World) -> tuple[str | None, str | None]:
    with world.brain.connect() as connection:
        row = connection.execute("SELECT session_id, end_reason FROM sessions ORDER BY started_at DESC LIMIT 1").fetchone()
    assert row is not None
    return row[0], row[1]


def lease_runs(world: World) -> bool:
    with world.brain.connect() as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM executor_leases")]
    found = [LeaseRepository(world.brain).current(name) for name in names]
    return any(entry is not None and entry[1] for entry in found)


def standing_stops(world: World) -> list[str]:
    with world.brain.connect() as connection:
        rows = connection.execute(
            "SELECT i.symbol FROM orders o JOIN order_intents i USING (intent_id)"
            " WHERE i.kind = 'stop_market' AND o.state = 'open'"
        ).fetchall()
    return [row[0] for row in rows]


def test_a_signal_ends_the_session_clean_and_the_next_one_takes_over(world: World) -> None:
    for symbol in SYMBOLS:
        world.register(symbol)
    world.control("clock", {"speed": 120})
    with live(world) as process:
        wait_for_position(world, process)
        with pytest.raises(HaltTradingError, match="expected it free within"):
            run_session(world.settings, market_hours=1.0, session_name="second")
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=30)[0]
        assert process.returncode == 0, output
    world.control("clock", {"speed": 0})
    assert last_session(world)[1] == "signal SIGTERM"
    assert not lease_runs(world)
    held = open_positions(world)
    assert held, "a signal leaves positions to their stops"
    assert len(standing_stops(world)) == len(held)

    world.control("clock", {"speed": 120})
    report = run_session(world.settings, market_hours=0.25, session_name="next")
    world.control("clock", {"speed": 0})
    assert report.open_positions == {}
    assert report.end_reason == "market hours covered"
    assert open_positions(world) == {}
    assert standing_stops(world) == []


def test_after_kill_9_the_next_session_finds_its_position_and_its_plan(world: World) -> None:
    world.control("clock", {"speed": 120})
    with live(world) as process:
        wait_for_position(world, process)
        process.kill()
        process.wait()
    accepts = world.control("ledger")["accepts"]
    assert all(count == 1 for count in accepts.values())
    report = run_session(world.settings, market_hours=0.25, session_name="after the kill")
    world.control("clock", {"speed": 0})
    assert all(count == 1 for count in world.control("ledger")["accepts"].values())
    assert report.open_positions == {}
    assert report.epoch > 1
    with world.brain.connect() as connection:
        ends = dict(connection.execute("SELECT name, end_reason FROM sessions").fetchall())
    assert ends["after the kill"] == report.end_reason


def test_a_venue_that_is_down_is_a_transient_error_and_nothing_is_left_behind(world: World) -> None:
    environ = {**environment(world), "HURACAN_VENUE__URL": "http://127.0.0.1:1", "HURACAN_QUALITY__FETCH_TRIES": "1"}
    command = [sys.executable, "-m", "huracan_platform.cli.main", "live", "--market-hours", "1"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 75, done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not lease_runs(world)

"""The house as a whole: a bad day is told once and skipped, and a machine that fails costs less than a minute of trading."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.migrate import migrate
from huracan_platform.clock import DAY_MS, day_of, day_start_ms
from huracan_platform.errors import TransientError
from tests.fakes.slack_server import SlackServer, slack_server
from tests.faults.conftest import arm
from tests.faults.house import House, free_port, wait_for
from tests.faults.invariants import broken_invariants, read_ledger
from tests.session.world import SYMBOLS, World, small_world

pytestmark = pytest.mark.slow
DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]  # before the days that the library has
BAD = DAYS[1]
# The last minute of an hour of the bad day: its close is the hour's.
END_OF_HOUR_MS = 1_735_689_600_000 + (24 * 60 + 5 * 60 + 59) * 60_000
KEY = f"check|candles|consistency|{SYMBOLS[0]}|{BAD}"
TRADING_AGAIN_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture(scope="module")
def house(slack: SlackServer) -> Iterator[tuple[House, World]]:
    """A small history, a model on a script, and `huracan up` over them. The home is where Postgres may enter it."""
    home = Path(tempfile.mkdtemp(prefix="huracan-house-"))
    home.chmod(0o755)
    port = free_port(18_000)
    server = EmbeddedServer(home, port=port)
    try:
        brain = Brain(server.ensure_running().brain_dsn)
        migrate(brain)
        with small_world(brain, home, venue_days=6) as world:
            world.register(SYMBOLS[0])
            server.stop()
            house = House(home, brain, world.url, slack.url, {
                "HURACAN_SYMBOLS": ",".join(SYMBOLS), "HURACAN_FEATURES__PROFILE": "short_history",
                "HURACAN_LABELS__HORIZON_MIN": "15", "HURACAN_LABELS__SAMPLE_EVERY_MIN": "5",
                "HURACAN_STRATEGY__ENTER_PROBABILITY": "0.55", "HURACAN_STRATEGY__MIN_EDGE_BPS": "-50",
                "HURACAN_RISK__MAX_ORDER_USD": "100000", "HURACAN_EXECUTION__RECONCILE_EVERY_S": "1",
            }, port)
            house.start()
            try:
                yield house, world
            finally:
                if house.process is not None and house.process.poll() is None:
                    house.stop()
                if house.processes():
                    house.kill()
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


def posts_of(slack: SlackServer, key: str) -> list[dict[str, Any]]:
    return [post for post in slack.posts if key in str(post)]


def feature_days(world: World) -> list[str]:
    """Days before the library's own on which the symbol has feature rows."""
    first, end = day_start_ms(date.fromisoformat(DAYS[0])), day_start_ms(date.fromisoformat(DAYS[-1])) + DAY_MS
    rows = world.store.load(world.market.venue, SYMBOLS[0], world.features, first, end)
    return sorted({str(day_of(int(ts))) for ts in rows.ts_ms})


def test_a_bad_day_is_skipped_and_told_once_though_slack_was_down(house: tuple[House, World], slack: SlackServer) -> None:
    up, world = house
    wait_for("the sensor's first look", lambda: up.has_ticked("failed_checks"), 180)
    slack.trouble = "down"
    arm(world.url, kind="revised_candle", path="/fapi/v1/klines", count=1_000, candle_ms=END_OF_HOUR_MS)
    up.run_job("market_data_job", DAYS[0], DAYS[-1])
    checked = time.monotonic()  # the evaluation was before the run's end, by less than its own length
    wait_for("the message in the outbox", lambda: up.query(
        "SELECT 1 FROM outbox JOIN incidents USING (incident_id) WHERE dedupe_key = %s", KEY), 60)
    print(f"in the outbox {time.monotonic() - checked:.1f} s after the run")
    up.run_job("feature_job", DAYS[0], DAYS[-1])
    assert feature_days(world) == [DAYS[0], DAYS[2]]

    wait_for("a try while Slack is down", lambda: slack.requests, 60)
    assert posts_of(slack, KEY) == []
    slack.trouble = "limited"
    asked = slack.requests
    wait_for("a try while Slack limits", lambda: slack.requests > asked, 60)
    slack.trouble = ""
    (told,) = wait_for("the message", lambda: posts_of(slack, KEY), 60)
    text = str(told)
    for word in ("critical", "candles", BAD, SYMBOLS[0], "consistency", "Observed", "Expected", "Counts", "Sample",
                 "features skip the day", "quarantine", f"/assets/candles?view=partitions&partition={BAD}", KEY):
        assert word in text, word

    disarm(world)
    up.run_job("market_data_job", BAD, BAD)
    up.run_job("feature_job", BAD, DAYS[-1])
    assert feature_days(world) == DAYS
    _, recovery = wait_for("the recovery", lambda: posts if len(posts := posts_of(slack, KEY)) > 1 else None, 90)
    assert recovery["thread_ts"] == told["ts"]
    assert "Resolved" in str(recovery)
    time.sleep(5)
    assert len(posts_of(slack, KEY)) == 2


def test_after_a_crash_of_the_machine_the_session_trades_again_within_a_minute(
    house: tuple[House, World], slack: SlackServer
) -> None:
    up, world = house
    up.command("session", "on", "--by", "test")
    wait_for("a position", lambda: read_ledger(world.url)["fills"], 180)
    (old,) = up.query("SELECT epoch, run_id FROM sessions ORDER BY started_at DESC LIMIT 1")
    assert up.kill() > 8
    accepted = set(read_ledger(world.url)["accepts"])

    began = time.monotonic()
    up.start()
    decided = wait_for("a decision of a new epoch", lambda: later_decisions(up, old[0]), 300)
    took = time.monotonic() - began
    assert decided[0][0] > old[0]
    print(f"trades again {took:.1f} s after the restart")
    assert up.status_of(old[1]) == "FAILURE"
    wait_for("an order of the new epoch", lambda: set(read_ledger(world.url)["accepts"]) - accepted, 120)
    wait_for("the dead run told", lambda: "paper_session_job failed" in up.command("incidents", "--all"), 90, every_s=2)

    up.command("session", "off", "--by", "test")
    wait_for("the session's end", lambda: up.query(
        "SELECT 1 FROM sessions WHERE epoch > %s AND ended_at IS NOT NULL", old[0]), 120)
    world.control("clock", {"speed": 0})
    ledger = read_ledger(world.url)
    assert all(count == 1 for count in ledger["accepts"].values())
    assert broken_invariants(ledger, world.brain) == []
    assert took < TRADING_AGAIN_WITHIN_S


def test_a_signal_ends_everything(house: tuple[House, World]) -> None:
    up, _ = house
    assert up.stop() == 128 + signal.SIGTERM
    assert up.processes() == []
    assert (up.home / "up.log").read_text().rstrip().endswith("terminated")


def later_decisions(up: House, epoch: int) -> list[tuple[Any, ...]] | None:
    """The newest epoch after `epoch` with a decision, and how many; None while there is none, or no database."""
    with contextlib.suppress(TransientError):
        return up.query("SELECT epoch, count(*) FROM decisions WHERE epoch > %s GROUP BY epoch", epoch) or None
    return None


def disarm(world: World) -> None:
    """Clear the venue's faults."""
    urllib.request.urlopen(urllib.request.Request(f"{world.url}/control/faults", method="DELETE"), timeout=10).close()

"""`huracan up` on a home of its own with some days in it, and a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from huracan_platform.brain.embedded.server import EmbeddedServer
from tests.conftest import PREFIX
from tests.ui.browser import find_browser, running_browser
from tests.ui.running import ask, free_port, running_up
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"
HISTORY_DAYS = 18
MISSING_BAR = datetime(2025, 1, 8, 12, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Stack:
    """A running platform: where its web UI and its venue are, and the home that holds its library."""

    url: str
    home: Path
    venue: str


@pytest.fixture(scope="module")
def chromium() -> str:
    """Asked for before the stack, which takes long to start."""
    return find_browser()


@pytest.fixture(scope="module")
def stack(chromium: str) -> Iterator[Stack]:
    """Twelve of eighteen days are in the library; of the eighth one bar was missing at the venue."""
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))  # not under tmp_path, which only its owner may enter
    home.chmod(0o755)
    with running_venue(days=HISTORY_DAYS, seed=10, symbols=BTC) as venue:
        url = f"http://127.0.0.1:{free_port()}"
        environment = os.environ | {
            "HURACAN_HOME": str(home), "HURACAN_VENUE__URL": venue, "HURACAN_VENUE__RATE_LIMIT": "false",
            "HURACAN_SYMBOLS": BTC, "HURACAN_UI__PORT": url.rpartition(":")[2], "HURACAN_TRAINING__ARCHITECTURES": '["linear"]',
        }
        _leave_out(venue, MISSING_BAR)
        try:
            subprocess.run([sys.executable, "-m", "tests.ui.fill_home"], env=environment, check=True, timeout=300)
            with running_up(environment, url, home / "up.log"):
                _stop_hourly_market_data(url)
                yield Stack(url, home, venue)
        finally:
            EmbeddedServer(home).destroy()
            shutil.rmtree(home)


@pytest.fixture(scope="module")
def browser(stack: Stack, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with running_browser(chromium, tmp_path_factory.mktemp("profile")) as context:
        yield context


def _leave_out(venue: str, bar: datetime) -> None:
    """Every answer that holds this bar comes without it."""
    fault = {"kind": "missing_candle", "path": "/fapi/v1/klines", "candle_ms": int(bar.timestamp() * 1000), "count": 100}
    request = urllib.request.Request(f"{venue}/control/faults", data=json.dumps(fault).encode(), method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def _stop_hourly_market_data(url: str) -> None:
    """A check's page shows its newest result: at five past the hour that of the planted day would go."""
    schedules = "{repositoriesOrError {... on RepositoryConnection {nodes {schedules {name scheduleState {id}}}}}}"
    found = ask(url, schedules)["repositoriesOrError"]["nodes"][0]["schedules"]
    (state,) = (schedule["scheduleState"]["id"] for schedule in found if schedule["name"] == "hourly_market_data")
    stopped = ask(url, f'mutation {{stopRunningSchedule(id: "{state}") {{__typename}}}}')["stopRunningSchedule"]
    assert stopped["__typename"] == "ScheduleStateResult", stopped

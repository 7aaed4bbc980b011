"""`huracan up` on a home of its own with some days in it, and a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from huracan_platform.brain.embedded.server import EmbeddedServer
from tests.conftest import PREFIX
from tests.ui.browser import find_browser, running_browser
from tests.venue_process import running_venue

BTC = "BTC/USDT:USDT"
HISTORY_DAYS = 18
MISSING_BAR = datetime(2025, 1, 8, 12, 7, tzinfo=UTC)
UP_WITHIN_S = 180.0


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
        port = _free_port()
        environment = os.environ | {
            "HURACAN_HOME": str(home), "HURACAN_VENUE__URL": venue, "HURACAN_VENUE__RATE_LIMIT": "false",
            "HURACAN_SYMBOLS": BTC, "HURACAN_UI__PORT": str(port), "HURACAN_TRAINING__ARCHITECTURES": '["linear"]',
        }
        _leave_out(venue, MISSING_BAR)
        try:
            subprocess.run([sys.executable, "-m", "tests.ui.fill_home"], env=environment, check=True, timeout=300)
            with _up(environment, home / "up.log") as up:
                _wait_until_it_answers(f"http://127.0.0.1:{port}", up, home / "up.log")
                _stop_hourly_market_data(f"http://127.0.0.1:{port}")
                yield Stack(f"http://127.0.0.1:{port}", home, venue)
        finally:
            EmbeddedServer(home).destroy()
            shutil.rmtree(home)


@contextmanager
def _up(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as output:
        up = subprocess.Popen(
            [sys.executable, "-m", "huracan_platform.cli.main", "up"], env=environment, stdout=output, stderr=output
        )
        try:
            yield up
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=120)


@pytest.fixture(scope="module")
def browser(stack: Stack, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with running_browser(chromium, tmp_path_factory.mktemp("profile")) as context:
        yield context


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _leave_out(venue: str, bar: datetime) -> None:
    """Every answer that holds this bar comes without it."""
    fault = {"kind": "missing_candle", "path": "/fapi/v1/klines", "candle_ms": int(bar.timestamp() * 1000), "count": 100}
    request = urllib.request.Request(f"{venue}/control/faults", data=json.dumps(fault).encode(), method="POST")
    urllib.request.urlopen(request, timeout=10).close()


def ask(url: str, query: str) -> dict[str, Any]:
    """The web server's answer to a GraphQL query."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{url}/graphql", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def _stop_hourly_market_data(url: str) -> None:
    """A check's page shows its newest result: at five past the hour that of the planted day would go."""
    schedules = "{repositoriesOrError {... on RepositoryConnection {nodes {schedules {name scheduleState {id}}}}}}"
    found = ask(url, schedules)["repositoriesOrError"]["nodes"][0]["schedules"]
    (state,) = (schedule["scheduleState"]["id"] for schedule in found if schedule["name"] == "hourly_market_data")
    stopped = ask(url, f'mutation {{stopRunningSchedule(id: "{state}") {{__typename}}}}')["stopRunningSchedule"]
    assert stopped["__typename"] == "ScheduleStateResult", stopped


def _wait_until_it_answers(url: str, up: subprocess.Popen[bytes], log: Path) -> None:
    """Until the web UI has loaded the assets; it listens some seconds before."""
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        assert up.poll() is None, log.read_text()
        try:
            if ask(url, "{assetNodes {id}}")["assetNodes"]:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"expected assets at {url} within {UP_WITHIN_S:g} s, got none; {log.read_text()}")

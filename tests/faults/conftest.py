"""A fresh simulated venue per test, and a way to run the driver against it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from multiprocessing import forkserver, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.settings import Settings
from tests.faults import driver
from tests.venue_process import running_venue

# as the defaults, but a crashed executor's lease and an UNKNOWN order's grace run out within seconds
QUICK = {"lease_ttl_s": 1.5, "heartbeat_s": 0.4, "order_deadline_s": 1.5, "clock_bound_s": 0.2, "unknown_grace_s": 0.5}


@dataclass(frozen=True)
class Finished:
    """A driver that has ended: its exit code (-9: killed) and the lines that it printed."""

    code: int
    steps: list[dict[str, Any]]
    errors: str


@pytest.fixture
def venue_url() -> Iterator[str]:
    with running_venue(days=1, speed=1.0, symbols="BTC/USDT:USDT") as url:
        yield url


@pytest.fixture
def venue_settings(settings: Settings, venue_url: str) -> Settings:
    return settings.model_copy(update={
        "venue": settings.venue.model_copy(update={"url": venue_url, "request_timeout_s": 2.0}),
        "execution": settings.execution.model_copy(update=QUICK),
    })


@dataclass(frozen=True)
class Running:
    """A driver that was started."""

    process: BaseProcess
    out: Path
    errors: Path

    def steps(self) -> list[dict[str, Any]]:
        """What it has printed so far."""
        return [json.loads(line) for line in self.out.read_text().splitlines()] if self.out.exists() else []

    def wait_for_step(self, timeout_s: float = 60) -> None:
        """Wait until the first step is done."""
        give_up = time.monotonic() + timeout_s
        while not self.steps():
            assert time.monotonic() < give_up, self.errors.read_text()
            time.sleep(0.05)

    def finish(self, timeout_s: float = 90) -> Finished:
        """Wait for its end."""
        self.process.join(timeout_s)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return Finished(self.process.exitcode or 0, self.steps(), self.errors.read_text())


@pytest.fixture(scope="session", autouse=True)
def _no_fork_server_left() -> Iterator[None]:
    """The server ends by itself some time after its client; a test run ends it before."""
    yield
    forkserver._forkserver._stop()


@pytest.fixture
def start_driver(brain: Brain, venue_url: str, tmp_path: Path) -> Callable[..., Running]:
    """Start the driver. Its process is forked from a server that has the slow imports (ccxt, 4 s) behind it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.driver", "ccxt.async_support"])
    numbers = count()

    def start(*steps: str, failpoint: str | None = None) -> Running:
        environment = {
            "HURACAN_HOME": str(tmp_path / "home"), "HURACAN_DATABASE__DSN": brain.dsn, "HURACAN_VENUE__URL": venue_url,
            **{f"HURACAN_EXECUTION__{k.upper()}": str(v) for k, v in QUICK.items()},
            **({"HURACAN_FAILPOINT": failpoint} if failpoint else {}),
        }
        number = next(numbers)
        out, errors = tmp_path / f"out{number}", tmp_path / f"errors{number}"
        process = context.Process(target=driver.main, args=(environment, list(steps), str(out), str(errors)))
        process.start()
        return Running(process, out, errors)

    return start


def arm(url: str, **fault: Any) -> None:
    """Arm one of the venue's faults."""
    request = urllib.request.Request(f"{url}/control/faults", data=json.dumps(fault).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10):
        return


def move_market(url: str, minutes: int) -> None:
    """Move the venue's market clock forward."""
    with urllib.request.urlopen(f"{url}/control/clock", timeout=10) as answer:
        now = json.loads(answer.read())["market_ms"]
    wanted = json.dumps({"market_ms": now + minutes * 60_000}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/control/clock", data=wanted, method="POST"), timeout=60):
        return

"""The whole house as `huracan up` runs it: real processes over a small history, which can be killed all at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from huracan_platform.brain.connection import Brain
from tests.fakes.slack_server import TOKEN

HURACAN = [sys.executable, "-m", "huracan_platform.cli.main"]
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
TICKS = """
query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState { ticks(limit: 5) { status } } } }
}"""
OF_HOUSE = {"repositoryLocationName": "huracan", "repositoryName": "__repository__"}
T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], within_s: float, every_s: float = 0.25) -> T:
    """What `look` finds, as soon as it finds something."""
    give_up = time.monotonic() + within_s
    while True:
        if found := look():
            return found
        assert time.monotonic() < give_up, f"expected {what} within {within_s:g} s"
        time.sleep(every_s)


def free_port(start: int) -> int:
    """A port that stays free while nobody listens: below those that the system gives to connections."""
    for port in range(start + os.getpid() % 2_000, start + 6_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"expected a free port above {start}, got none")


@dataclass
class House:
    """`huracan up` with a home of its own; the venue and Slack are elsewhere and survive it."""

    home: Path
    brain: Brain
    venue_url: str
    slack_url: str
    settings: dict[str, str]
    database_port: int
    port: int = field(default_factory=lambda: free_port(24_000))
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Settings as its processes get them."""
        return {
            **os.environ, "HURACAN_HOME": str(self.home), "HURACAN_UI__PORT": str(self.port),
            "HURACAN_DATABASE__PORT": str(self.database_port),
            "HURACAN_VENUE__URL": self.venue_url, "HURACAN_VENUE__RATE_LIMIT": "false",
            "HURACAN_BROADCAST__SLACK_TOKEN": TOKEN, "HURACAN_BROADCAST__SLACK_CHANNEL": "C1",
            "HURACAN_BROADCAST__SLACK_API_URL": f"{self.slack_url}/api/", **self.settings,
        }

    def start(self) -> None:
        """`huracan up`; returns at once."""
        with (self.home / "up.log").open("ab") as said:
            self.process = subprocess.Popen([*HURACAN, "up", "--speed", "60"], env=self.environment, stdout=said, stderr=said)

    def command(self, *words: str) -> str:
        """Output of a `huracan` command."""
        done = subprocess.run([*HURACAN, *words], env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    def processes(self) -> list[int]:
        """Every process of the house, its Postgres and the workers of its runs included."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self._owns(entry):
                    found.append(int(entry.name))
            except OSError:  # ended meanwhile
                continue
        return found

    def _owns(self, entry: Path) -> bool:
        if f"HURACAN_HOME={self.home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
            return True
        return os.readlink(entry / "cwd").startswith(str(self.home / "postgres"))

    def kill(self) -> int:
        """SIGKILL for all at once, as when the machine fails; returns how many there were."""
        victims = self.processes()
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):  # with its parent
                os.kill(pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        wait_for("every process gone", lambda: not [p for p in self.processes() if p in victims], 10)
        return len(victims)

    def stop(self) -> int:
        """SIGTERM for `huracan up`; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=180)

    def graphql(self, query: str, **variables: Any) -> Any:
        """An answer of the web UI's own API."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def has_ticked(self, sensor: str) -> bool:
        """Whether the sensor has been evaluated since the database was made; False as well while the UI starts."""
        try:
            found = self.graphql(TICKS, sensor={**OF_HOUSE, "sensorName": sensor})["sensorOrError"]
        except OSError:
            return False
        return any(tick["status"] in ("SKIPPED", "SUCCESS") for tick in found.get("sensorState", {}).get("ticks", ()))

    def run_job(self, job: str, first: str, last: str, within_s: float = 120) -> str:
        """Launch a job over days as the UI does, and wait for its end; returns the run's id."""
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        params = {
            "selector": {**OF_HOUSE, "jobName": job}, "runConfigData": "{}",
            "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
        }
        answer = self.graphql(LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run_id = str(answer["run"]["runId"])
        over = ("SUCCESS", "FAILURE", "CANCELED")
        status = wait_for(f"{job} over", lambda: next((s for s in [self.status_of(run_id)] if s in over), None), within_s)
        assert status == "SUCCESS", f"{job} {first} to {last}: {status}"
        return run_id

    def status_of(self, run_id: str) -> str:
        """Dagster's status of a run."""
        return str(self.graphql(RUN, id=run_id)["runOrError"]["status"])

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the library."""
        with self.brain.connect() as connection:
            return connection.execute(text.encode(), values).fetchall()

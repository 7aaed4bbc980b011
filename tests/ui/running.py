"""`huracan up` in a process of its own, and what its web server answers."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UP_WITHIN_S = 180.0


@contextmanager
def running_up(environment: Mapping[str, str], url: str, log: Path) -> Iterator[None]:
    """Until the web UI at `url` has loaded the assets; it listens some seconds before. Stopped on the way out."""
    with log.open("w") as output:
        up = subprocess.Popen(
            [sys.executable, "-m", "huracan_platform.cli.main", "up"], env=environment, stdout=output, stderr=output
        )
        try:
            _wait_until_it_answers(url, up, log)
            yield
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=120)


def free_port() -> int:
    """One of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, query: str) -> dict[str, Any]:
    """The web server's answer to a GraphQL query."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{url}/graphql", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def _wait_until_it_answers(url: str, up: subprocess.Popen[bytes], log: Path) -> None:
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

"""Calls that cannot work end with one line that says why, an exit code of the documented list and no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

NOTHING_THERE = "http://127.0.0.1:1"


def huracan(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HURACAN_", "DAGSTER_"))}
    command = [sys.executable, "-m", "huracan_platform.cli.main", *words]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, timeout=120, check=False)


def expect_one_line(done: subprocess.CompletedProcess[str], code: int, told: str) -> None:
    """One error line, the right exit code."""
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.fixture
def taken() -> int:
    """A port that is listened on while the test runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_up_refuses_a_taken_port_before_it_starts_anything(tmp_path: Path, taken: int) -> None:
    done = huracan("up", HURACAN_HOME=str(tmp_path / "home"), HURACAN_UI__PORT=str(taken))
    expect_one_line(done, 2, f"HURACAN_UI__PORT: expected to listen on 127.0.0.1:{taken}, got Address already in use")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("command", ["demo", "up"])
def test_a_home_that_is_a_file_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "home").write_text("a file")
    expect_one_line(huracan(command, HURACAN_HOME=str(tmp_path / "home")), 78, "HURACAN_HOME: expected a writable folder")


@pytest.mark.parametrize(
    "words",
    [
        ("data", "backfill", "--from", "2025-01-01", "--to", "2025-01-01"),
        ("data", "load", "x.csv", "--symbol", "BTC/USDT:USDT"),
        ("live",),
    ],
)
def test_without_an_address_the_simulated_venue_is_not_looked_for_at_the_real_exchange(words: tuple[str, ...]) -> None:
    expect_one_line(huracan(*words), 78, "HURACAN_VENUE__URL: expected the address that `huracan venue` prints")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--seed", "-3", "seed: expected 0 or more, got -3"), ("--start", "foo", "start: expected a day like 2025-01-01"),
     ("--days", "0", "days: expected 1 to 2000, got 0"), ("--speed", "-1", "speed: expected 0 to 100000")],
)
def test_the_venue_refuses_options_out_of_bounds(option: str, value: str, told: str) -> None:
    expect_one_line(huracan("venue", "--port", "0", option, value), 78, told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("backfill", "--from", "yesterday", "--to", "2025-01-02"), "'--from': expected a day like 2025-01-31, got yesterday"),
        (("bars", "X", "--from", "2025-01-01", "--to", "1/2"), "'--to': expected a time like 2025-01-31T09:30, or a day"),
        (("impact", "X", "2025-13-01"), "expected a day like 2025-01-31, got 2025-13-01"),
    ],
)
def test_what_is_no_day_is_refused_with_an_example(words: tuple[str, ...], told: str) -> None:
    done = huracan("data", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_venue_says_that_its_port_is_taken(taken: int) -> None:
    told = f"expected to listen on 127.0.0.1:{taken}, got Address already in use"
    expect_one_line(huracan("venue", "--port", str(taken)), 2, told)

"""A process is gone when it ended, waits to be reaped, or when its number is another's by now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from huracan_platform.operations.lost_runs import CLOCK_STEP_S, is_gone

HOME = "/srv/huracan/dagster"


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A process that works for HOME until its input ends."""
    command = [sys.executable, "-c", "import sys; print('there', flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "DAGSTER_HOME": HOME}
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child


def test_a_process_that_runs_is_not_gone_and_one_that_ended_is(worker: subprocess.Popen[bytes]) -> None:
    assert not is_gone(worker.pid, time.time(), HOME)
    worker.communicate()
    assert is_gone(worker.pid, time.time(), HOME)


def test_one_that_ended_and_was_not_reaped_is_gone(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(worker.pid, time.time(), HOME)


def test_a_number_that_another_process_has_is_no_sign_of_life(worker: subprocess.Popen[bytes]) -> None:
    assert is_gone(worker.pid, time.time(), "/srv/another/dagster")
    assert is_gone(worker.pid, time.time() - CLOCK_STEP_S - 60, HOME)


def test_a_step_of_the_clock_ends_no_run(worker: subprocess.Popen[bytes]) -> None:
    assert not is_gone(worker.pid, time.time() - 1_800, HOME)

"""A process is gone when it ended, waits to be reaped, or when its number is another's by now."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from huracan_platform.operations.lost_runs import is_gone


def test_a_process_that_runs_is_not_gone_and_one_that_ended_is() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert not is_gone(child.pid, time.time() + 1)
    child.communicate()
    assert is_gone(child.pid, time.time() + 1)


def test_one_that_ended_and_was_not_reaped_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(child.pid, time.time() + 1)
    child.wait()


def test_a_number_that_a_later_process_has_is_no_sign_of_life() -> None:
    long_before_this_machine_booted = 1_000_000_000.0
    assert is_gone(os.getpid(), long_before_this_machine_booted)
    assert not is_gone(os.getpid(), time.time())

"""Whether the process that did some work is still there."""

from __future__ import annotations

import os
from pathlib import Path

_START_FIELD = 22 - 3  # of /proc/PID/stat, counted from the state, the first field after the name
# The boot's time follows the wall clock: after a step of it, or a pause of the machine, every process seems younger.
CLOCK_STEP_S = 3600.0


def is_gone(pid: int, seen_s: float, dagster_home: str) -> bool:
    """Whether the process that had this number at `seen_s` (Unix seconds) has ended. Only of processes of this machine.

    One that started much later is another's that was given the number, as happens after a reboot; so is one that does not
    work for this Dagster home.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    if fields[0] in ("Z", "X"):
        return True
    if not _works_for(pid, dagster_home):
        return True
    booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    started_s = int(booted.split()[1]) + int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    return started_s > seen_s + CLOCK_STEP_S


def _works_for(pid: int, dagster_home: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return b"DAGSTER_HOME=" + os.fsencode(dagster_home) in environment

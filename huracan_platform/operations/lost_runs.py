"""Whether the process that did some work is still there."""

from __future__ import annotations

import os
from pathlib import Path

_START_FIELD = 22 - 3  # of /proc/PID/stat, counted from the state, the first field after the name


def is_gone(pid: int, seen_s: float) -> bool:
    """Whether the process that had this number at `seen_s` (Unix seconds) has ended. Only of processes of this machine.

    One that started later is another's that was given the number, as happens after a reboot.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    if fields[0] in ("Z", "X"):
        return True
    booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    started_s = int(booted.split()[1]) + int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    return started_s > seen_s + 1.0  # the boot's time is known to the second

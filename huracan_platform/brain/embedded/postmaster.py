"""What `postmaster.pid` really says: a server that lives, one that was killed, or a stranger who got its number."""

from __future__ import annotations

import os
from pathlib import Path


def live_postmaster(data: Path) -> int | None:
    """Process id of the living server of a data folder, or None."""
    pid = _recorded_pid(data)
    return pid if pid is not None and _is_postgres(pid) else None


def discard_stale_pid_file(data: Path) -> None:
    """Remove `postmaster.pid` when its process is a zombie or no Postgres.

    Postgres itself clears the file of a process that is gone, but a killed server counts as running until its parent
    reaps it, which in a container without an init never happens, and after a reboot the number may be another's.
    A server whose backends still hold the shared memory is found out by Postgres at its start.
    """
    pid = _recorded_pid(data)
    if pid is not None and not _is_postgres(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _recorded_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _is_postgres(pid: int) -> bool:
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except FileNotFoundError:
        return _exists(pid) and not Path("/proc/self/stat").exists()
    return name == "postgres" and rest.split()[0] not in ("Z", "X")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

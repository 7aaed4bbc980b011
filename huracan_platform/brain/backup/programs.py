"""pg_dump and pg_restore, as clients of whatever server a DSN names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from huracan_platform.brain.embedded.postgres import Account, find_postgres
from huracan_platform.errors import PermanentError

LONGEST_COMPLAINT = 600


def dump(dsn: str, snapshot: str, file: Path) -> None:
    """Write a database, as one snapshot saw it, in pg_dump's own format.

    Raises
    ------
    PermanentError
        pg_dump's complaint.
    """
    # Owners and rights are made anew at the first opening; the roles of another server have other names and passwords.
    whole = ("--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges")
    _run("pg_dump", dsn, f"--snapshot={snapshot}", *whole, f"--file={file}")


def restore(dsn: str, file: Path) -> None:
    """Fill an empty database from a dump, all of it or nothing.

    Raises
    ------
    PermanentError
        pg_restore's complaint.
    """
    _run("pg_restore", dsn, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file))


def _run(program: str, dsn: str, *arguments: str) -> None:
    parts = urlsplit(dsn)
    # The password is handed over in the environment: arguments can be seen by everybody on the machine.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PGPASSWORD": unquote(parts.password or "")}
    netloc = parts.netloc.rpartition("@")[2]
    address = parts._replace(netloc=f"{parts.username or ''}@{netloc}").geturl()
    ourselves = Account(os.geteuid(), os.getegid(), switch=False)
    command = [str(find_postgres(ourselves).install / "bin" / program), f"--dbname={address}", *arguments]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PermanentError(f"{program}: expected to end well, got {done.stderr.strip()[-LONGEST_COMPLAINT:]}")

"""What a home remembers of its Postgres cluster: `database.json`, and the lock that its supervisors share."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from huracan_platform.errors import ConfigurationError, TransientError

ROLE = "huracan"


@dataclass(frozen=True)
class Cluster:
    """Folder, port and password: all one must know to reach the server."""

    root: str
    port: int
    password: str = field(repr=False)

    @property
    def data(self) -> Path:
        """Postgres' data folder; there is one when initdb has come to its end."""
        return Path(self.root) / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return Path(self.root) / "server.log"

    def dsn(self, database: str) -> str:
        """Loopback DSN of one of its databases, password included."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"

    def answers(self, database: str) -> bool:
        """Whether the server lets us into the database now. The password proves that it is ours.

        Raises
        ------
        TransientError
            It is ours, and all its connections are in use.
        """
        try:
            psycopg.connect(self.dsn(database), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "too many clients" in str(error):
                raise TransientError(f"embedded Postgres on port {self.port}: expected a free connection, got none") from None
            return False
        return True


class ClusterFile:
    """`<home>/database.json`, readable by its owner only, and `<home>/database.lock`."""

    def __init__(self, home: Path) -> None:
        self.path = home / "database.json"
        self._lock = home / "database.lock"

    def load(self) -> Cluster | None:
        """What is remembered; None when nothing is.

        Raises
        ------
        ConfigurationError
            The file is another's, or no JSON with the three fields.
        """
        try:
            return Cluster(**json.loads(self.path.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise ConfigurationError(f"{self.path}: expected to be readable by uid {os.geteuid()}, got no permission") from None
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{self.path}: expected JSON with root, port and password, got {error}") from None

    def save(self, cluster: Cluster) -> None:
        """Replace the file as a whole."""
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(cluster), file)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self.path)

    @contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Keep other supervisors of this home out. The kernel drops the lock when its holder dies, however it dies.

        Raises
        ------
        ConfigurationError
            The home is not writable.
        TransientError
            Another process held the lock for `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            handle = self._lock.open("w")
        except OSError as error:
            home = self._lock.parent
            raise ConfigurationError(f"HURACAN_HOME: expected a writable folder, got {home} ({error.strerror})") from None
        with handle:
            while not _try_lock(handle.fileno()):
                if time.monotonic() > deadline:
                    raise TransientError(f"{self._lock}: expected to be free within {timeout_s:g} s, another process holds it")
                time.sleep(0.05)
            yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

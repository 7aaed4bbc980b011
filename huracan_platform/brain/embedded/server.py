"""The embedded Postgres: one server per home, started when needed, stopped on request.

The server outlives the process that started it, so a killed owner costs nothing: the next one finds it running.
`<home>/database.json` (0600) holds what one must know to reach it: folder, port and password.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from huracan_platform.brain.embedded.cluster import ROLE, Cluster, ClusterFile
from huracan_platform.brain.embedded.postgres import (
    SYSTEM_FOLDER,
    Postgres,
    can_traverse,
    find_postgres,
    make_public,
    server_account,
)
from huracan_platform.brain.embedded.postmaster import discard_stale_pid_file, live_postmaster
from huracan_platform.errors import ConfigurationError, PermanentError, TransientError
from huracan_platform.logs import get_logger

BRAIN, DAGSTER = "brain", "dagster"
PORTS = range(25432, 29432)  # below the ephemeral range, so that no outgoing connection takes the port meanwhile
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "32MB",  # a pinned read of a million bars sorts in memory
    "random_page_cost": "1.1",  # solid-state disks: index order beats a scan and a sort
    "max_wal_size": "4GB",  # a backfill of months must not checkpoint every few seconds
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_parallel_workers_per_gather": "0",  # parallel scans need /dev/shm, 64 MB in a container, and two cores have better to do
    "jit": "off",
}
RETRYABLE = ("lock file", "shared memory block", "could not bind", "Address already in use")

log = get_logger("brain.server")


@dataclass(frozen=True)
class Endpoint:
    """Where the two databases are. The DSNs hold a password and stay out of repr()."""

    brain_dsn: str = field(repr=False)
    dagster_dsn: str = field(repr=False)


@dataclass(frozen=True)
class ServerStatus:
    """`absent`: never initialised. `port` and `data` as remembered, None when absent."""

    state: Literal["absent", "stopped", "running"]
    port: int | None = None
    data: str | None = None
    pid: int | None = None
    version: str | None = None


class EmbeddedServer:
    """Supervisor of the server of one home; any number of processes may use it at once.

    Parameters
    ----------
    home
        Folder of the installation; made when missing.
    port
        Fixed port on loopback; None picks a free one at the first start and keeps it while it stays free.
    run_as
        Account to run under when started as root.
    start_timeout_s
        Bound in seconds for waiting: for another starter, and for the server to answer.
    """

    def __init__(self, home: Path, *, port: int | None = None, run_as: str = "nobody", start_timeout_s: float = 60.0) -> None:
        self.home = home
        self._file = ClusterFile(home)
        self._port = port
        self._run_as = run_as
        self._timeout_s = start_timeout_s

    def ensure_running(self) -> Endpoint:
        """Start the server unless it answers already, make both databases, and return their DSNs.

        Raises
        ------
        ConfigurationError
            Home is not writable, is a copy of another, or the fixed port is taken.
        TransientError
            The server did not answer in time.
        PermanentError
            The server cannot start; the message ends with its log.
        """
        cluster = self._remembered()
        if cluster is None or not cluster.answers(BRAIN):
            with self._file.locked(self._timeout_s):
                cluster = self._remembered() or self._create()
                if not (cluster.data / "PG_VERSION").exists():
                    self._initialise(cluster)
                cluster = self._start(cluster)
                _make_databases(cluster)
        return Endpoint(cluster.dsn(BRAIN), cluster.dsn(DAGSTER))

    def stop(self) -> bool:
        """Stop the server and wait for it. False when it was not running."""
        if not self.home.exists():
            return False
        with self._file.locked(self._timeout_s):
            cluster = self._remembered()
            return cluster is not None and self._stop(Path(cluster.root))

    def status(self) -> ServerStatus:
        """What is there now; starts nothing."""
        cluster = self._remembered()
        if cluster is None:
            return ServerStatus("absent")
        known = ServerStatus("stopped", cluster.port, str(cluster.data))
        if not cluster.answers(BRAIN):
            return known
        with psycopg.connect(cluster.dsn(BRAIN)) as connection:
            version = str(connection.info.parameter_status("server_version"))
        return replace(known, state="running", pid=live_postmaster(cluster.data), version=version)

    def destroy(self) -> None:
        """Stop the server and delete its data. For tests and for people who mean it."""
        if not self.home.exists():
            return
        with self._file.locked(self._timeout_s):
            cluster = self._remembered()
            if cluster is not None:
                self._stop(Path(cluster.root))
                shutil.rmtree(cluster.root, ignore_errors=True)
                self._file.path.unlink()

    @cached_property
    def _postgres(self) -> Postgres:
        return find_postgres(server_account(self._run_as))

    def _remembered(self) -> Cluster | None:
        """What the home's file says, if it is this home's: a copy would open, and change, the database of the original."""
        cluster = self._file.load()
        if cluster is not None and Path(cluster.root).resolve() not in [root.resolve() for root in self._roots()]:
            raise ConfigurationError(
                f"{self._file.path}: expected the database of this home in {self._roots()[0]}, got {cluster.root}: the home was "
                "moved or copied. Correct root there, and give a copy another port; a copy made while the server ran is of no use"
            )
        return cluster

    def _roots(self) -> tuple[Path, Path]:
        """Where the cluster may be: in the home, or beside it where the server's account cannot enter the home."""
        return self.home / "postgres", SYSTEM_FOLDER / hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]

    def _create(self) -> Cluster:
        account, (inside, outside) = self._postgres.account, self._roots()
        if account.switch and not can_traverse(self.home, account):
            make_public(SYSTEM_FOLDER)
            root = outside
        else:
            root = inside
        if root.exists():
            self._set_aside(root)
        root.mkdir(mode=0o700)
        if account.switch:
            os.chown(root, account.uid, account.gid)
        cluster = Cluster(str(root), self._port or PORTS.start, secrets.token_hex(24))
        self._file.save(cluster)
        return cluster

    def _set_aside(self, root: Path) -> None:
        # The home lost its database.json, and with it the password. Orders may be in there: keep it, out of the way.
        self._stop(root)
        kept = next(p for n in range(10_000) if not (p := root.with_name(f"{root.name}.lost-{n}")).exists())
        root.rename(kept)
        log.warning("database without database.json set aside", kept=str(kept))

    def _initialise(self, cluster: Cluster) -> None:
        # In a folder of this try's own, renamed when done: a killed starter leaves an initdb behind that still writes.
        root, account = Path(cluster.root), self._postgres.account
        for leftover in root.glob("initialising-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        workplace = Path(tempfile.mkdtemp(prefix="initialising-", dir=root))
        password_file, data = workplace / "password", workplace / "data"
        password_file.write_text(cluster.password)
        if account.switch:
            os.chown(workplace, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        done = self._postgres.run(
            "initdb", "-D", str(data), "-U", ROLE, "-A", "scram-sha-256", f"--pwfile={password_file}",
            "-E", "UTF8", "--no-locale", cwd=root, timeout_s=self._timeout_s,
        )
        if done.returncode != 0:
            raise PermanentError(f"embedded Postgres: initdb failed in {root}: {done.stdout.strip()[-800:]}")
        data.rename(cluster.data)
        shutil.rmtree(workplace)

    def _start(self, cluster: Cluster) -> Cluster:
        deadline = time.monotonic() + self._timeout_s
        reason = "it does not answer"
        while not cluster.answers("postgres"):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"embedded Postgres in {cluster.root}: expected an answer within {self._timeout_s:g} s, but {reason}"
                )
            discard_stale_pid_file(cluster.data)
            if live_postmaster(cluster.data) is None:
                cluster = self._with_free_port(cluster)
                reason = self._launch(cluster)
            time.sleep(0.1)
        return cluster

    def _launch(self, cluster: Cluster) -> str:
        """One try. Returns the server's complaint when the next try may succeed, raises when none can."""
        seen = cluster.log.stat().st_size if cluster.log.exists() else 0
        options = " ".join(f"-c {name}={value or repr(value)}" for name, value in OPTIONS.items())
        started = self._postgres.run(
            "pg_ctl", "start", "-w", "-t", f"{self._timeout_s:.0f}", "-D", str(cluster.data), "-l", str(cluster.log),
            "-o", f"-p {cluster.port} {options}", cwd=Path(cluster.root), timeout_s=self._timeout_s + 10,
        )
        if started.returncode == 0:
            return "it does not answer"
        said = cluster.log.read_text(errors="replace")[seen:] if cluster.log.exists() else ""
        complaint = (said or started.stdout).strip()[-800:]
        if not any(sign in complaint for sign in RETRYABLE):
            raise PermanentError(f"embedded Postgres in {cluster.root} cannot start: {complaint}")
        return complaint

    def _with_free_port(self, cluster: Cluster) -> Cluster:
        if self._port is not None:
            if not _is_free(self._port):
                raise ConfigurationError(
                    f"HURACAN_DATABASE__PORT: expected a free port on 127.0.0.1, got {self._port}, which is in use"
                )
            port = self._port
        else:
            port = next((p for p in (cluster.port, *PORTS) if _is_free(p)), 0)
            if port == 0:
                raise TransientError(f"embedded Postgres: expected a free port in {PORTS.start}–{PORTS.stop - 1}, all are in use")
        if port != cluster.port:
            cluster = replace(cluster, port=port)
            self._file.save(cluster)
        return cluster

    def _stop(self, root: Path) -> bool:
        data = root / "data"
        discard_stale_pid_file(data)
        if live_postmaster(data) is None:
            return False
        done = self._postgres.run(
            "pg_ctl", "stop", "-w", "-m", "fast", "-t", f"{self._timeout_s:.0f}", "-D", str(data),
            cwd=root, timeout_s=self._timeout_s + 10,
        )
        if done.returncode != 0 and live_postmaster(data) is not None:
            said = done.stdout.strip()[-400:]
            raise TransientError(f"embedded Postgres in {root}: expected to stop within {self._timeout_s:g} s: {said}")
        return True


def _make_databases(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        # The Brain Library's comes last: once it answers, both are there.
        for name in (DAGSTER, BRAIN):
            if name not in there:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

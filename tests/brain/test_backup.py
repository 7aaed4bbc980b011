"""Backups of a whole home: restored elsewhere they hold the same rows and files, and say so by hash."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from huracan_platform.brain.backup.backup import MANIFEST, make_backup, restore_backup
from huracan_platform.brain.backup.fingerprint import fingerprints
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer, Endpoint
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.grants import roles_state
from huracan_platform.brain.migrate import migrate, pending_migrations
from huracan_platform.clock import to_datetime
from huracan_platform.contracts.backup import TableFingerprint
from huracan_platform.contracts.market import Pin
from huracan_platform.errors import DataContractError, PermanentError, TransientError
from tests.brain.batches import BTC, T0, candles

pytestmark = pytest.mark.slow

BARS, RECORDED = 3_000, T0 + 1_000_000_000
OLD_PIN = Pin(recorded_before=to_datetime(RECORDED))


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A home with a library: 3,000 bars of which ten were corrected, an orphan of Dagster's and two artefacts."""
    folder = Path(tempfile.mkdtemp(prefix="huracan-server-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "home")
    endpoint = server.ensure_running()
    brain = Brain(endpoint.brain_dsn)
    migrate(brain)
    bars = CandleRepository(brain)
    bars.upsert("v", candles(range(1, BARS + 1)), RECORDED)
    bars.upsert("v", candles([0.5] * 10, first=100), RECORDED + 1)
    with psycopg.connect(endpoint.dagster_dsn) as connection:
        connection.execute("CREATE TABLE event_logs (id serial PRIMARY KEY, event text)")
        connection.execute("INSERT INTO event_logs (event) VALUES ('one\nline'), (NULL), ('three')")
    _write(folder / "home" / "artefacts" / "models" / "ab" / "weights", b"\x00weights")
    _write(folder / "home" / "artefacts" / "features" / "day.parquet", b"rows")
    _write(folder / "home" / "artefacts" / ".partial" / "unfinished", b"half")
    yield server
    server.destroy()
    shutil.rmtree(folder)


@pytest.fixture
def other() -> Iterator[EmbeddedServer]:
    """A new home."""
    folder = Path(tempfile.mkdtemp(prefix="huracan-server-"))
    folder.chmod(0o755)
    yield EmbeddedServer(folder / "home")
    EmbeddedServer(folder / "home").destroy()
    shutil.rmtree(folder)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _read(endpoint: Endpoint, pin: Pin | None = None) -> list[float]:
    return list(CandleRepository(Brain(endpoint.brain_dsn)).read("v", [BTC], T0, T0 + 10 * 86_400_000, pin)[BTC].close)


def test_a_restored_home_answers_pinned_reads_as_before(server: EmbeddedServer, other: EmbeddedServer, tmp_path: Path) -> None:
    made = make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    assert made.databases["brain"]["candles"].rows == BARS
    assert made.databases["brain"]["candles_history"].rows == 10
    assert made.databases["dagster"]["event_logs"].rows == 3
    assert list(made.artefacts) == ["features/day.parquet", "models/ab/weights"]
    endpoint = other.ensure_running()
    assert restore_backup(tmp_path / "backup", endpoint, other.home / "artefacts") == made
    for pin in (None, OLD_PIN):
        assert _read(endpoint, pin) == _read(server.ensure_running(), pin)
    assert _read(endpoint)[100:110] == [0.5] * 10
    assert _read(endpoint, OLD_PIN)[100] == 101.0
    assert (other.home / "artefacts" / "models" / "ab" / "weights").read_bytes() == b"\x00weights"
    brain = Brain(endpoint.brain_dsn)
    assert pending_migrations(brain) == []
    migrate(brain)
    assert str(roles_state(brain)) == "ready"
    CandleRepository(brain).upsert("v", candles([9.0], first=BARS), RECORDED + 2)  # numbers go on where they were
    with psycopg.connect(endpoint.dagster_dsn) as connection:
        assert connection.execute("INSERT INTO event_logs (event) VALUES ('next') RETURNING id").fetchone() == (4,)


def test_what_is_written_during_a_backup_is_in_none_of_it(server: EmbeddedServer, other: EmbeddedServer, tmp_path: Path) -> None:
    brain, stop = Brain(server.ensure_running().brain_dsn), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            CandleRepository(brain).upsert("busy", candles([1.0], first=number), RECORDED + number)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    finally:
        stop.set()
        writer.join()
    assert restore_backup(tmp_path / "backup", other.ensure_running(), other.home / "artefacts") == made  # every table's hash
    with psycopg.connect(server.ensure_running().brain_dsn) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM candles").fetchone()
    assert rows > made.databases["brain"]["candles"].rows  # the writer went on while the dump was made


def test_a_changed_byte_of_the_backup_is_refused_before_anything_is_restored(
    server: EmbeddedServer, other: EmbeddedServer, tmp_path: Path
) -> None:
    make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    file = tmp_path / "backup" / "brain.dump"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(DataContractError, match=r"brain\.dump: expected SHA-256"):
        restore_backup(tmp_path / "backup", other.ensure_running(), other.home / "artefacts")
    with psycopg.connect(other.ensure_running().brain_dsn) as connection:
        assert fingerprints(connection) == {}


def test_a_table_that_differs_after_the_restore_is_named(server: EmbeddedServer, other: EmbeddedServer, tmp_path: Path) -> None:
    make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    manifest = tmp_path / "backup" / MANIFEST
    told = json.loads(manifest.read_text())
    told["databases"]["brain"]["candles"]["rows"] += 1
    manifest.write_text(json.dumps(told))
    with pytest.raises(DataContractError, match=r"restore of brain: expected candles as .*, got .*; 1 tables differ"):
        restore_backup(tmp_path / "backup", other.ensure_running(), other.home / "artefacts")


def test_a_home_with_data_is_never_restored_over(server: EmbeddedServer, tmp_path: Path) -> None:
    make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    with pytest.raises(PermanentError, match="expected no artefacts yet"):
        restore_backup(tmp_path / "backup", server.ensure_running(), server.home / "artefacts")
    with pytest.raises(PermanentError, match="expected an empty database brain, got"):
        restore_backup(tmp_path / "backup", server.ensure_running(), tmp_path / "artefacts")
    with pytest.raises(PermanentError, match="expected a folder that is not there yet"):
        make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)


def test_a_backup_that_fails_leaves_nothing_behind(server: EmbeddedServer, tmp_path: Path) -> None:
    endpoint = server.ensure_running()
    told: list[str] = []
    with pytest.raises((TransientError, PermanentError), match="no_such"):
        make_backup(
            replace(endpoint, dagster_dsn=endpoint.dagster_dsn.rpartition("/")[0] + "/no_such"), server.home / "artefacts",
            tmp_path / "backup", RECORDED, told.append,
        )
    assert "brain: rows" in told  # the first database had been dumped by then
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_backup_left_is_removed_by_the_next_one_and_a_running_one_is_let_be(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    left, told = tmp_path / ".backup.partial", list[str]()
    _write(left / "half.dump", b"half")
    running = os.open(left, os.O_RDONLY)
    fcntl.flock(running, fcntl.LOCK_EX)
    with pytest.raises(PermanentError, match=r"got .*/\.backup\.partial, which another backup does"):
        make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED)
    assert (left / "half.dump").exists()
    os.close(running)
    made = make_backup(server.ensure_running(), server.home / "artefacts", tmp_path / "backup", RECORDED, told.append)
    assert told[0] == f"anew: an unfinished backup in {left} is removed"
    assert sorted(made.files) == ["artefacts.tar", "brain.dump", "dagster.dump"]
    assert list(tmp_path.iterdir()) == [tmp_path / "backup"]


def test_a_fingerprint_sees_every_value_and_no_order_of_writing(server: EmbeddedServer) -> None:
    with psycopg.connect(server.ensure_running().dagster_dsn) as connection:
        def of(rows: str) -> TableFingerprint:
            connection.execute("DROP TABLE IF EXISTS probe")
            connection.execute("CREATE TABLE probe (a int, b text, c float8)")
            connection.execute(f"INSERT INTO probe VALUES {rows}".encode())
            return fingerprints(connection)["probe"]

        whole = of("(1, 'x', 0.1), (2, NULL, 'NaN')")
        assert of("(2, NULL, 'NaN'), (1, 'x', 0.1)") == whole
        others = ("(1, 'x', 0.1)", "(1, 'x', 0.1), (2, '', 'NaN')", "(1, 'x', 0.10000000000000002), (2, NULL, 'NaN')")
        assert whole not in map(of, others)
        connection.rollback()


def test_the_commands_tell_a_drill_and_refuse_what_is_no_backup(server: EmbeddedServer, tmp_path: Path) -> None:
    def huracan(*args: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "huracan_platform.cli.main", "db", *args]
        environment = {"PATH": "/usr/bin:/bin", "HURACAN_HOME": str(server.home), "TERM": "xterm"}
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=120, check=False
        )

    done = huracan("backup", str(tmp_path / "backup"), "--drill")
    assert (done.returncode, done.stderr) == (0, "")
    assert "restored once for the drill, every hash equal" in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "backup"]
    reader, terminal = os.openpty()
    assert huracan("backup", str(tmp_path / "second"), stderr=terminal).returncode == 0
    os.close(terminal)
    shown = os.read(reader, 1 << 16).decode()
    assert "backing up: " in shown
    assert shown.count("\n") <= 1  # one line, which is gone at the end
    password = json.loads((server.home / "database.json").read_text())["password"]
    assert password not in done.stdout + done.stderr
    done = huracan("restore", str(tmp_path))
    assert done.returncode == 2
    assert "expected a folder with manifest.json" in done.stderr

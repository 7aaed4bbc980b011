"""The embedded server: whatever was killed, taken or forbidden, what follows is a working server or a clear error."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from huracan_platform.brain.embedded import postgres
from huracan_platform.brain.embedded.postgres import Account, can_traverse, find_postgres, server_account
from huracan_platform.brain.embedded.server import EmbeddedServer, Endpoint
from huracan_platform.errors import ConfigurationError, PermanentError

pytestmark = pytest.mark.slow

ROOT = os.geteuid() == 0
STARTER = """
import os, signal, sys
from pathlib import Path
from huracan_platform.brain.embedded.server import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
print(server.ensure_running().brain_dsn, flush=True)
if sys.argv[2:] == ["die"]:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def starter(home: Path, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", STARTER, str(home), *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def works(endpoint: Endpoint) -> bool:
    for dsn in (endpoint.brain_dsn, endpoint.dagster_dsn):
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TEMPORARY TABLE t (x int)")
    return True


def postmaster(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def test_a_fresh_home_gets_a_server_with_two_databases_that_stops_when_told(home: Path) -> None:
    server = EmbeddedServer(home)
    assert server.status().state == "absent"
    endpoint = server.ensure_running()
    assert works(endpoint)
    assert server.status().state == "running"
    assert server.stop() is True
    assert server.status().state == "stopped"
    assert server.stop() is False
    assert server.ensure_running() == endpoint


def test_the_password_is_needed_and_kept_from_others(home: Path) -> None:
    server = EmbeddedServer(home)
    endpoint = server.ensure_running()
    state = home / "database.json"
    password = json.loads(state.read_text())["password"]
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert password not in repr(endpoint)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(endpoint.brain_dsn.replace(password, "wrong"))


@pytest.mark.skipif(not ROOT, reason="only root runs the server under another account")
def test_root_runs_the_server_under_an_unprivileged_account(home: Path) -> None:
    server = EmbeddedServer(home)
    server.ensure_running()
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0


@pytest.mark.skipif(not ROOT, reason="only root can leave a home that the server's account cannot enter")
def test_a_home_that_the_account_cannot_enter_gets_its_data_elsewhere(home: Path) -> None:
    home.parent.chmod(0o700)
    server = EmbeddedServer(home)
    assert works(server.ensure_running())
    data = Path(str(server.status().data))
    assert data.is_relative_to("/var/lib/huracan")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.skipif(not ROOT, reason="only root can leave a home that the server's account cannot enter")
def test_a_wiped_home_starts_empty_and_the_old_data_is_kept_aside(home: Path) -> None:
    home.parent.chmod(0o700)
    server = EmbeddedServer(home)
    with psycopg.connect(server.ensure_running().brain_dsn) as connection:
        connection.execute("CREATE TABLE orders_of_old (x int)")
    root = Path(str(server.status().data)).parent
    shutil.rmtree(home)
    with psycopg.connect(EmbeddedServer(home).ensure_running().brain_dsn) as connection:
        assert connection.execute("SELECT to_regclass('orders_of_old')").fetchone() == (None,)
    kept = root.with_name(f"{root.name}.lost-0")
    assert (kept / "data" / "PG_VERSION").exists()
    shutil.rmtree(kept)


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
def test_an_unprivileged_user_runs_the_server_directly(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    programs = find_postgres(Account(0, 0, switch=False)).install / "bin"
    if not can_traverse(programs, Account(nobody.pw_uid, nobody.pw_gid, switch=True)):
        pytest.skip("this checkout lies where other accounts cannot read")
    # A fork: the interpreter itself may lie where another account cannot start it.
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            EmbeddedServer(home).ensure_running()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    server = EmbeddedServer(home)
    assert works(server.ensure_running())
    assert Path(f"/proc/{postmaster(server)}").stat().st_uid == nobody.pw_uid


@pytest.mark.skipif(not ROOT, reason="only root runs the programs under another account")
def test_programs_that_the_account_cannot_reach_are_copied_and_work_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home.parent / "system"
    monkeypatch.setattr(postgres, "SYSTEM_FOLDER", elsewhere)
    monkeypatch.setattr(postgres, "can_traverse", lambda path, account: False)
    programs = find_postgres(server_account("nobody"))
    assert programs.install.is_relative_to(elsewhere)
    assert "18" in programs.run("postgres", "--version", cwd=home.parent, timeout_s=10).stdout
    assert find_postgres(server_account("nobody")) == programs
    assert works(EmbeddedServer(home).ensure_running())


def test_four_starters_at_once_all_get_the_same_working_server(home: Path) -> None:
    children = [starter(home) for _ in range(4)]
    said = {child.communicate(timeout=90)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0] * 4, said
    assert len(said) == 1
    assert works(EmbeddedServer(home).ensure_running())


def test_the_server_outlives_a_killed_owner(home: Path) -> None:
    child = starter(home, "die")
    said, _ = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    server = EmbeddedServer(home)
    before = postmaster(server)
    assert server.ensure_running().brain_dsn == said.strip()
    assert postmaster(server) == before


def test_an_owner_killed_while_it_starts_the_server_leaves_one_that_can_be_had(home: Path) -> None:
    for delay in (0.25, 0.5, 0.8, 1.1):  # during import, initdb and start
        child = starter(home)
        time.sleep(delay)
        child.kill()
        child.communicate(timeout=10)
        assert works(EmbeddedServer(home).ensure_running())
        EmbeddedServer(home).destroy()


def test_a_killed_postmaster_is_replaced_and_loses_nothing_committed(home: Path) -> None:
    server = EmbeddedServer(home)
    with psycopg.connect(server.ensure_running().brain_dsn) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    os.kill(postmaster(server), signal.SIGKILL)
    with psycopg.connect(server.ensure_running().brain_dsn) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (1,)


def test_a_pid_file_with_the_number_of_a_stranger_does_not_stop_the_start(home: Path) -> None:
    server = EmbeddedServer(home)
    server.ensure_running()
    data = Path(str(server.status().data))
    pid_file = (data / "postmaster.pid").read_text()
    server.stop()
    _, rest = pid_file.split("\n", 1)
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")
    assert server.status().state == "stopped"
    assert works(server.ensure_running())


def test_a_taken_port_is_named_when_it_was_asked_for_and_avoided_when_not(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"HURACAN_DATABASE__PORT: expected a free port on 127.0.0.1, got {port}"):
            EmbeddedServer(home, port=port).ensure_running()
        endpoint = EmbeddedServer(home).ensure_running()
    assert f":{port}/" not in endpoint.brain_dsn
    assert works(endpoint)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"HURACAN_HOME: expected a writable folder, got .*/file/home"):
        EmbeddedServer(tmp_path / "file" / "home").ensure_running()


def test_a_copy_of_a_home_does_not_open_the_database_of_the_original(home: Path) -> None:
    server = EmbeddedServer(home)
    server.ensure_running()
    copy = home / "copy"
    copy.mkdir()
    shutil.copy(home / "database.json", copy)
    for act in (EmbeddedServer(copy).ensure_running, EmbeddedServer(copy).stop, EmbeddedServer(copy).destroy):
        with pytest.raises(ConfigurationError, match=rf"expected the database of this home in {copy}/postgres, got"):
            act()
    assert server.status().state == "running"


def test_a_damaged_state_file_is_named(home: Path) -> None:
    home.mkdir()
    (home / "database.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"database.json: expected JSON with root, port and password"):
        EmbeddedServer(home).ensure_running()
    (home / "database.json").unlink()


def test_damaged_data_ends_in_an_error_with_the_log_at_once(home: Path) -> None:
    server = EmbeddedServer(home)
    server.ensure_running()
    server.stop()
    (Path(str(server.status().data)) / "postgresql.conf").write_text("shared_buffers = a lot\n")
    with pytest.raises(PermanentError, match=r"cannot start: .*syntax error"):
        server.ensure_running()


@pytest.mark.skipif(not ROOT, reason="only root needs another account")
@pytest.mark.parametrize("account", ["no-such-account", "root"])
def test_an_impossible_account_is_named(home: Path, account: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HURACAN_DATABASE__RUN_AS: expected .* got '{account}'"):
        EmbeddedServer(home, run_as=account).ensure_running()

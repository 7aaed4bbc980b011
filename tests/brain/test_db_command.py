"""`huracan db`: what a person types, with its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def huracan(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "huracan_platform.cli.main", *args]
    environment = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_up_status_and_down_tell_the_state_and_never_the_password(home: Path) -> None:
    here = {"HURACAN_HOME": str(home)}
    assert json.loads(huracan("db", "status", "--json", **here).stdout)["state"] == "absent"
    assert huracan("db", "up", **here).returncode == 0
    status = huracan("db", "status", "--json", **here).stdout
    report = json.loads(status)
    assert (report["state"], report["pending"], report["roles"]) == ("running", [], "ready")
    assert report["size_bytes"] > 1_000_000
    assert json.loads((home / "database.json").read_text())["password"] not in status
    assert json.loads(huracan("db", "migrate", "--json", **here).stdout) == {"applied": [], "roles": "ready"}
    assert huracan("db", "down", **here).stdout.strip() == "stopped"
    assert json.loads(huracan("db", "status", "--json", **here).stdout)["state"] == "stopped"


def test_a_dead_database_ends_with_the_exit_code_of_a_transient_error(tmp_path: Path) -> None:
    done = huracan("db", "status", HURACAN_HOME=str(tmp_path), HURACAN_DATABASE__DSN="postgresql://a:sesame@127.0.0.1:1/x")
    assert done.returncode == 75
    assert "127.0.0.1:1/x" in done.stderr
    assert "sesame" not in done.stderr

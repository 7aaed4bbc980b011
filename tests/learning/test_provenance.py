from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from huracan_platform.learning.models.provenance import collect_provenance


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_revision_dirt_and_lock_are_those_of_the_checkout(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==2\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    clean = collect_provenance(tmp_path)
    assert (clean.git_revision, clean.git_dirty) == (git(tmp_path, "rev-parse", "HEAD"), False)
    assert clean.lock_hash == hashlib.sha256(b"numpy==2\n").hexdigest()
    lock.write_text("numpy==3\n")
    dirty = collect_provenance(tmp_path)
    assert (dirty.git_dirty, dirty.lock_hash) == (True, hashlib.sha256(b"numpy==3\n").hexdigest())


def test_without_a_checkout_the_revision_is_unknown_and_not_an_error(tmp_path: Path) -> None:
    found = collect_provenance(tmp_path)
    assert (found.git_revision, found.git_dirty, found.lock_hash) == (None, None, None)
    assert found.environment["numpy"] != "not installed"

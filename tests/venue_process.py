"""A real venue in a process of its own, for tests that reach it over TCP."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

READY = "venue ready "


@contextmanager
def running_venue(
    *, days: int = 3, seed: int = 7, symbols: str = "BTC/USDT:USDT,ETH/USDT:USDT,SOL/USDT:USDT", speed: float = 0.0,
    replay: Path | str | None = None, start: str | None = None, limits: bool = False, protocol: str = "binance",
    begins: str = "", ends: str = "",
) -> Iterator[str]:
    """Start `huracan venue` on a free port, yield its base URL, end it by its pid.

    `days` of history before the market's now; `speed` in market seconds per wall second, 0 pauses the market.
    With `replay`, `symbols` "" takes those recorded.
    """
    command = [
        sys.executable, "-m", "huracan_platform.cli.main", "venue", "--port", "0", "--seed", str(seed), "--days", str(days),
        "--speed", str(speed), "--limits" if limits else "--no-limits", "--protocol", protocol,
    ]
    if symbols:
        command += ["--symbols", symbols]
    if replay is not None:
        command += ["--replay", str(replay)]
    if start is not None:
        command += ["--start", start]
    command += ["--begins", begins, "--ends", ends]
    with _serving(command) as (url, _errors):
        yield url


@contextmanager
def running_mirror(source: str, *, symbols: str, days: int = 1) -> Iterator[tuple[str, IO[str]]]:
    """Start `huracan venue --mirror` of the venue at `source`; yield its base URL and what it says on stderr."""
    command = [
        sys.executable, "-m", "huracan_platform.cli.main", "venue", "--port", "0", "--no-limits", "--mirror", source,
        "--symbols", symbols, "--days", str(days),
    ]
    with _serving(command) as served:
        yield served


@contextmanager
def _serving(command: list[str]) -> Iterator[tuple[str, IO[str]]]:
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(READY):
                process.wait(timeout=10)
                errors.seek(0)
                raise RuntimeError(f"expected {READY!r}, got {line!r}, exit code {process.returncode}: {errors.read()}")
            yield line.removeprefix(READY).strip(), errors
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

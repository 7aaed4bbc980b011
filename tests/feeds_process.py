"""The synthetic feeds in a process of their own, at the market time of a simulated venue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READY = "feeds ready "


@contextmanager
def running_feeds(venue_url: str, *, symbols: str) -> Iterator[str]:
    """Start `huracan feeds` on a free port, yield its base URL, end it by its pid."""
    process = subprocess.Popen(
        [sys.executable, "-m", "huracan_platform.cli.main", "feeds"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "HURACAN_VENUE__URL": venue_url, "HURACAN_SYMBOLS": symbols},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(READY), line
        yield line.removeprefix(READY).strip()
    finally:
        process.terminate()
        process.wait(timeout=10)

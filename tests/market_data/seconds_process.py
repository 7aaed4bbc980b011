"""The recorder of trades and books as a process of its own, and what it left in a library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.seconds import BookSecondRepository, TradeSecondRepository
from huracan_platform.contracts.microstructure import BookSeconds, TradeSeconds
from huracan_platform.contracts.recording import Recording
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
FOR_EVER = 4_000_000_000_000


class Library:
    """What the recorder left of a venue."""

    def __init__(self, brain: Brain, url: str, ccxt_id: str = "binanceusdm") -> None:
        self._brain = brain
        self.market = MarketData(Settings(venue={"url": url, "rate_limit": False, "ccxt_id": ccxt_id}))

    def ledger(self, dataset: str, symbol: str = BTC) -> list[Recording]:
        return RecordingLedger(self._brain).between(dataset, 0, FOR_EVER, source=self.market.venue, symbol=symbol)

    def trades(self, symbol: str = BTC) -> TradeSeconds:
        return TradeSecondRepository(self._brain).read(self.market.venue, [symbol], 0, FOR_EVER)[symbol]

    def book(self, symbol: str = BTC) -> BookSeconds:
        return BookSecondRepository(self._brain).read(self.market.venue, [symbol], 0, FOR_EVER)[symbol]


@contextmanager
def recording(brain: Brain, url: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, with `more` in its environment; it ends well when it is asked to."""
    assert brain.dsn
    environment = {
        **os.environ, "HURACAN_VENUE__URL": url, "HURACAN_VENUE__RATE_LIMIT": "false", "HURACAN_DATABASE__DSN": brain.dsn,
        "HURACAN_SYMBOLS": f"{BTC},{ETH}", "HURACAN_MICROSTRUCTURE__FLUSH_S": "0.5", "HURACAN_MICROSTRUCTURE__LAG_MS": "1500",
        **more,
    }
    process = subprocess.Popen([sys.executable, "-m", "huracan_platform.cli.main", "record", "book"], env=environment)
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("expected the recorder to get there within a minute")


def recorded_ms(run: Recording) -> int:
    return run.until_ms - run.began_ms


def covered(runs: list[Recording]) -> set[int]:
    """The seconds that the ledger calls recorded."""
    return {ts for run in runs for ts in range(run.began_ms, run.until_ms, 1000)}

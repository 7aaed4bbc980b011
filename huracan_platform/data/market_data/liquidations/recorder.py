"""Writes down liquidations as they come, and in the ledger when it was there to hear them."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import Clock, day_of
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.data.market_data.contract import frame_of_rows, refused_batch
from huracan_platform.errors import TransientError
from huracan_platform.failpoints import Failpoint, reach
from huracan_platform.logs import get_logger
from huracan_platform.settings import LiquidationSettings
from huracan_platform.venues.liquidation_feed import Heard

DATASET = "liquidations"
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.5, 30.0
_log = get_logger("market_data.liquidations")


@dataclass
class _Connection:
    """What came on one connection since the last write. `began_ms` is its first frame's time, 0 before that."""

    began_ms: int = 0
    until_ms: int = 0
    recording: int | None = None
    liquidations: list[Liquidation] = field(default_factory=list)
    refused: list[Heard] = field(default_factory=list)


class LiquidationRecorder:
    """Holds a connection and begins a new recording with each; between two of them is a gap.

    Parameters
    ----------
    connect
        Opens a connection and yields its frames until it breaks with `TransientError`.
    clock
        The wire clock stamps what is written.
    """

    def __init__(
        self, brain: Brain, exchange: str, connect: Callable[[], AsyncIterator[Heard]], clock: Clock,
        settings: LiquidationSettings, rng: random.Random | None = None,
    ) -> None:
        self._exchange, self._connect, self._clock, self._settings = exchange, connect, clock, settings
        self._store, self._ledger, self._books = LiquidationRepository(brain), RecordingLedger(brain), QualityRepository(brain)
        self._rng = rng or random.Random()
        self._writing = threading.Lock()  # a write that was under way when the recorder was cancelled goes on beside the last
        self.recorded = 0

    async def run(self) -> None:
        """Until cancelled. What came is written before it ends."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            connection = _Connection()
            ended = "the recorder was stopped"
            try:
                await self._hear(connection)
            except TransientError as error:
                ended = str(error)
                _log.warning("stream lost", exchange=self._exchange, error=ended)
            finally:
                await self._write_at_last(connection, ended)
            backoff_s = BACKOFF_FIRST_S if connection.began_ms else min(2 * backoff_s, BACKOFF_LAST_S)
            await asyncio.sleep(backoff_s * (0.5 + self._rng.random()))

    async def _hear(self, connection: _Connection) -> None:
        due_ms = self._clock.wire_ms()
        async for heard in self._connect():
            if heard.event_ms:
                connection.began_ms = connection.began_ms or heard.event_ms
                connection.until_ms = heard.event_ms
            connection.liquidations += heard.liquidations
            if heard.refused is not None:
                connection.refused.append(heard)
            if self._clock.wire_ms() >= due_ms:
                await asyncio.to_thread(self._write, connection, None)
                due_ms = self._clock.wire_ms() + int(1000 * self._settings.flush_s)

    async def _write_at_last(self, connection: _Connection, ended: str) -> None:
        try:
            await asyncio.shield(asyncio.to_thread(self._write, connection, ended))
        except TransientError as error:  # the library is away: the ledger ends at the last write, the rest is a gap
            _log.error("not written", exchange=self._exchange, lost=len(connection.liquidations), error=str(error))

    def _write(self, connection: _Connection, ended: str | None) -> None:
        """Rows before the ledger: a time is never called recorded before its rows are there."""
        with self._writing:
            if connection.began_ms:
                self._put(connection, ended)

    def _put(self, connection: _Connection, ended: str | None) -> None:
        wire_ms = self._clock.wire_ms()
        if connection.liquidations:
            self.recorded += self._store.save(connection.liquidations, wire_ms)
            connection.liquidations.clear()
            reach(Failpoint.AFTER_RECORDED_BEFORE_LEDGER)
        for heard in connection.refused:
            reason, day = heard.refused or "", day_of(connection.until_ms)
            rows = frame_of_rows([heard.raw])
            self._books.quarantine(
                self._exchange, refused_batch(DATASET, self._exchange, day, rows, reason, "stream"), wire_ms
            )
        connection.refused.clear()
        if connection.recording is None:
            connection.recording = self._ledger.begin(self._exchange, DATASET, connection.began_ms, wire_ms)
        self._ledger.extend(connection.recording, connection.until_ms, wire_ms, ended=ended)

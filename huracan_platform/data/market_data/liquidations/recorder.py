"""Writes down liquidations as they come, and in the ledger when it was there to hear them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.clock import Clock
from huracan_platform.contracts.recording import RECORDING, STOPPED, TRYING
from huracan_platform.data.market_data.liquidations.book import DATASET, Connection, LiquidationBook
from huracan_platform.errors import TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import LiquidationSettings
from huracan_platform.venues.liquidation_feed import Heard

BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.5, 30.0
_log = get_logger("market_data.liquidations")


class LiquidationRecorder:
    """Holds a connection and begins a new recording with each; between two of them is a gap.

    While the library takes no writes what comes is kept in memory, up to `most_waiting` of the settings, and written when it
    does again.

    Parameters
    ----------
    connect
        Opens a connection and yields its frames until it breaks with `TransientError`.
    clock
        The wire clock stamps what is written.
    sleep
        Waits so many seconds before the next connection.
    """

    def __init__(
        self, brain: Brain, exchange: str, connect: Callable[[], AsyncIterator[Heard]], clock: Clock,
        settings: LiquidationSettings, rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._exchange, self._connect, self._clock, self._settings, self._sleep = exchange, connect, clock, settings, sleep
        self._book, self._beats = LiquidationBook(brain, exchange, clock, settings), RecorderBeats(brain)
        self._rng = rng or random.Random()
        self._frames = 0
        self._flush: asyncio.Task[None] | None = None

    @property
    def recorded(self) -> int:
        """Liquidations written that were new."""
        return self._book.recorded

    async def run(self) -> None:
        """Until cancelled. What came is written before it ends."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            connection = self._book.open()
            state, ended = STOPPED, "the recorder was stopped"
            try:
                await self._hear(connection)
            except TransientError as error:
                state, ended = TRYING, str(error)
                _log.warning("stream lost", exchange=self._exchange, error=ended)
            finally:
                connection.ended = ended
                await self._write_at_last(state, connection)
            backoff_s = BACKOFF_FIRST_S if connection.began_ms else min(2 * backoff_s, BACKOFF_LAST_S)
            await self._sleep(backoff_s * (0.5 + self._rng.random()))

    async def _hear(self, connection: Connection) -> None:
        due_ms = self._clock.wire_ms()
        async for heard in self._connect():
            connection.take(heard)
            self._frames += 1
            if self._clock.wire_ms() >= due_ms and (self._flush is None or self._flush.done()):
                self._book.bound()
                self._flush = asyncio.create_task(self._write(RECORDING, connection))
                due_ms = self._clock.wire_ms() + int(1000 * self._settings.flush_s)
            if self._flush is not None and self._flush.done():
                self._flush.result()

    async def _write_at_last(self, state: str, connection: Connection) -> None:
        flush, self._flush = self._flush, None
        if flush is not None:
            await asyncio.gather(flush, return_exceptions=True)
        await asyncio.shield(self._write(state, connection))
        if state == STOPPED and self._book.waiting:
            _log.error("not written", exchange=self._exchange, lost=self._book.waiting)

    async def _write(self, state: str, connection: Connection) -> None:
        """A library that takes nothing is noted and asked again with the next write."""
        try:
            await asyncio.to_thread(self._book.write)
            await asyncio.to_thread(
                self._beats.beat, self._exchange, DATASET, self._clock.wire_ms(), state=state,
                heard_ms=connection.until_ms or None, frames=self._frames, said=connection.ended or "",
            )
        except TransientError as error:
            _log.error("library takes no writes", exchange=self._exchange, waiting=self._book.waiting, error=str(error))

"""Holds a connection, has its messages summed per second, and has what is final written."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.clock import Clock
from huracan_platform.contracts.recording import RECORDING, STOPPED, TRYING
from huracan_platform.data.market_data.book.local_book import LocalBook
from huracan_platform.data.market_data.book.summary import BookSummary
from huracan_platform.data.market_data.microstructure.writer import SecondsWriter
from huracan_platform.data.market_data.trades.summary import TradeSummary
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import MicrostructureSettings
from huracan_platform.venues.microstructure.feed import Frame
from huracan_platform.venues.microstructure.streams import Dataset, Streams

BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.5, 30.0
LOOK_MS = 250  # wall time between two looks at what has settled
_log = get_logger("market_data.microstructure")


class SecondsRecorder:
    """Trades or books of some symbols at one venue; a new recording for each symbol after every loss.

    Parameters
    ----------
    connect
        Opens a connection and yields its frames until it breaks with `TransientError`.
    clock
        The wire clock stamps what is written; None of it decides what is in a second.
    arrived_ms
        Market time at the place of the recorder. Where it lags the venue's own times, those count.
    """

    def __init__(
        self, brain: Brain, venue: str, dataset: Dataset, symbols: Sequence[str], streams: Streams,
        connect: Callable[[], AsyncIterator[Frame]], clock: Clock, settings: MicrostructureSettings,
        *, arrived_ms: Callable[[], int], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._venue, self._dataset, self._symbols, self._streams = venue, dataset, tuple(symbols), streams
        self._connect, self._clock, self._settings, self._sleep = connect, clock, settings, sleep
        self._arrived = arrived_ms
        self._writer = SecondsWriter(brain, venue, dataset, symbols, clock, settings.most_waiting)
        self._beats, self._rng = RecorderBeats(brain), random.Random()
        self._summaries: dict[str, BookSummary | TradeSummary] = {}
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._heard_ms = 0  # the newest time of any message on the connection
        self._past: deque[tuple[int, int]] = deque()  # wire time, newest time heard by then
        self._flush: asyncio.Task[None] | None = None

    @property
    def written(self) -> int:
        """Seconds written that were new or changed."""
        return self._writer.written

    async def run(self) -> None:
        """Until cancelled. What is final is written before it ends."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            state, ended = STOPPED, "the recorder was stopped"
            self._open()
            try:
                await self._hear()
            except TransientError as error:
                state, ended = TRYING, str(error)
                _log.warning("stream lost", venue=self._venue, dataset=self._dataset, error=ended)
            finally:
                await self._close(state, ended)
            backoff_s = BACKOFF_FIRST_S if self._heard_ms else min(2 * backoff_s, BACKOFF_LAST_S)
            await self._sleep(backoff_s * (0.5 + self._rng.random()))

    def _open(self) -> None:
        self._heard_ms = 0
        self._past.clear()
        self._summaries = {symbol: self._summary(symbol) for symbol in self._symbols}

    def _summary(self, symbol: str) -> BookSummary | TradeSummary:
        rule, runs = self._settings, self._writer.runs
        if self._dataset == "trades":
            return TradeSummary(symbol, runs, settle_ms=rule.settle_ms, correct_ms=1000 * rule.correct_s)
        book = LocalBook(self._streams.snapshot_levels, rule.most_levels, windowed=self._streams.windowed)
        streams = self._streams
        return BookSummary(
            symbol, book, runs, settle_ms=rule.settle_ms, aligned=streams.aligned, keeps_early=not streams.tells_books
        )

    async def _hear(self) -> None:
        flush_ms, look_ms = self._clock.wire_ms(), 0
        async for frame in self._connect():
            wire_ms = self._clock.wire_ms()
            if frame.refused is not None:
                self._writer.refuse(frame.raw, frame.refused, self._heard_ms)
            for message in frame.messages:
                self._heard_ms = max(self._heard_ms, message.ts_ms)
                summary = self._summaries[message.symbol]
                summary.hear(message, max(self._arrived(), self._heard_ms))  # type: ignore[arg-type]
                if isinstance(summary, BookSummary) and summary.needs_snapshot:
                    self._ask(summary)
            if wire_ms >= look_ms:
                look_ms = wire_ms + LOOK_MS
                self._look(wire_ms)
            if wire_ms >= flush_ms and (self._flush is None or self._flush.done()):
                if self._flush is not None:
                    self._flush.result()  # what no later write can mend ends the recorder, and is seen
                flush_ms = wire_ms + int(1000 * self._settings.flush_s)
                self._writer.bound()
                self._flush = asyncio.create_task(self._write(RECORDING, ""))

    def _look(self, wire_ms: int) -> None:
        """Tell the summaries what was heard long enough ago, and hear whether a book could not be had."""
        self._past.append((wire_ms, self._heard_ms))
        settled_ms = 0
        while self._past and self._past[0][0] <= wire_ms - self._settings.lag_ms:
            settled_ms = self._past.popleft()[1]
        if settled_ms:
            for summary in self._summaries.values():
                summary.advance(settled_ms, max(self._arrived(), self._heard_ms))
        for symbol, task in list(self._asked.items()):
            if task.done():
                del self._asked[symbol]
                task.result()

    def _ask(self, summary: BookSummary) -> None:
        if summary.symbol not in self._asked:
            self._asked[summary.symbol] = asyncio.create_task(self._fetch(summary))

    async def _fetch(self, summary: BookSummary) -> None:
        """A whole book, asked for until it comes."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                snapshot = await self._streams.snapshot(summary.symbol)
            except (TransientError, DataContractError) as error:
                _log.warning("no book", venue=self._venue, symbol=summary.symbol, error=str(error))
            else:
                if snapshot is not None:
                    summary.hear(snapshot, max(self._arrived(), self._heard_ms))
                else:
                    await self._begun(summary)
                return
            await self._sleep(backoff_s * (0.5 + self._rng.random()))
            backoff_s = min(2 * backoff_s, BACKOFF_LAST_S)

    async def _begun(self, summary: BookSummary) -> None:
        """Wait for the book that its stream begins with; a lost one comes by joining anew, one that never comes by connecting."""
        asked, waited_s = False, 0.0
        while summary.needs_snapshot:
            if summary.lost and not asked:
                self._streams.rejoin(summary.symbol)
                asked, waited_s = True, 0.0
            if waited_s >= self._settings.stale_s:
                raise TransientError(f"book {summary.symbol}: expected a whole book within {waited_s:g} s, got none")
            await self._sleep(LOOK_MS / 1000)
            waited_s += LOOK_MS / 1000

    async def _close(self, state: str, ended: str) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        self._asked.clear()
        for summary in self._summaries.values():
            if summary.late or summary.duplicates:
                _log.info("out of order", symbol=summary.symbol, late=summary.late, duplicates=summary.duplicates)
            summary.end(ended)
        flush, self._flush = self._flush, None
        if flush is not None:
            await asyncio.gather(flush, return_exceptions=True)
        await asyncio.shield(self._write(state, "" if state == STOPPED else ended))
        if state == STOPPED and self._writer.waiting:
            _log.error("not written", venue=self._venue, dataset=self._dataset, lost_s=self._writer.waiting)

    async def _write(self, state: str, said: str) -> None:
        """A library that takes nothing is noted and asked again with the next write."""
        try:
            await asyncio.to_thread(self._writer.write)
            await asyncio.to_thread(
                self._beats.beat, self._venue, self._dataset, self._clock.wire_ms(), state=state,
                heard_ms=self._heard_ms or None, said=said,
            )
        except TransientError as error:
            _log.error("library takes no writes", venue=self._venue, waiting_s=self._writer.waiting, error=str(error))

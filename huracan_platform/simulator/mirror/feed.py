"""The connection to the mirrored venue: kept up, and what was missed fetched before anything goes on."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp

from huracan_platform.errors import TransientError
from huracan_platform.simulator.mirror.clock import MirrorClock
from huracan_platform.simulator.mirror.follower import Follower
from huracan_platform.simulator.mirror.sockets import listening
from huracan_platform.simulator.venue import Venue

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
START_S = 180.0  # the first requests may have to wait for the next minute's weight


def pause_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time, with jitter, half a minute at most."""
    return min(SHORTEST_PAUSE_S * 2.0 ** (failures - 1), LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)


class MirrorFeed:
    """Follows all symbols of a venue at `url`. While the source is not reached, `venue.outage` says why."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, venue: Venue, clock: MirrorClock, followers: Mapping[str, Follower]
    ) -> None:
        self._url, self._session, self._venue, self._clock, self._followers = url, session, venue, clock, followers
        self._failures = 0
        self._in_step = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow while the context is open; it opens once everything is in step.

        Raises
        ------
        TransientError
            That took longer than three minutes.
        """
        task = asyncio.create_task(self._run())
        task.add_done_callback(self._ended)
        try:
            try:
                async with asyncio.timeout(START_S):  # wait_for loses a cancellation that comes together with the event
                    await self._in_step.wait()
            except TimeoutError:
                reason = self._venue.outage or "nothing yet"
                raise TransientError(f"mirror: expected {self._url} in step within {START_S:.0f} s, got {reason}") from None
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A mistake of ours ends the venue: it is raised again as the feed is closed."""
        if not task.cancelled():
            self._venue.outage = str(task.exception())
            self._in_step.set()
            signal.raise_signal(signal.SIGTERM)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except TransientError as error:
                self._failures += 1
                if not self._venue.outage:
                    sys.stderr.write(f"mirror: {self._url} is not reached, prices stand still: {error}\n")
                self._venue.outage = str(error)
                await asyncio.sleep(pause_s(self._failures))

    async def _follow(self) -> None:
        """Connect, catch up, and take in messages until a connection ends."""
        async with listening(self._session, self._url, tuple(self._followers)) as messages:
            for follower in self._followers.values():
                await follower.refill()
            self._reach()
            if self._failures and self._in_step.is_set():
                sys.stderr.write(f"mirror: {self._url} is reached again\n")
            self._failures, self._venue.outage = 0, ""
            self._in_step.set()
            while True:
                told = await messages.next()
                symbol = told["s"] if "s" in told else told["o"]["s"]
                await self._followers[symbol].take(told)
                self._reach()

    def _reach(self) -> None:
        self._clock.reach(min(f.horizon_ms for f in self._followers.values()))

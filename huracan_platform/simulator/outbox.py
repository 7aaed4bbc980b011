"""Messages that wait to be sent over one socket, in order, after whatever faults have done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from huracan_platform.simulator.fault_events import EventFaults

MOST_QUEUED = 20_000


class Outbox:
    """A client that reads too slowly is cut off rather than shown a gap."""

    def __init__(self, socket: web.WebSocketResponse, faults: EventFaults) -> None:
        self._socket, self._faults = socket, faults
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(MOST_QUEUED)
        self._overflowed = False

    def put(self, message: bytes) -> None:
        """Queue a message that no fault meets."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._overflowed = True

    def deliver(self, stream: str, message: bytes, framed: Callable[[bytes], bytes] = bytes) -> None:
        """Queue a stream's message as its faults let it arrive, each in its frame."""
        for delay_s, arriving in self._faults.arriving(stream, message):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self.put, framed(arriving))
            else:
                self.put(framed(arriving))

    async def write(self) -> None:
        """Send what is queued until the socket closes."""
        while not self._overflowed:
            await self._socket.send_str((await self._queue.get()).decode())
        await self._socket.close(code=1008, message=b"client reads too slowly")

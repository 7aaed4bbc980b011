"""Sockets of any protocol: messages that wait to be sent, in order, after whatever faults have done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

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


class OpenSockets:
    """The sockets that are open."""

    def __init__(self) -> None:
        self._open: set[web.WebSocketResponse] = set()

    async def serve(
        self, socket: web.WebSocketResponse, outbox: Outbox, answer: Callable[[str], None], leave: Callable[[], None]
    ) -> None:
        """Let what a client says be answered and what waits be sent until the socket closes; then it leaves."""
        self._open.add(socket)
        writer = asyncio.create_task(outbox.write())
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    answer(message.data)
        finally:
            leave()
            self._open.discard(socket)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer

    async def close(self) -> None:
        """Close what is still open."""
        for socket in list(self._open):
            await socket.close(code=1001, message=b"venue stops")

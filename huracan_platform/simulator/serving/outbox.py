"""Messages that wait to be sent over one socket, in order, after what faults and latencies have done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from huracan_platform.simulator.faults.events import EventFaults
from huracan_platform.simulator.faults.latencies import FEED, Latencies

MOST_QUEUED = 20_000
# A client that does not take its leave in that time is left.
GOODBYE_S = 5.0


@dataclass(frozen=True)
class _Ping:
    """Sent in its turn among the messages."""


@dataclass(frozen=True)
class _End:
    code: int
    reason: str


class Outbox:
    """What one socket is sent. A client that reads too slowly is cut off rather than shown a gap."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse, faults: EventFaults, latencies: Latencies) -> None:
        self._request, self._socket, self.faults, self._latencies = request, socket, faults, latencies
        self._queue: asyncio.Queue[tuple[float, bytes | _Ping | _End]] = asyncio.Queue(MOST_QUEUED)
        self._ending = False

    def put(self, message: bytes) -> None:
        """Queue an answer: neither faults nor latencies meet it."""
        self._put(0.0, message)

    def ping(self) -> None:
        """Queue a ping frame."""
        self._put(0.0, _Ping())

    def deliver(self, stream: str, message: bytes, framed: Callable[[bytes], bytes] = bytes, kind: str = FEED) -> None:
        """Queue a stream's message as its faults let it arrive, each in its frame. Nothing overtakes in the queue."""
        for delay_s, arriving in self.faults.arriving(stream, message):
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._put, 0.0, framed(arriving))
            else:
                self._put(self._due_at(kind), framed(arriving))

    def _due_at(self, kind: str) -> float:
        if not self._latencies.rules:
            return 0.0
        return asyncio.get_running_loop().time() + self._latencies.draw_s(kind, self.faults.caller)

    def _put(self, due: float, item: bytes | _Ping | _End) -> None:
        if self._ending:
            return
        try:
            self._queue.put_nowait((due, item))
        except asyncio.QueueFull:
            self.end(1008, "client reads too slowly")

    def end(self, code: int, reason: str) -> None:
        """Close the socket for a reason; what still waits is not sent any more."""
        if self._ending:
            return
        while not self._queue.empty():
            self._queue.get_nowait()
        self._put(0.0, _End(code, reason))
        self._ending = True
        asyncio.get_running_loop().call_later(GOODBYE_S, self.cut)

    def cut(self) -> None:
        """Lose the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self) -> None:
        """Send what is queued, each when it is due, until the socket closes."""
        loop = asyncio.get_running_loop()
        while True:
            due, item = await self._queue.get()
            if due and (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if isinstance(item, bytes):
                await self._socket.send_frame(item, WSMsgType.TEXT)
            elif isinstance(item, _Ping):
                await self._socket.ping()
            else:
                await self._socket.close(code=item.code, message=item.reason.encode())
                return

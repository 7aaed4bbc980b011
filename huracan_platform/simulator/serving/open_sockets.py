"""Sockets that are open, whatever their protocol: served, pinged, and ended when a rule or a fault says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.serving.outbox import Outbox


@dataclass(frozen=True)
class SocketRules:
    """Wall ms between two pings, for which an answer is waited, and for which a socket lives at most (0: for ever); messages a
    client may send in a second, pings and pongs included (0: any)."""

    ping_ms: int = 180_000
    pong_ms: int = 600_000
    life_ms: int = 0
    most_messages: int = 0


@dataclass(eq=False)
class OpenSocket:
    """One of them. `answer` takes what the client says, `streams` names what it hears; `asked_ms` is when the first ping was sent
    that nothing has come after."""

    path: str
    socket: web.WebSocketResponse
    outbox: Outbox
    answer: Callable[[str], None]
    streams: Callable[[], Iterable[str]]
    opened_ms: int = 0
    pinged_ms: int = 0
    asked_ms: int | None = None
    received: deque[int] = field(default_factory=deque)

    def said_too_much(self, now: int, most: int) -> bool:
        """Whether this message is one more than may come in a second."""
        if not most:
            return False
        while self.received and self.received[0] <= now - 1_000:
            self.received.popleft()
        self.received.append(now)
        return len(self.received) > most


class OpenSockets:
    """All that are open, on the wire clock."""

    def __init__(self, rules: SocketRules, faults: Faults, wire_ms: Callable[[], int]) -> None:
        self._rules, self._faults, self.wire_ms = rules, faults, wire_ms
        self._open: list[OpenSocket] = []

    async def serve(self, one: OpenSocket) -> None:
        """Let what a client says be answered and what waits be sent until the socket closes; then it leaves."""
        one.opened_ms = one.pinged_ms = self.wire_ms()
        self._open.append(one)
        writer = asyncio.create_task(one.outbox.write())
        try:
            async for message in one.socket:
                one.asked_ms = None
                if one.said_too_much(self.wire_ms(), self._rules.most_messages):
                    one.outbox.end(1008, f"more than {self._rules.most_messages} messages a second")
                elif message.type == WSMsgType.TEXT:
                    one.answer(message.data)
                elif message.type == WSMsgType.PING:
                    await one.socket.pong(message.data)
        finally:
            self._open.remove(one)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer

    def each_tick(self) -> None:
        """Ping who is due for it; end what has lived long enough, does not answer, or is cut by a fault."""
        now, rules = self.wire_ms(), self._rules
        for one in list(self._open):
            if self._faults.armed and self._faults.cuts(one.outbox.faults.caller, one.path, one.streams()):
                one.outbox.cut()
            elif rules.life_ms and now - one.opened_ms >= rules.life_ms:
                one.outbox.end(1001, "a connection is valid for 24 hours")
            elif one.asked_ms is not None and now - one.asked_ms >= rules.pong_ms:
                one.outbox.end(1008, "no pong")
            elif now - one.pinged_ms >= rules.ping_ms:
                one.pinged_ms, one.asked_ms = now, now if one.asked_ms is None else one.asked_ms
                one.outbox.ping()

    async def close(self) -> None:
        """Close what is still open."""
        for one in list(self._open):
            await one.socket.close(code=1001, message=b"venue stops")

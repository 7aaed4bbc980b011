"""A WebSocket server in the words of OKX v5: liquidations of frames that tests give it, and the pulse of a mark price."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

PATH = "/ws/v5/public"


class OkxStream:
    """Tells the frames to whoever has subscribed, a pulse before and pulses after, until it is cut; it hears no farewell.

    Pulses are `step_ms` of market time apart. `heard` is what clients sent.
    """

    def __init__(self, frames: Sequence[dict[str, Any]], start_ms: int, step_ms: int = 1_000) -> None:
        self._frames, self._start_ms, self._step_ms = frames, start_ms, step_ms
        self.heard: list[Any] = []
        self._sockets: list[web.WebSocketResponse] = []

    async def __aenter__(self) -> OkxStream:
        app = web.Application()
        app.router.add_get(PATH, self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        await self._runner.cleanup()

    async def cut(self) -> None:
        """Lose every connection without a word."""
        for socket in self._sockets:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self._sockets.clear()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        asked = await socket.receive_json()
        self.heard.append(asked)
        for argument in asked["args"]:
            await socket.send_json({"event": "subscribe", "arg": argument, "connId": "a4d3ae55"})
        pulses = [argument for argument in asked["args"] if argument["channel"] == "mark-price"]
        await self._pulse(socket, pulses[0])
        for frame in self._frames:
            await socket.send_json(frame)
        with contextlib.suppress(ConnectionError):
            while not socket.closed:
                await self._pulse(socket, pulses[0])
                await asyncio.sleep(0.01)
        return socket

    async def _pulse(self, socket: web.WebSocketResponse, argument: dict[str, str]) -> None:
        row = {"instType": "SWAP", "instId": argument["instId"], "markPx": "82655.7", "ts": str(self._start_ms)}
        await socket.send_str(json.dumps({"arg": argument, "data": [row]}))
        self._start_ms += self._step_ms

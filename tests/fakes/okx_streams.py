"""A WebSocket server in the words of OKX v5: frames of books and trades that tests give it, request by request.

Unrecorded: the words are those of the vendor's documentation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from aiohttp import web

NAME = "BTC-USDT-SWAP"
PATH = "/ws/v5"


def frame(channel: str, row: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A frame of a channel with one row."""
    return {"arg": {"channel": channel, "instId": NAME}, **more, "data": [row]}


class OkxStreams:
    """Answers the n-th request to subscribe with the n-th of the scripts, further ones with nothing; mark prices go on beside.

    The mark prices' times are a second after the newest that was told. `heard` is what clients sent.
    """

    def __init__(self, *scripts: Sequence[dict[str, Any]]) -> None:
        self._scripts, self.heard, self._newest_ms = list(scripts), list[Any](), 0

    async def __aenter__(self) -> OkxStreams:
        app = web.Application()
        app.router.add_get(f"{PATH}/public", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        base = f"ws://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        self.client = SimpleNamespace(urls={"api": {"ws": base}})  # as much of a ccxt client as an address needs
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        beats = asyncio.create_task(self._beat(socket))
        try:
            async for message in socket:
                await self._answer(socket, json.loads(message.data))
        except ConnectionError:
            pass
        finally:
            beats.cancel()
        return socket

    async def _answer(self, socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        self.heard.append(asked)
        for argument in asked["args"]:
            await socket.send_json({"event": asked["op"], "arg": argument, "connId": "a4d3ae55"})
        for one in self._scripts.pop(0) if asked["op"] == "subscribe" and self._scripts else ():
            await socket.send_json(one)
            self._newest_ms = max(self._newest_ms, *(int(row["ts"]) for row in one.get("data", [{"ts": 0}])))

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while not socket.closed:
                await asyncio.sleep(0.02)
                row = {"instType": "SWAP", "instId": NAME, "markPx": "50000", "ts": str(self._newest_ms + 1_000)}
                if self._newest_ms:
                    await socket.send_json(frame("mark-price", row))

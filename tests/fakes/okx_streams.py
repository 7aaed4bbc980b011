"""A WebSocket server in the words of OKX v5: frames of books and trades that tests give it, connection by connection.

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
    """Tells the n-th connection the n-th of the scripts, further ones the last; then mark prices until it is left.

    The mark prices' times begin a second after the newest of the script and stand still. `heard` is what clients sent.
    """

    def __init__(self, *scripts: Sequence[dict[str, Any]]) -> None:
        self._scripts, self.heard = list(scripts), list[Any]()

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
        asked = await socket.receive_json()
        script = self._scripts[min(len(self.heard), len(self._scripts) - 1)]
        self.heard.append(asked)
        with contextlib.suppress(ConnectionError):
            for argument in asked["args"]:
                await socket.send_json({"event": "subscribe", "arg": argument, "connId": "a4d3ae55"})
            for one in script:
                await socket.send_json(one)
            newest = max((int(row["ts"]) for one in script for row in one.get("data", ())), default=0)
            pulse = frame("mark-price", {"instType": "SWAP", "instId": NAME, "markPx": "50000", "ts": str(newest + 1_000)})
            while not socket.closed:
                await socket.send_str(json.dumps(pulse))
                await asyncio.sleep(0.02)
        return socket

"""Sockets to venues: opened, listened to and left within a bound, whatever the other side does.

`asyncio.wait_for` is used nowhere here: on Python 3.11 it loses a cancellation that comes together with what it waits for, and
who cancelled then waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from huracan_platform.errors import TransientError
from huracan_platform.venues.client import os_reason

CONNECT_S, GOODBYE_S = 10.0, 1.0
BEAT_S = 15.0


@asynccontextmanager
async def connected(url: str, hello: Mapping[str, Any] | None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket on which `hello` was said, None for nothing; left within `GOODBYE_S`.

    Left to itself aiohttp waits for a server's farewell as long as that goes on talking.

    Raises
    ------
    TimeoutError
        It did not open within `CONNECT_S`.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(url, autoping=True, max_msg_size=0)
        try:
            if hello is not None:
                await socket.send_json(hello)
            yield socket
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await socket.close()


async def texts(
    socket: aiohttp.ClientWebSocketResponse, beat: str | None, name: str, stale_s: float
) -> AsyncIterator[str]:
    """Frames of text until the connection breaks; `beat` is said every `BEAT_S` that frames come in, `name` is for errors.

    Raises
    ------
    TransientError
        It was closed.
    TimeoutError
        It was silent for `stale_s` wall seconds.
    """
    loop = asyncio.get_running_loop()
    beat_at = loop.time() + BEAT_S
    while True:
        async with asyncio.timeout(stale_s):
            message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise TransientError(f"{name}: expected frames, got {message.type.name.lower()} {message.data}")
        if beat is not None and loop.time() >= beat_at:
            await socket.send_str(beat)
            beat_at = loop.time() + BEAT_S
        yield message.data


def no_connection(place: str, error: BaseException) -> str:
    """What is told of a venue that cannot be reached."""
    return f"expected a connection to {place}, got {os_reason(error) or error} ({type(error).__name__})"


async def close_client(client: Any) -> None:
    """Close a ccxt.pro client within `GOODBYE_S`; connections whose other side does not say farewell by then are cut."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await client.close()
            return
    if client.session is not None:
        await client.session.close()

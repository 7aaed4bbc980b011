"""The public streams of the mirrored venue: two sockets, one queue of messages in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from huracan_platform.errors import TransientError

# Streams of the exchange live on hosts of their own; elsewhere on the one of REST.
STREAM_HOSTS = {
    "fapi.binance.com": "fstream.binance.com", "testnet.binancefuture.com": "fstream.binancefuture.com",
    "demo-fapi.binance.com": "demo-fstream.binance.com",
}
# Path, streams of each symbol, and how long none of them may say anything. A book that does not change is silent; its socket
# is asked for a sign of life instead.
SOCKETS: tuple[tuple[str, tuple[str, ...], float | None], ...] = (
    ("/public", ("depth@100ms", "bookTicker"), None),
    ("/market", ("aggTrade", "kline_1m", "markPrice@1s", "forceOrder"), 10.0),
)
HEARTBEAT_S = 10.0
CONNECT_S = 10.0
CLOSE_S = 1.0


def stream_base(url: str) -> str:
    """Where the streams of the venue at `url` are."""
    parts = urlsplit(url)
    host = STREAM_HOSTS.get(parts.hostname or "", parts.netloc)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{host}"


class Messages:
    """What the sockets said, in order. One that closes, or is silent for too long, ends it all."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[dict[str, Any] | TransientError] = asyncio.Queue()

    async def pump(self, socket: aiohttp.ClientWebSocketResponse, silence_s: float | None) -> None:
        """Take in what a socket says until it ends, or says nothing for `silence_s` (None: may be silent)."""
        try:
            while True:
                message = await socket.receive(timeout=silence_s)
                if message.type != aiohttp.WSMsgType.TEXT:
                    self._queue.put_nowait(TransientError(f"stream closed ({message.type.name.lower()})"))
                    return
                self._queue.put_nowait(orjson.loads(message.data)["data"])
        except TimeoutError:
            self._queue.put_nowait(TransientError(f"stream silent for {silence_s} s"))
        except (aiohttp.ClientError, OSError) as error:
            self._queue.put_nowait(TransientError(f"stream lost: {type(error).__name__} {error}"))

    async def next(self) -> dict[str, Any]:
        """The next message.

        Raises
        ------
        TransientError
            A socket has ended.
        """
        message = await self._queue.get()
        if isinstance(message, TransientError):
            raise message
        return message


@asynccontextmanager
async def listening(session: aiohttp.ClientSession, url: str, symbols: tuple[str, ...]) -> AsyncIterator[Messages]:
    """Messages of all streams of the symbols at the venue whose REST is at `url`.

    Raises
    ------
    TransientError
        A socket could not be opened.
    """
    messages, pumps = Messages(), []
    sockets: list[aiohttp.ClientWebSocketResponse] = []
    try:
        for path, kinds, silence_s in SOCKETS:
            names = "/".join(f"{s.lower()}@{kind}" for s in symbols for kind in kinds)
            address = f"{stream_base(url)}{path}/stream?streams={names}"
            try:
                async with asyncio.timeout(CONNECT_S):
                    sockets.append(await session.ws_connect(address, max_msg_size=0, heartbeat=HEARTBEAT_S))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise TransientError(f"{stream_base(url)}: expected streams, got {type(error).__name__} {error}") from None
            pumps.append(asyncio.create_task(messages.pump(sockets[-1], silence_s)))
        yield messages
    finally:
        for pump in pumps:
            pump.cancel()
        for socket in sockets:
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(CLOSE_S):  # aiohttp waits for a farewell as long as the other side goes on talking
                    await socket.close()
        await asyncio.gather(*pumps, return_exceptions=True)

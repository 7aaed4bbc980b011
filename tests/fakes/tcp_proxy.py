"""A TCP proxy between a client and a server that can lose the network, and one that counts and limits requests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class TcpProxy:
    """Passes bytes both ways, in a thread of its own. While it is down connections are lost and none comes about."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._down = False
        self.refused = 0

    def down(self) -> None:
        """Lose the network: every connection is reset."""
        self._down = True
        self._loop.call_soon_threadsafe(self._abort)

    def up(self) -> None:
        """The network is back."""
        self._down = False

    def cut(self) -> None:
        """Reset every connection; the network stays."""
        self._loop.call_soon_threadsafe(self._abort)

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._stop.wait()
        server.close()
        self._abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            self.refused += 1
            writer.transport.abort()
            return
        there_reader, there = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, there}
        with contextlib.suppress(OSError):
            await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
        for one in (writer, there):
            self._writers.discard(one)
            one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@contextmanager
def proxied(target: str) -> Iterator[TcpProxy]:
    """A proxy to the server at a URL; its own URL is in `url`."""
    proxy, ready = TcpProxy(target), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy._serve(ready)), daemon=True)
    thread.start()
    ready.wait(10)
    yield proxy
    proxy._loop.call_soon_threadsafe(proxy._stop.set)
    thread.join(10)

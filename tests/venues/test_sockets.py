"""Sockets to a server that goes on talking: left in time, and by a cancellation that comes together with a frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web

from huracan_platform.errors import TransientError
from huracan_platform.settings import load_settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.sockets import GOODBYE_S, close_client, connected, texts


@pytest.fixture
async def talker() -> AsyncIterator[str]:
    """A server that talks every 10 ms and never says farewell; its address."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        while not socket.closed and request.transport is not None:
            try:
                await socket.send_str("{}")
            except ConnectionError:
                break
            await asyncio.sleep(0.01)
        return socket

    app = web.Application()
    app.router.add_get("/", talk)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_server_that_goes_on_talking_is_left_all_the_same(talker: str) -> None:
    async with asyncio.timeout(GOODBYE_S + 3.0):
        async with connected(talker, {"id": 1}) as socket:
            assert (await socket.receive()).type is WSMsgType.TEXT


async def test_a_client_of_ccxt_is_left_all_the_same(talker: str) -> None:
    client = build_client(load_settings(), "market", "pro")
    client.open()
    connection = client.client(talker)
    await connection.create_connection(client.session)
    connection.connection = await client.session.ws_connect(talker, autoping=False, autoclose=False)
    async with asyncio.timeout(GOODBYE_S + 3.0):
        await close_client(client)
    assert client.session is None or client.session.closed
    assert connection.connection.closed


async def test_listening_ends_with_a_cancellation_that_comes_together_with_a_frame(talker: str) -> None:
    async def listen() -> None:
        async with connected(talker, None) as socket:
            async for _ in texts(socket, None, "talker", 5.0):
                heard.set()

    heard = asyncio.Event()
    for ticks in range(4):
        heard.clear()
        listening = asyncio.create_task(listen())
        await heard.wait()
        for _ in range(ticks):
            await asyncio.sleep(0)
        listening.cancel()
        async with asyncio.timeout(GOODBYE_S + 3.0):
            (outcome,) = await asyncio.gather(listening, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError)


async def test_silence_and_a_closed_socket_are_told_apart() -> None:
    async def close(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if request.path == "/silent":
            await asyncio.sleep(1.0)
        return socket

    app = web.Application()
    app.router.add_get("/{path}", close)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    async def listen(path: str) -> None:
        async with connected(f"{base}/{path}", None) as socket:
            async for _ in texts(socket, None, "talker", 0.1):
                pass

    for path, error in (("silent", TimeoutError), ("closed", TransientError)):
        with pytest.raises(error):
            await listen(path)
    await runner.cleanup()

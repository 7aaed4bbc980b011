"""Frames of one connection, read as messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp

from huracan_platform.contracts.microstructure import Message
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.venues.microstructure.streams import Dataset, Streams

CONNECT_S = 10.0
BEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The messages of a frame, or why it could not be read and its text."""

    messages: Sequence[Message] = ()
    refused: str | None = None
    raw: str = ""


async def listen(streams: Streams, dataset: Dataset, stale_s: float) -> AsyncIterator[Frame]:
    """Frames of one connection, until it breaks.

    Raises
    ------
    TransientError
        It was refused, closed or silent for `stale_s` wall seconds.
    """
    timeout, loop = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S), asyncio.get_running_loop()
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(streams.url(dataset), autoping=True, max_msg_size=0) as socket,
        ):
            if (hello := streams.hello(dataset)) is not None:
                await socket.send_json(hello)
            beat_at = loop.time() + BEAT_S
            while True:
                message = await socket.receive(stale_s)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise TransientError(f"{dataset}: expected frames, got {message.type.name.lower()} {message.data}")
                if streams.beat is not None and loop.time() >= beat_at:
                    await socket.send_str(streams.beat)
                    beat_at = loop.time() + BEAT_S
                try:
                    yield Frame(streams.read(message.data))
                except DataContractError as error:
                    yield Frame(refused=str(error), raw=message.data)
    except TimeoutError:
        raise TransientError(f"{dataset}: expected a frame within {stale_s:g} s, got none") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TransientError(f"{dataset}: expected a connection, got {type(error).__name__} {error}") from None

"""Frames of one connection, read as messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp

from huracan_platform.contracts.microstructure import Message
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.venues.microstructure.streams import Dataset, Streams
from huracan_platform.venues.sockets import connected, no_connection, texts


@dataclass(frozen=True, slots=True)
class Frame:
    """The messages of a frame, or why it could not be read and its text."""

    messages: Sequence[Message] = ()
    refused: str | None = None
    raw: str = ""


async def listen(streams: Streams, dataset: Dataset, stale_s: float, place: str = "the venue") -> AsyncIterator[Frame]:
    """Frames of one connection, until it breaks; `place` names the venue where it cannot be reached.

    Raises
    ------
    TransientError
        It, or what was asked for on it, was refused; it was closed or silent for `stale_s` wall seconds.
    """
    try:
        async with connected(streams.url(dataset), streams.hello(dataset)) as socket:
            async for text in texts(socket, streams.beat, dataset, stale_s):
                try:
                    yield Frame(streams.read(text))
                except DataContractError as error:
                    yield Frame(refused=str(error), raw=text)
                for request in streams.requests(dataset):
                    await socket.send_json(request)
    except TimeoutError:
        raise TransientError(f"{dataset}: expected a frame within {stale_s:g} s, got none") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TransientError(f"{dataset}: {no_connection(place, error)}") from None

"""The venue's liquidations as they happen, with a pulse that tells a quiet market from a dead connection.

Liquidations are rare, so a silent stream says nothing. The same connection therefore carries the mark price of every
symbol, each second; what arrived in order up to a frame's event time is all there was up to then. The frames are read raw:
ccxt's `watch_liquidations` keeps 1000 and drops the rest silently, and subscribes to nothing that beats.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import orjson

from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.client import build_client, translated
from huracan_platform.venues.liquidations import Contract, parse_liquidations

PULSE = "markPrice@1s"
CONNECT_S = 10.0


@dataclass(frozen=True)
class Heard:
    """One frame: the stream is whole up to `event_ms` (venue's time, ms UTC); what it told, or why that could not be read."""

    event_ms: int
    liquidations: tuple[Liquidation, ...] = ()
    refused: str | None = None
    raw: str = ""


async def liquidation_stream_url(settings: Settings, symbols: Sequence[str]) -> tuple[str, dict[str, Contract]]:
    """Address of one connection with the liquidations and the pulse of the symbols, and the contracts by the venue's names."""
    client = build_client(settings, "market", "pro")
    try:
        with translated(client, "exchangeInfo"):
            await client.load_markets()
            names = {client.market(symbol)["id"]: symbol for symbol in symbols}
        base = client.urls["api"]["ws"]["linear"] if "linear" in client.urls["api"]["ws"] else client.urls["api"]["ws"]["future"]
    finally:
        await client.close()
    streams = "/".join(f"{name.lower()}@{kind}" for name in sorted(names) for kind in ("forceOrder", PULSE))
    return f"{base.removesuffix('/ws')}/market/stream?streams={streams}", {n: Contract(s) for n, s in names.items()}


async def listen(url: str, exchange: str, contracts: dict[str, Contract], stale_s: float) -> AsyncIterator[Heard]:
    """Frames of one connection, until it breaks.

    Raises
    ------
    TransientError
        It was refused, closed or silent for `stale_s` wall seconds.
    """
    newest_ms = 0
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.ws_connect(url, autoping=True) as socket:
            while True:
                message = await asyncio.wait_for(socket.receive(), stale_s)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    got = f"{message.type.name.lower()} {message.data}"
                    raise TransientError(f"liquidations {exchange}: expected frames, got {got}")
                heard = _heard(message.data, exchange, contracts, newest_ms)
                newest_ms = heard.event_ms
                yield heard
    except TimeoutError:
        raise TransientError(f"liquidations {exchange}: expected a frame within {stale_s:g} s, got none") from None
    except aiohttp.ClientError as error:
        raise TransientError(f"liquidations {exchange}: expected a connection, got {type(error).__name__} {error}") from None


def _heard(text: str, exchange: str, contracts: dict[str, Contract], newest_ms: int) -> Heard:
    """Known is what a frame tells since the newest event time on its connection: its own lies back where the venue holds it."""
    try:
        message = orjson.loads(text)
        data = message["data"]
        event_ms = max(newest_ms, int(data["E"]))
        if data["e"] != "forceOrder":
            return Heard(event_ms)
        return Heard(event_ms, tuple(parse_liquidations("binance_usdm", message, exchange, contracts, event_ms)))
    except DataContractError as error:
        return Heard(event_ms, refused=str(error), raw=text)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError) as error:
        return Heard(newest_ms, refused=f"liquidations {exchange}: expected a frame with event and time, got {error!r}", raw=text)

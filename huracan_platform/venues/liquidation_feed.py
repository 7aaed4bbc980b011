"""A venue's liquidations as they happen, with a pulse that tells a quiet market from a dead connection.

Liquidations are rare, so a silent stream says nothing. The same connection therefore carries a price of every symbol, each
second or oftener; what arrived in order up to a frame's time is all there was up to then. The frames are read raw: ccxt's
`watch_liquidations` keeps 1000 and drops the rest silently, and subscribes to nothing that beats.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.errors import DataContractError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.liquidation_wires import LiquidationWire, liquidation_wire, read_frame
from huracan_platform.venues.liquidations import parse_liquidations
from huracan_platform.venues.listed import Contract, listed_contracts
from huracan_platform.venues.sockets import close_client, connected, no_connection, texts


@dataclass(frozen=True)
class LiquidationStream:
    """Where an exchange's liquidations are to be heard, its contracts by the venue's names, and `place`, what errors call it."""

    url: str
    wire: LiquidationWire
    contracts: Mapping[str, Contract]
    place: str = "the venue"


@dataclass(frozen=True)
class Heard:
    """One frame: the stream is whole up to `event_ms` (venue's time, ms UTC); what it told, or why that could not be read."""

    event_ms: int
    liquidations: tuple[Liquidation, ...] = ()
    refused: str | None = None
    raw: str = ""


async def liquidation_stream(settings: Settings, symbols: Sequence[str]) -> LiquidationStream:
    """The stream of the symbols at the venue of the settings; those that it does not list are left out.

    Raises
    ------
    TransientError
        It does not say what it lists.
    PermanentError
        It lists none of them, or the exchange's liquidations are not known here.
    """
    wire, client = liquidation_wire(settings.venue.ccxt_id), build_client(settings, "market", "pro")
    try:
        contracts = await listed_contracts(client, symbols, "liquidations")
        return LiquidationStream(wire.address(client, list(contracts)), wire, contracts, settings.venue.place)
    finally:
        await close_client(client)


async def listen(stream: LiquidationStream, exchange: str, stale_s: float) -> AsyncIterator[Heard]:
    """Frames of one connection, until it breaks.

    Raises
    ------
    TransientError
        It was refused, closed or silent for `stale_s` wall seconds.
    """
    newest_ms = 0
    try:
        async with connected(stream.url, stream.wire.hello(list(stream.contracts))) as socket:
            async for text in texts(socket, stream.wire.beat, f"liquidations {exchange}", stale_s):
                heard = _heard(text, exchange, stream, newest_ms)
                if heard is not None:
                    newest_ms = heard.event_ms
                    yield heard
    except TimeoutError:
        raise TransientError(f"liquidations {exchange}: expected a frame within {stale_s:g} s, got none") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TransientError(f"liquidations {exchange}: {no_connection(stream.place, error)}") from None


def _heard(text: str, exchange: str, stream: LiquidationStream, newest_ms: int) -> Heard | None:
    """Known is what a frame tells since the newest time on its connection: its own lies back where the venue holds it."""
    wire, event_ms = stream.wire, newest_ms
    try:
        message = read_frame(text)
        if message is None:
            return None
        if (refusal := wire.refusal(message)) is not None:
            raise TransientError(f"liquidations {exchange}: expected to hear {', '.join(stream.contracts)}, got {refusal}")
        event_ms = max(newest_ms, wire.whole_ms(message) or 0)
        if not wire.tells(message):
            return Heard(event_ms) if event_ms else None
        return Heard(event_ms, tuple(parse_liquidations(wire.wire, message, exchange, stream.contracts, event_ms)))
    except DataContractError as error:
        return Heard(event_ms, refused=str(error), raw=text)
    except (LookupError, TypeError, ValueError) as error:
        return Heard(event_ms, refused=f"liquidations {exchange}: expected a frame with event and time, got {error!r}", raw=text)

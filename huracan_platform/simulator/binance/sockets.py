"""The protocol's WebSocket paths: raw (`/ws`) and combined (`/stream`) frames, public, market and private streams."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.binance.clients import Clients
from huracan_platform.simulator.binance.connection import Connection
from huracan_platform.simulator.binance.streams import MarketStreams
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.faults.events import EventFaults
from huracan_platform.simulator.faults.latencies import Latencies
from huracan_platform.simulator.faults.requests import caller_of
from huracan_platform.simulator.serving.open_sockets import OpenSocket, OpenSockets
from huracan_platform.simulator.serving.outbox import Outbox
from huracan_platform.simulator.serving.problems import VenueRefusal

CATEGORIES = ("", "/public", "/market", "/private")
LIFE_MS = DAY_MS
MOST_MESSAGES = 10  # that a client may send in a second


class SocketServer:
    """Accepts the venue's WebSocket paths."""

    def __init__(
        self, streams: MarketStreams, clients: Clients, faults: Faults, latencies: Latencies, opened: OpenSockets,
    ) -> None:
        self._streams, self._clients, self._faults, self._latencies = streams, clients, faults, latencies
        self._opened = opened

    def add_routes(self, app: web.Application) -> None:
        """`/ws`, `/ws/NAME…`, `/stream?streams=…`, each also under `/public`, `/market` and `/private`."""
        for category in CATEGORIES:
            app.router.add_get(f"{category}/ws", self._accept)
            app.router.add_get(f"{category}/ws/{{names:.+}}", self._accept)
            app.router.add_get(f"{category}/stream", self._accept)

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        category = next((c for c in CATEGORIES[1:] if request.path.startswith(c + "/")), "")
        names = request.match_info.get("names") or request.query.get("streams", "")
        wanted = [n for n in names.split("/") if n]
        keys = _listen_keys([*((name, "") for name in wanted), *_pairs(request)])
        known = [key for key in keys if self._clients.by_listen_key(key)]
        # Without a name the private socket is open to all: a client may name its listen key in a SUBSCRIBE afterwards.
        if category == "/private" and keys and not known:
            raise VenueRefusal(-1125, "This listenKey does not exist.", 401)
        socket = web.WebSocketResponse(autoping=False, compress=False)
        outbox = Outbox(request, socket, EventFaults(self._faults, caller_of(request)), self._latencies)
        connection = Connection(outbox, self._streams, self._clients, category, combined=request.path.endswith("/stream"))
        # A name without "@" is no stream: clients number their connections by the path (`/ws/0`), as the venue lets them.
        connection.subscribe([n for n in wanted if "@" in n or n.startswith("!")])
        for key in known:
            connection.join(key, keys[key])
        one = OpenSocket(request.path, socket, outbox, connection.answer, connection.heard)
        try:
            await socket.prepare(request)
            await self._opened.serve(one)
        finally:
            connection.leave()
        return socket


def _pairs(request: web.Request) -> list[tuple[str, str]]:
    """Listen keys of the query with the events that follow each, in its order."""
    pairs: list[tuple[str, str]] = []
    for name, value in request.query.items():
        if name == "listenKey":
            pairs.append((value, ""))
        elif name == "events" and pairs:
            pairs[-1] = (pairs[-1][0], value)
    return pairs


def _listen_keys(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(event for event in events.split("/") if event) for key, events in pairs}

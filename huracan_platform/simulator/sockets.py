"""WebSocket connections: raw (`/ws`) and combined (`/stream`) frames, public, market and private paths."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from huracan_platform.simulator.clients import Clients
from huracan_platform.simulator.fault_events import EventFaults
from huracan_platform.simulator.fault_requests import caller_of
from huracan_platform.simulator.faults import Faults
from huracan_platform.simulator.outbox import OpenSockets, Outbox
from huracan_platform.simulator.problems import VenueRefusal
from huracan_platform.simulator.streams import MarketStreams
from huracan_platform.simulator.subscriptions import StreamName
from huracan_platform.simulator.user_stream import UserEvents

CATEGORIES = ("", "/public", "/market", "/private")
HEARTBEAT_S = 180.0


class Connection:
    """One client's socket: its subscriptions and the messages that wait to be sent, in order.

    `joins` is asked whether a name is a listen key, and if so makes the connection hear the user stream.
    """

    def __init__(self, outbox: Outbox, streams: MarketStreams, *, combined: bool) -> None:
        self._outbox, self._streams, self._combined = outbox, streams, combined
        self._names: dict[str, StreamName] = {}
        self._joined: dict[str, tuple[UserEvents, Callable[[str, bytes], None]]] = {}
        self.joins: Callable[[str, Connection], bool] = lambda _key, _connection: False

    def send(self, stream: str, message: bytes) -> None:
        """Queue a stream's message."""
        self._send(stream, stream, message)

    def join(self, listen_key: str, events: UserEvents) -> None:
        """Hear the user stream of an account, whose name is its listen key; twice is once."""
        if listen_key not in self._joined:
            listener = partial(self._send_user_event, listen_key)
            self._joined[listen_key] = (events, listener)
            events.listeners.append(listener)

    def _send_user_event(self, listen_key: str, event: str, message: bytes) -> None:
        self._send(event, listen_key, message)

    def _send(self, name: str, stream: str, message: bytes) -> None:
        def framed(arriving: bytes) -> bytes:
            return b'{"stream":"' + stream.encode() + b'","data":' + arriving + b"}" if self._combined else arriving

        self._outbox.deliver(name, message, framed)

    def subscribe(self, texts: list[str]) -> None:
        """Add streams, all or none."""
        keys = [text for text in texts if self.joins(text, self)]
        names = [self._streams.subscribers.read(text) for text in texts if text not in keys]
        for name in names:
            self._names[name.text] = name
            self._streams.subscribe(name, self.send)

    def unsubscribe(self, texts: list[str]) -> None:
        """Drop streams; those not subscribed are ignored, as the venue does."""
        for text in texts:
            name = self._names.pop(text, None)
            if name is not None:
                self._streams.unsubscribe(name, self.send)

    def answer(self, text: str) -> None:
        """Carry out a client's request and queue its answer."""
        number: Any = None
        try:
            request = orjson.loads(text)
            number = request.get("id")
            self._outbox.put(orjson.dumps({"result": self._carry_out(request), "id": number}))
        except (orjson.JSONDecodeError, AttributeError):
            self._refuse(number, 3, f"Invalid JSON: expected an object, got {text[:80]!r}")
        except VenueRefusal as refusal:
            self._refuse(number, refusal.code, refusal.message)

    def _carry_out(self, request: dict[str, Any]) -> list[str] | None:
        method, texts = request.get("method"), request.get("params", [])
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._names)
        if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
            raise VenueRefusal(2, f"Invalid request: expected params to be a list of stream names, got {texts!r}")
        if method == "SUBSCRIBE":
            self.subscribe(texts)
        elif method == "UNSUBSCRIBE":
            self.unsubscribe(texts)
        else:
            raise VenueRefusal(2, f"Invalid request: unknown method {method!r}")
        return None

    def _refuse(self, number: Any, code: int, message: str) -> None:
        self._outbox.put(orjson.dumps({"error": {"code": code, "msg": message}, "id": number}))

    def leave(self) -> None:
        """Drop every subscription and user stream."""
        self.unsubscribe(list(self._names))
        for events, listener in self._joined.values():
            events.leave(listener)


class SocketServer:
    """Accepts the venue's WebSocket paths."""

    def __init__(self, streams: MarketStreams, clients: Clients, faults: Faults) -> None:
        self._streams, self._clients, self._faults = streams, clients, faults
        self._open = OpenSockets()

    def add_routes(self, app: web.Application) -> None:
        """`/ws`, `/ws/NAME…`, `/stream?streams=…`, each also under `/public`, `/market` and `/private`."""
        for category in CATEGORIES:
            app.router.add_get(f"{category}/ws", self._accept)
            app.router.add_get(f"{category}/ws/{{names:.+}}", self._accept)
            app.router.add_get(f"{category}/stream", self._accept)

    async def close(self) -> None:
        """Close what is still open."""
        await self._open.close()

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        names = request.match_info.get("names") or request.query.get("streams", "")
        wanted = [n for n in names.split("/") if n]
        key = request.query.get("listenKey", "")
        private = [n for n in [*wanted, key] if self._clients.by_listen_key(n)]
        # Without a name the private socket is open to all: a client may name its listen key in a SUBSCRIBE afterwards.
        if request.path.startswith("/private") and (wanted or key) and not private:
            raise VenueRefusal(-1125, "This listenKey does not exist.", 401)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
        outbox = Outbox(socket, EventFaults(self._faults, caller_of(request)))
        connection = Connection(outbox, self._streams, combined=request.path.endswith("/stream"))
        # A name without "@" is no stream: clients number their connections by the path (`/ws/0`), as the venue lets them.
        connection.subscribe([n for n in wanted if "@" in n or n.startswith("!")])
        await socket.prepare(request)
        connection.joins = self._join
        for valid in private[:1]:
            self._join(valid, connection)
        await self._open.serve(socket, outbox, connection.answer, connection.leave)
        return socket

    def _join(self, key: str, connection: Connection) -> bool:
        client = self._clients.by_listen_key(key)
        if client is not None:
            connection.join(key, client.events)
        return client is not None

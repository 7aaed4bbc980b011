"""WebSocket connections: `/v5/public/linear` and, after a sign-on, `/v5/private`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from huracan_platform.simulator.binance.subscriptions import StreamName
from huracan_platform.simulator.bybit.client import TOPICS, BybitClient, BybitClients
from huracan_platform.simulator.bybit.fault_wire import BYBIT_WIRE
from huracan_platform.simulator.bybit.problems import refusal, told
from huracan_platform.simulator.bybit.signing import signs_on
from huracan_platform.simulator.bybit.streams import PublicStreams
from huracan_platform.simulator.faults.armed import Caller, Faults
from huracan_platform.simulator.faults.events import EventFaults
from huracan_platform.simulator.faults.latencies import FEED, FILL, Latencies
from huracan_platform.simulator.faults.requests import caller_of
from huracan_platform.simulator.serving.open_sockets import OpenSocket, OpenSockets
from huracan_platform.simulator.serving.outbox import Outbox
from huracan_platform.simulator.serving.problems import VenueRefusal

PUBLIC, PRIVATE = "/v5/public/linear", "/v5/private"
# Other categories are known and have no topics here.
SILENT = ("/v5/public/spot", "/v5/public/inverse", "/v5/public/option")


class Connection:
    """One client's socket: what it may ask for is what `commands` say."""

    def __init__(self, outbox: Outbox, kind: str) -> None:
        self._outbox, self._kind, self._number = outbox, kind, str(uuid4())
        self.commands: dict[str, Callable[[list[Any]], None]] = {}
        self.acknowledged = ""

    def send(self, topic: str, message: bytes) -> None:
        """Queue a topic's message."""
        self._outbox.deliver(topic, message, kind=self._kind)

    def answer(self, text: str) -> None:
        """Carry out a client's request and queue its answer."""
        try:
            request = orjson.loads(text)
            operation, arguments = request.get("op"), request.get("args") or []
        except (orjson.JSONDecodeError, AttributeError):
            self._put({"success": False, "ret_msg": "error:invalid json", "request": {"op": "", "args": None}})
            return
        frame = {"req_id": str(request["req_id"])} if "req_id" in request else {}
        if operation == "ping":
            self._pong(frame)
            return
        command = self.commands.get(operation)
        if command is None or not isinstance(arguments, list):
            self._put({"success": False, "ret_msg": "error:invalid op", **frame, "request": {"op": operation, "args": arguments}})
            return
        try:
            command(arguments)
            self._put({"success": True, "ret_msg": "" if operation == "auth" else self.acknowledged, **frame, "op": operation})
        except VenueRefusal as refused:
            request = {"op": operation, "args": arguments}
            self._put({"success": False, "ret_msg": told(refused)[1], **frame, "op": operation, "request": request})

    def _pong(self, frame: dict[str, str]) -> None:
        if self.acknowledged:
            self._put({"success": True, "ret_msg": "pong", **frame, "op": "ping"})
        else:
            self._put({**frame, "op": "pong", "args": []})

    def _put(self, answer: dict[str, Any]) -> None:
        self._outbox.put(orjson.dumps({**answer, "conn_id": self._number}))


class PublicTopics:
    """The public topics of one connection."""

    def __init__(self, connection: Connection, streams: PublicStreams) -> None:
        self._connection, self._streams = connection, streams
        self._names: dict[str, StreamName] = {}
        connection.acknowledged = "subscribe"
        connection.commands |= {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe}

    def _subscribe(self, topics: list[Any]) -> None:
        """All or none."""
        for name in [self._streams.read(str(topic)) for topic in topics]:
            self._names[name.text] = name
            self._streams.subscribe(name, self._connection.send)

    def _unsubscribe(self, topics: list[Any]) -> None:
        for topic in topics:
            name = self._names.pop(str(topic), None)
            if name is not None:
                self._streams.unsubscribe(name, self._connection.send)

    def heard(self) -> list[str]:
        """Topics that it hears."""
        return list(self._names)

    def leave(self) -> None:
        """Hear nothing any more."""
        self._unsubscribe(list(self._names))


class PrivateTopics:
    """The private topics of one connection, whose they are once it has signed on."""

    def __init__(self, connection: Connection, clients: BybitClients, wire_ms: Callable[[], int], faults: EventFaults) -> None:
        self._connection, self._clients, self._wire_ms, self._faults = connection, clients, wire_ms, faults
        self._client: BybitClient | None = None
        connection.commands |= {"auth": self._sign_on, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe}

    def _sign_on(self, arguments: list[Any]) -> None:
        key, expires, given = (*arguments, "", "", "")[:3]
        client = self._clients.named(str(key))
        if client is None or not signs_on(client.secret, expires, given, self._wire_ms()):
            raise refusal(10004, "error:sign error or expired")
        self._client = client
        self._faults.caller = Caller(client.name, self._faults.caller.agent)

    def _subscribe(self, topics: list[Any]) -> None:
        if self._client is None:
            raise refusal(10005, "Request not authorized")
        names = [_private(str(topic)) for topic in topics]
        for name in names:
            listeners = self._client.events.listeners[name]
            if self._connection.send not in listeners:
                listeners.append(self._connection.send)

    def _unsubscribe(self, topics: list[Any]) -> None:
        for listeners in (self._client.events.listeners[_private(str(t))] for t in topics) if self._client else ():
            if self._connection.send in listeners:
                listeners.remove(self._connection.send)

    def heard(self) -> list[str]:
        """Topics that it hears."""
        listeners = self._client.events.listeners if self._client else {}
        return [topic for topic, hearing in listeners.items() if self._connection.send in hearing]

    def leave(self) -> None:
        """Hear nothing any more."""
        self._unsubscribe(list(TOPICS))


def _private(topic: str) -> str:
    """The topic, of which the linear category is all there is."""
    name = topic.removesuffix(".linear")
    if name not in TOPICS:
        raise refusal(10001, f"error:handler not found,topic:{topic}")
    return name


class BybitSockets:
    """Accepts the protocol's WebSocket paths."""

    def __init__(
        self, streams: PublicStreams, clients: BybitClients, faults: Faults, latencies: Latencies, opened: OpenSockets,
    ) -> None:
        self._streams, self._clients, self._faults, self._latencies = streams, clients, faults, latencies
        self._opened = opened

    def add_routes(self, app: web.Application) -> None:
        """Public and private paths."""
        for path in (PUBLIC, PRIVATE, *SILENT):
            app.router.add_get(path, self._accept)

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        socket, faults = web.WebSocketResponse(autoping=False), EventFaults(self._faults, caller_of(request), BYBIT_WIRE)
        outbox, private = Outbox(request, socket, faults, self._latencies), request.path == PRIVATE
        connection = Connection(outbox, FILL if private else FEED)
        topics: PublicTopics | PrivateTopics
        if private:
            topics = PrivateTopics(connection, self._clients, self._opened.wire_ms, faults)
        else:
            topics = PublicTopics(connection, self._streams)
        try:
            await socket.prepare(request)
            await self._opened.serve(OpenSocket(request.path, socket, outbox, connection.answer, topics.heard))
        finally:
            topics.leave()
        return socket

"""One client's WebSocket connection: its subscriptions, its user streams and the answers to what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from huracan_platform.simulator.binance.clients import Clients
from huracan_platform.simulator.binance.streams import MarketStreams
from huracan_platform.simulator.binance.subscriptions import StreamName
from huracan_platform.simulator.binance.user_stream import UserEvents
from huracan_platform.simulator.faults.armed import Caller
from huracan_platform.simulator.faults.latencies import FILL
from huracan_platform.simulator.serving.outbox import Outbox
from huracan_platform.simulator.serving.problems import VenueRefusal

MOST_STREAMS = 1_024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class Connection:
    """Answers a client and hands it what it has subscribed to.

    `category` is the first part of its path: "" hears everything, the others acknowledge streams that they do not serve and
    stay silent about them, as the venue does.
    """

    def __init__(self, outbox: Outbox, streams: MarketStreams, clients: Clients, category: str, *, combined: bool) -> None:
        self._outbox, self._streams, self._clients = outbox, streams, clients
        self._category, self._combined = category, combined
        self._names: dict[str, StreamName] = {}
        self._joined: dict[str, tuple[UserEvents, Callable[[str, bytes], None]]] = {}
        self._methods: dict[str, Callable[[list[Any]], Any]] = {
            "SUBSCRIBE": self.subscribe, "UNSUBSCRIBE": self.unsubscribe, "LIST_SUBSCRIPTIONS": self._listed,
            "SET_PROPERTY": self._set_property, "GET_PROPERTY": self._property,
        }

    def send(self, stream: str, message: bytes) -> None:
        """Queue a stream's message."""
        self._outbox.deliver(stream, message, partial(self._framed, stream))

    def join(self, listen_key: str, events: frozenset[str] = frozenset()) -> bool:
        """Hear the user stream of a listen key, all of it or only those events; whether there is such a key. Twice is once."""
        client = self._clients.by_listen_key(listen_key)
        if client is None or self._category not in ("", "/private"):
            return False
        if listen_key not in self._joined:
            listener = partial(self._send_user_event, listen_key, events)
            self._joined[listen_key] = (client.events, listener)
            client.events.listeners.append(listener)
            self._outbox.faults.caller = Caller(client.name, self._outbox.faults.caller.agent)
        return True

    def _send_user_event(self, listen_key: str, wanted: frozenset[str], event: str, message: bytes) -> None:
        if not wanted or event in wanted:
            self._outbox.deliver(event, message, partial(self._framed, listen_key), FILL)

    def _framed(self, stream: str, message: bytes) -> bytes:
        return b'{"stream":"' + stream.encode() + b'","data":' + message + b"}" if self._combined else message

    def heard(self) -> Iterator[str]:
        """Names of the streams it hears, and of the user stream those of its events."""
        yield from self._names
        if self._joined:
            yield from ("ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE", "listenKeyExpired")

    def subscribe(self, texts: list[Any]) -> None:
        """Add streams and listen keys, all or none."""
        wanted = _texts(texts)
        names = [self._streams.subscribers.read(text) for text in wanted if not self._clients.by_listen_key(text)]
        together = len({*self._names, *self._joined, *wanted})
        if together > MOST_STREAMS:
            raise VenueRefusal(2, f"Invalid request: expected at most {MOST_STREAMS} streams on a connection, got {together}")
        for text in wanted:
            self.join(text)
        for name in names:
            self._names[name.text] = name
            if self._category in ("", name.category):
                self._streams.subscribe(name, self.send)

    def unsubscribe(self, texts: list[Any]) -> None:
        """Drop streams and listen keys; those not subscribed are ignored, as the venue does."""
        for text in _texts(texts):
            name, joined = self._names.pop(text, None), self._joined.pop(text, None)
            if name is not None:
                self._streams.unsubscribe(name, self.send)
            if joined is not None:
                events, listener = joined
                events.leave(listener)

    def leave(self) -> None:
        """Drop every subscription and user stream."""
        self.unsubscribe([*self._names, *self._joined])

    def _listed(self, _parameters: list[Any]) -> list[str]:
        return [*self._names, *self._joined]

    def _set_property(self, parameters: list[Any]) -> None:
        name, value = (*parameters, None, None)[:2]
        _check_property(name)
        if not isinstance(value, bool):
            raise VenueRefusal(1, f"Invalid value type: expected Boolean, got {value!r}")
        self._combined = value

    def _property(self, parameters: list[Any]) -> bool:
        _check_property((*parameters, None)[0])
        return self._combined

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

    def _carry_out(self, request: dict[str, Any]) -> Any:
        method, parameters = request.get("method"), request.get("params", [])
        if method not in METHODS:
            raise VenueRefusal(2, f"Invalid request: unknown method {method!r}, expected one of {', '.join(METHODS)}")
        if not isinstance(parameters, list):
            raise VenueRefusal(2, f"Invalid request: expected params to be a list, got {parameters!r}")
        return self._methods[method](parameters)

    def _refuse(self, number: Any, code: int, message: str) -> None:
        self._outbox.put(orjson.dumps({"error": {"code": code, "msg": message}, "id": number}))


def _texts(values: list[Any]) -> list[str]:
    if not all(isinstance(value, str) for value in values):
        raise VenueRefusal(2, f"Invalid request: expected params to be a list of stream names, got {values!r}")
    return values


def _check_property(name: Any) -> None:
    if name != "combined":
        raise VenueRefusal(0, f"Unknown property: expected 'combined', got {name!r}")

"""The user data stream: listen keys on the wire clock, and the events of orders, triggers and account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from huracan_platform.simulator.binance.wire_orders import conditional_event, order_event, trade_lite_event
from huracan_platform.simulator.exchange.orders import Conditional, Fill, Order

LISTEN_KEY_MS = 60 * 60_000
Send = Callable[[str, bytes], None]


@dataclass
class ListenKeys:
    """At most one valid key of an account at a time, as the venue has it; extended by asking again. `owner` is unique."""

    owner: str
    wire_ms: Callable[[], int]
    _issued: int = 0
    _key: str = ""
    _until_ms: int = 0

    def open(self) -> str:
        """The valid key, its hour started anew, or a new one."""
        if not self.valid(self._key):
            self._issued += 1
            self._key = hashlib.sha256(f"{self.owner}/{self._issued}".encode()).hexdigest()
        self._until_ms = self.wire_ms() + LISTEN_KEY_MS
        return self._key

    @property
    def present(self) -> bool:
        """Whether there is a key, valid or about to be told as expired."""
        return bool(self._key)

    def expired(self) -> str:
        """A key whose hour has run out, told once; "" where none has."""
        if not self._key or self.valid(self._key):
            return ""
        key = self._key
        self.close()
        return key

    def expire(self) -> None:
        """Let the hour of the key end now."""
        self._until_ms = 0

    def close(self) -> None:
        """End the key."""
        self._key, self._until_ms = "", 0

    def valid(self, key: str) -> bool:
        """Whether the key is the present one and not expired."""
        return bool(key) and key == self._key and self.wire_ms() < self._until_ms


@dataclass
class UserEvents:
    """Turns what happens in the account into user-stream messages for every connected listener, in order."""

    silent: Callable[[], bool]
    listeners: list[Send] = field(default_factory=list)
    account_event: Callable[[str, str | None, int], dict[str, Any]] | None = None

    def leave(self, listener: Send) -> None:
        """Listen no more; nothing happens where nobody did."""
        if listener in self.listeners:
            self.listeners.remove(listener)

    def key_expired(self, key: str, wire_ms: int) -> None:
        """listenKeyExpired: the last that the key's connections hear."""
        self._publish({"e": "listenKeyExpired", "E": str(wire_ms), "listenKey": key})
        self.listeners.clear()

    def order_changed(self, order: Order, execution: str, fill: Fill | None, market_ms: int) -> None:
        """ORDER_TRADE_UPDATE, and before it TRADE_LITE where it was filled."""
        if self.listeners:
            if execution == "TRADE" and fill is not None:
                self._publish(trade_lite_event(fill))
            self._publish(order_event(order, execution, fill, market_ms))

    def conditional_changed(self, conditional: Conditional, market_ms: int) -> None:
        """ALGO_UPDATE."""
        if self.listeners:
            self._publish(conditional_event(conditional, market_ms))

    def account_changed(self, reason: str, symbol: str | None, market_ms: int) -> None:
        """ACCOUNT_UPDATE."""
        if self.account_event is not None and self.listeners:
            self._publish(self.account_event(reason, symbol, market_ms))

    def leverage_changed(self, symbol: str, leverage: int, market_ms: int) -> None:
        """ACCOUNT_CONFIG_UPDATE."""
        self._publish({"e": "ACCOUNT_CONFIG_UPDATE", "E": market_ms, "T": market_ms, "ac": {"s": symbol, "l": leverage}})

    def margin_called(self, event: dict[str, Any]) -> None:
        """MARGIN_CALL."""
        self._publish(event)

    def _publish(self, event: dict[str, Any]) -> None:
        if self.listeners and not self.silent():
            message = orjson.dumps(event)
            for send in list(self.listeners):
                send(event["e"], message)

"""The venue's clients as Bybit knows them, and what they hear on their private topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
from pydantic import SecretStr

from huracan_platform.simulator.bybit.problems import refusal
from huracan_platform.simulator.bybit.signing import KEY_HEADER, check_signed
from huracan_platform.simulator.bybit.view import View
from huracan_platform.simulator.bybit.wire import conditional_object, execution_object, order_object
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.accounts import Accounts
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.desk_changes import DeskChanges
from huracan_platform.simulator.exchange.margin_settings import MarginSettings
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import AlgoStatus, Conditional, Fill, Order
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.venue import Venue

TOPICS = ("order", "execution", "position", "wallet")
Send = Callable[[str, bytes], None]


@dataclass
class PrivateEvents:
    """Turns what happens in an account into messages for whoever listens to its topics, in order."""

    silent: Callable[[], bool]
    wire_ms: Callable[[], int]
    listeners: dict[str, list[Send]] = field(default_factory=lambda: {topic: [] for topic in TOPICS})
    view: View | None = None

    def order_changed(self, order: Order, execution: str, fill: Fill | None, market_ms: int) -> None:
        """Topic order, and execution where one came of it."""
        if self.view is None or not (self.listeners["order"] or self.listeners["execution"]):
            return
        if fill is not None:
            self._publish("execution", execution_object(fill, self.view.closed_by(fill)))
        self._publish("order", order_object(order, self.view.fee_of(order), self.view.reasons.get(order.order_id, "EC_NoError")))

    def conditional_changed(self, conditional: Conditional, market_ms: int) -> None:
        """Topic order, until it is the order that it made which is told."""
        if self.listeners["order"] and conditional.status not in (AlgoStatus.TRIGGERING, AlgoStatus.FINISHED):
            self._publish("order", conditional_object(conditional, Decimal(0)))

    def leverage_changed(self, symbol: str, leverage: int, market_ms: int) -> None:
        """The protocol tells nothing of it."""

    def account_changed(self, reason: str, symbol: str | None, market_ms: int) -> None:
        """Topics position, where one changed, and wallet."""
        if self.view is None:
            return
        if symbol is not None and self.listeners["position"]:
            self._publish("position", self.view.position(symbol))
        if self.listeners["wallet"]:
            self._publish("wallet", self.view.wallet())

    def _publish(self, topic: str, row: dict[str, Any]) -> None:
        if self.listeners[topic] and not self.silent():
            told = {"id": str(uuid4()), "topic": topic, "creationTime": self.wire_ms(), "data": [row]}
            for send in list(self.listeners[topic]):
                send(topic, orjson.dumps(told))


@dataclass(frozen=True, eq=False)
class BybitClient:
    """Everything of one API key, `name`."""

    name: str
    secret: SecretStr
    account: Account
    desk: OrderDesk
    changes: DeskChanges
    settings: MarginSettings
    events: PrivateEvents
    view: View


class BybitClients(Accounts[BybitClient]):
    """All clients of the venue, the first one first."""

    def __init__(self, venue: Venue, matching: Matching, faults: Faults) -> None:
        super().__init__()
        self._venue, self._matching, self._faults = venue, matching, faults

    def _open(self, name: str, secret: SecretStr, balance: Decimal) -> BybitClient:
        events = PrivateEvents(partial(self._faults.user_stream_silent, name), self._venue.clock.wire_ms)
        account = Account(events, balance)
        self._matching.accounts.append(account)
        desk = OrderDesk(self._venue, self._matching, account)
        desk.refuses_id = partial(self._faults.refuses_id, name)
        events.view = view = View(self._venue, self._matching, desk)
        changes, settings = DeskChanges(self._venue, self._matching, desk), MarginSettings(self._matching, desk)
        return BybitClient(name, secret, account, desk, changes, settings, events, view)

    def signed(self, headers: Mapping[str, str], sent: bytes, skew_ms: int) -> BybitClient:
        """Who sent a signed and fresh request: refused with 10003 where nobody has the key, else as `check_signed` does."""
        client = self.named(headers.get(KEY_HEADER, ""))
        if client is None:
            raise refusal(10003, "API key is invalid.")
        check_signed(client.secret, headers, sent, self._venue.clock.wire_ms() + skew_ms)
        return client

    def tidy(self) -> None:
        """Stops and profits that were set for a position end with it."""
        for client in self:
            for symbol, working in client.account.records.working.items():
                if not client.account.position(symbol).amount:
                    for conditional in [c for c in working.conditionals.values() if c.request.close_position]:
                        client.desk.withdraw_conditional(conditional)

"""The venue's clients: one account for each API key, with everything that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from pydantic import SecretStr

from huracan_platform.simulator.binance.limits import OrderLimits
from huracan_platform.simulator.binance.rest_account import AccountEndpoints
from huracan_platform.simulator.binance.rest_trade import OrderEndpoints
from huracan_platform.simulator.binance.signing import signed_parameters
from huracan_platform.simulator.binance.user_stream import ListenKeys, UserEvents
from huracan_platform.simulator.binance.wire_account import AccountView
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.accounts import Accounts
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.desk_changes import DeskChanges
from huracan_platform.simulator.exchange.margin_calls import MarginCalls
from huracan_platform.simulator.exchange.margin_settings import MarginSettings
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue


@dataclass(frozen=True, eq=False)
class Client:
    """Everything of one API key, `name`."""

    name: str
    secret: SecretStr
    account: Account
    desk: OrderDesk
    changes: DeskChanges
    view: AccountView
    events: UserEvents
    keys: ListenKeys
    orders: OrderEndpoints
    endpoints: AccountEndpoints
    margin_calls: MarginCalls
    limits: OrderLimits = field(default_factory=OrderLimits)


class Clients(Accounts[Client]):
    """All clients of the venue, the first one first."""

    def __init__(self, venue: Venue, matching: Matching, faults: Faults) -> None:
        super().__init__()
        self._venue, self._matching, self._faults = venue, matching, faults

    def _open(self, name: str, secret: SecretStr, balance: Decimal) -> Client:
        venue, matching = self._venue, self._matching
        events = UserEvents(partial(self._faults.user_stream_silent, name))
        account = Account(events, balance)
        matching.accounts.append(account)
        desk = OrderDesk(venue, matching, account)
        desk.refuses_id = partial(self._faults.refuses_id, name)
        changes, view = DeskChanges(venue, matching, desk), AccountView(venue, matching, desk)
        margin = MarginSettings(matching, desk)
        events.account_event = view.event
        return Client(
            name, secret, account, desk, changes, view, events, ListenKeys(f"{venue.incarnation}/{name}", venue.clock.wire_ms),
            OrderEndpoints(venue, matching, desk, changes), AccountEndpoints(venue, matching, account, view, margin),
            MarginCalls(matching, account),
        )

    def by_key(self, headers: Mapping[str, str]) -> Client:
        """Who sent a request: refused with -2014 where it has no key, -2015 where nobody has it."""
        key = headers.get("X-MBX-APIKEY", "")
        if not key:
            raise VenueRefusal(-2014, "API-key format invalid.", 401)
        client = self._by_name.get(key)
        if client is None:
            raise VenueRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return client

    def by_listen_key(self, key: str) -> Client | None:
        """Whose valid listen key it is; None where nobody's."""
        return next((c for c in self if c.keys.valid(key)), None)

    def signed(self, headers: Mapping[str, str], query: bytes, body: bytes, skew_ms: int = 0) -> tuple[Client, dict[str, str]]:
        """Who sent a signed and fresh request, and its parameters; refused as `by_key` and `signed_parameters` do."""
        client = self.by_key(headers)
        return client, signed_parameters(client.secret, query, body, self._venue.clock.wire_ms() + skew_ms)

    def each_tick(self) -> None:
        """What is due on the wire clock: countdowns that have run out, listen keys that end; and calls for margin."""
        for client in self:
            for call in client.margin_calls.due(self._matching.cursor_ms) if client.events.listeners else ():
                client.events.margin_called(call)
            client.changes.expire_countdowns()
            if client.keys.present and self._faults.listen_key_expires(client.name):
                client.keys.expire()
            key = client.keys.expired()
            if key:
                client.events.key_expired(key, self._venue.clock.wire_ms())

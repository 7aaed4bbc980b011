"""Routes under /control: not part of any exchange's protocol, no signature, loopback only."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from aiohttp import web
from pydantic import SecretStr

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.account import STARTING_BALANCE, rounded
from huracan_platform.simulator.exchange.accounts import Accounts, Party
from huracan_platform.simulator.exchange.ledger import ledger
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults, read_faults
from huracan_platform.simulator.faults.latencies import Latencies, read_latencies
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.answers import json_response
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.serving.rest_control import ControlEndpoints, read_object

MOST_BALANCE = Decimal(10**12)  # USDT; amounts stay exact far beyond


class Control:
    """Identity, clock, faults, latencies, accounts and books of the venue, for those who run it."""

    def __init__(
        self, endpoints: ControlEndpoints, matching: Matching, clients: Accounts[Any], faults: Faults, latencies: Latencies,
    ) -> None:
        self._endpoints, self._matching, self._clients = endpoints, matching, clients
        self._faults, self._latencies = faults, latencies

    def add_routes(self, app: web.Application) -> None:
        """Every path of /control."""
        app.router.add_get("/control/identity", self._identity)
        app.router.add_get("/control/ledger", self._ledger)
        for path, handler, methods in (
            ("/control/clock", self._clock, ("GET", "POST")),
            ("/control/accounts", self._accounts, ("GET", "POST")),
            ("/control/faults", self._faulty, ("GET", "POST", "DELETE")),
            ("/control/latencies", self._late, ("GET", "POST", "DELETE")),
        ):
            for method in methods:
                app.router.add_route(method, path, handler)

    async def _identity(self, _request: web.Request) -> web.Response:
        return json_response(self._endpoints.identity())

    async def _clock(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return json_response(self._endpoints.clock())
        self._matching.advance()
        return json_response(self._endpoints.set_clock(await request.read()))

    async def _faulty(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self._faults.arm(read_faults(await request.read()))
        elif request.method == "DELETE":
            self._faults.clear(parameters.integer(request.query, "id"))
        return json_response(orjson.dumps(self._faults.armed))

    async def _late(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self._latencies.set(read_latencies(read_object(await request.read())))
        elif request.method == "DELETE":
            self._latencies.rules.clear()
        return json_response(orjson.dumps([rule.told() for rule in self._latencies.rules]))

    async def _accounts(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            key, secret, balance = _read_account(read_object(await request.read()))
            return json_response(orjson.dumps(_account_object(self._clients.add(SecretStr(key), SecretStr(secret), balance))))
        self._matching.advance()
        return json_response(orjson.dumps([_account_object(client) for client in self._clients]))

    async def _ledger(self, request: web.Request) -> web.Response:
        name = request.query.get("client", "")
        client = self._clients.named(name) if name else self._clients.first
        if client is None:
            raise VenueRefusal(-1130, f"client: expected one of {[c.name for c in self._clients]}, got {name!r}")
        return json_response(ledger(client.account, self._matching, self._faults))


def _account_object(client: Party) -> dict[str, str]:
    return {"api_key": client.name, "wallet": plain(client.account.wallet)}


def _read_account(wanted: dict[str, Any]) -> tuple[str, str, Decimal]:
    """Key, secret and balance in USDT, which may be left out."""
    known = ("api_key", "api_secret", "balance")
    balance = str(wanted.get("balance", STARTING_BALANCE))
    texts = [wanted.get(name) for name in known[:2]]
    if set(wanted) - set(known) or not all(isinstance(text, str) and text for text in texts):
        raise VenueRefusal(-1130, f"account: expected {list(known)} with texts that are not empty, got {sorted(wanted)}")
    try:
        amount = Decimal(balance)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST_BALANCE or amount != rounded(amount):
        expected = f"expected a number from 0 to {MOST_BALANCE:f} with at most eight decimals"
        raise VenueRefusal(-1130, f"balance: {expected}, got {balance!r}")
    return str(texts[0]), str(texts[1]), amount

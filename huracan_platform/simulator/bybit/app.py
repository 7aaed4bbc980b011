"""The venue's application in Bybit's words: routes with signatures, limits, faults and refusals put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from huracan_platform.simulator.bybit.asked import Asked
from huracan_platform.simulator.bybit.client import BybitClients
from huracan_platform.simulator.bybit.envelope import CLOCK, framed, refusals
from huracan_platform.simulator.bybit.fault_wire import BYBIT_WIRE
from huracan_platform.simulator.bybit.limits import Limits
from huracan_platform.simulator.bybit.rest_account import AccountEndpoints
from huracan_platform.simulator.bybit.rest_history import HistoryEndpoints
from huracan_platform.simulator.bybit.rest_market import MarketEndpoints
from huracan_platform.simulator.bybit.rest_position import PositionEndpoints
from huracan_platform.simulator.bybit.rest_trade import TradeEndpoints
from huracan_platform.simulator.bybit.routes import SignedRoute, public_routes, signed_routes
from huracan_platform.simulator.bybit.signing import read_body, read_query
from huracan_platform.simulator.bybit.sockets import BybitSockets
from huracan_platform.simulator.bybit.streams import PublicStreams
from huracan_platform.simulator.exchange.account import STARTING_BALANCE
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.faults.latencies import Latencies
from huracan_platform.simulator.faults.requests import FAULTS, SKEW, WIRE, caller_of, faulty
from huracan_platform.simulator.serving.answers import Handler, json_response
from huracan_platform.simulator.serving.control import Control
from huracan_platform.simulator.serving.open_sockets import OpenSockets, SocketRules
from huracan_platform.simulator.serving.rest_control import ControlEndpoints
from huracan_platform.simulator.venue import Venue

MOST_BODY_BYTES = 1 << 20


class BybitApp:
    """Everything behind the server of one venue. The key and secret are those of its first account."""

    def __init__(self, venue: Venue, api_key: SecretStr, api_secret: SecretStr, *, enforce_limits: bool) -> None:
        self.venue, self.wire_ms = venue, venue.clock.wire_ms
        self.faults, self.limits = Faults(self.wire_ms), Limits(self.wire_ms, enforced=enforce_limits)
        self.matching = Matching(venue)
        self.clients = BybitClients(venue, self.matching, self.faults)
        self.clients.add(api_key, api_secret, STARTING_BALANCE)
        self.streams = PublicStreams(venue, self.matching)
        self.streams.each_tick.append(self.clients.tidy)
        self.latencies, self.opened = Latencies(), OpenSockets(SocketRules(), self.faults, self.wire_ms)
        self.streams.each_tick.append(self.opened.each_tick)
        self.sockets = BybitSockets(self.streams, self.clients, self.faults, self.latencies, self.opened)

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[refusals, faulty], client_max_size=MOST_BODY_BYTES)
        app[FAULTS], app[WIRE], app[CLOCK] = self.faults, BYBIT_WIRE, self.wire_ms
        venue, matching = self.venue, self.matching
        for path, handle in public_routes(MarketEndpoints(venue, matching.books), HistoryEndpoints(venue)).items():
            app.router.add_get(path, self._public(handle))
        trade, position = TradeEndpoints(venue, matching), PositionEndpoints(venue, matching)
        for route in signed_routes(trade, position, AccountEndpoints(venue, matching)):
            app.router.add_route(route.method, route.path, self._signed(route))
        Control(ControlEndpoints(venue), matching, self.clients, self.faults, self.latencies).add_routes(app)
        self.sockets.add_routes(app)
        app.cleanup_ctx.append(self._publishing)
        return app

    async def _publishing(self, _app: web.Application) -> AsyncIterator[None]:
        async with self.streams.running():
            yield
        await self.opened.close()

    def _public(self, handle: Callable[[Asked], dict[str, Any]]) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            self.limits.spend_address()
            return json_response(framed(handle(request.query), self.wire_ms()))

        return answer

    def _signed(self, route: SignedRoute) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            self.limits.spend_address()
            posted = route.method == "POST"
            sent = await request.read() if posted else request.rel_url.raw_query_string.encode()
            client = self.clients.signed(request.headers, sent, request[SKEW])
            headers = self.limits.spend(client.name, route.path, route.per_second)
            if self.latencies.rules and posted:
                await self.latencies.acknowledge(caller_of(request))
            result = route.handle(client, read_body(sent) if posted else read_query(sent))
            self.clients.tidy()
            return json_response(framed(result, self.wire_ms()), headers=headers)

        return answer

"""The venue's application: routes with signatures, weights, faults and refusals put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import orjson
from aiohttp import web
from pydantic import SecretStr

from huracan_platform.simulator.binance.clients import Clients
from huracan_platform.simulator.binance.limits import RateLimits
from huracan_platform.simulator.binance.rest_market import MarketEndpoints
from huracan_platform.simulator.binance.rest_positioning import PositioningEndpoints
from huracan_platform.simulator.binance.rest_tape import TapeEndpoints
from huracan_platform.simulator.binance.routes import (
    Count,
    Parameters,
    Route,
    SignedRoute,
    account_routes,
    market_routes,
    order_routes,
    positioning_routes,
)
from huracan_platform.simulator.binance.sockets import LIFE_MS, MOST_MESSAGES, SocketServer
from huracan_platform.simulator.binance.streams import MarketStreams
from huracan_platform.simulator.exchange.account import STARTING_BALANCE
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.faults.armed import Faults
from huracan_platform.simulator.faults.latencies import Latencies
from huracan_platform.simulator.faults.requests import FAULTS, SKEW, caller_of, faulty
from huracan_platform.simulator.serving.answers import REPORT, Handler, json_response, refusals
from huracan_platform.simulator.serving.control import Control
from huracan_platform.simulator.serving.open_sockets import OpenSockets, SocketRules
from huracan_platform.simulator.serving.rest_control import ControlEndpoints
from huracan_platform.simulator.venue import Venue

MOST_BODY_BYTES = 1 << 20


class VenueApp:
    """Everything behind the server of one venue. The key and secret are those of its first account."""

    def __init__(self, venue: Venue, api_key: SecretStr, api_secret: SecretStr, *, enforce_limits: bool) -> None:
        self.venue, self.faults = venue, Faults(venue.clock.wire_ms)
        self.limits = RateLimits(venue.clock.wire_ms, enforced=enforce_limits)
        self.matching = Matching(venue)
        self.clients = Clients(venue, self.matching, self.faults)
        self.clients.add(api_key, api_secret, STARTING_BALANCE)
        self.streams, self.latencies = MarketStreams(venue, self.matching), Latencies()
        rules = SocketRules(life_ms=LIFE_MS, most_messages=MOST_MESSAGES if enforce_limits else 0)
        self.opened = OpenSockets(rules, self.faults, venue.clock.wire_ms)
        self.streams.each_tick += [self.clients.each_tick, self.opened.each_tick]
        self.sockets = SocketServer(self.streams, self.clients, self.faults, self.latencies, self.opened)

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[refusals, faulty], client_max_size=MOST_BODY_BYTES)
        app[FAULTS] = self.faults
        public = market_routes(MarketEndpoints(self.venue), TapeEndpoints(self.venue, self.matching.books))
        for route in public + positioning_routes(PositioningEndpoints(self.venue)):
            app.router.add_route(route.method, route.path, self._public(route))
        for signed in order_routes() + account_routes():
            app.router.add_route(signed.method, signed.path, self._signed(signed))
        for method in ("POST", "PUT", "DELETE"):
            app.router.add_route(method, "/fapi/v1/listenKey", self._listen_key)
        Control(ControlEndpoints(self.venue), self.matching, self.clients, self.faults, self.latencies).add_routes(app)
        self.sockets.add_routes(app)
        app.cleanup_ctx.append(self._publishing)
        return app

    async def _publishing(self, _app: web.Application) -> AsyncIterator[None]:
        async with self.streams.running():
            yield
        await self.opened.close()

    def _public(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            request[REPORT] = headers = self.limits.spend(_counted(route.weight, lambda: request.query), route.shared)
            return json_response(route.handle(request.query), headers=headers)

        return handle

    def _signed(self, route: SignedRoute) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            query, body = request.rel_url.raw_query_string.encode(), await _body(request)
            request[REPORT] = headers = self.limits.spend(_counted(route.weight, lambda: request.query))
            client, sent = self.clients.signed(request.headers, query, body, request[SKEW])
            if route.orders is not None:
                headers |= self.limits.spend_orders(client.limits, _counted(route.orders, lambda: sent))
            if self.latencies.rules and route.method != "GET":
                await self.latencies.acknowledge(caller_of(request))
            return json_response(route.handle(client, sent), headers=headers)

        return handle

    async def _listen_key(self, request: web.Request) -> web.Response:
        request[REPORT] = headers = self.limits.spend(1)
        keys = self.clients.by_key(request.headers).keys
        if request.method == "DELETE":
            keys.close()
            return json_response(b"{}", headers=headers)
        return json_response(orjson.dumps({"listenKey": keys.open()}), headers=headers)


async def _body(request: web.Request) -> bytes:
    """The body, at once where all of it came with the head, as those of orders do."""
    return request.content.read_nowait() if request.content.is_eof() else await request.read()


def _counted(count: Count, parameters: Callable[[], Parameters]) -> int:
    """What a request counts for; its parameters are taken apart only where that depends on them."""
    return count if isinstance(count, int) else count(parameters())

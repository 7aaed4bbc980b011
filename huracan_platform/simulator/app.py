"""The venue's application: routes with signatures, weights, faults and refusals put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
from aiohttp import web
from pydantic import SecretStr

from huracan_platform.simulator.account import Account
from huracan_platform.simulator.desk import OrderDesk
from huracan_platform.simulator.desk_changes import DeskChanges
from huracan_platform.simulator.fault_requests import FAULTS, SKEW, faulty
from huracan_platform.simulator.faults import Faults, read_fault
from huracan_platform.simulator.ledger import ledger
from huracan_platform.simulator.limits import RateLimits
from huracan_platform.simulator.matching import Matching
from huracan_platform.simulator.problems import VenueRefusal
from huracan_platform.simulator.rest_account import AccountEndpoints
from huracan_platform.simulator.rest_control import ControlEndpoints, read_object
from huracan_platform.simulator.rest_market import MarketEndpoints
from huracan_platform.simulator.rest_positioning import PositioningEndpoints
from huracan_platform.simulator.rest_tape import TapeEndpoints
from huracan_platform.simulator.rest_trade import OrderEndpoints
from huracan_platform.simulator.routes import Route, account_routes, market_routes, order_routes, positioning_routes
from huracan_platform.simulator.signing import Credentials
from huracan_platform.simulator.sockets import SocketServer
from huracan_platform.simulator.streams import MarketStreams
from huracan_platform.simulator.user_stream import ListenKeys, UserEvents
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.wire_account import AccountView

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_BODY_BYTES = 1 << 20


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal with the venue's body; an unknown path with its 404."""
    try:
        return await handler(request)
    except VenueRefusal as refusal:
        body = orjson.dumps({"code": refusal.code, "msg": refusal.message})
        return json_response(body, refusal.status, refusal.headers)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        message = f"Path {request.path}, Method {request.method} is invalid"
        return json_response(orjson.dumps({"code": -5000, "msg": message}), 404)


class VenueApp:
    """Everything behind the server of one venue."""

    def __init__(self, venue: Venue, api_key: SecretStr, api_secret: SecretStr, *, enforce_limits: bool) -> None:
        self.venue, self.faults = venue, Faults(venue.clock.wire_ms)
        self.limits = RateLimits(venue.clock.wire_ms, enforced=enforce_limits)
        self.credentials = Credentials(api_key, api_secret, venue.clock.wire_ms)
        self.keys = ListenKeys(venue.incarnation, venue.clock.wire_ms)
        self.user_events = UserEvents(self.faults.user_stream_silent)
        self.matching = Matching(venue, Account(), self.user_events)
        self.desk = OrderDesk(venue, self.matching, self.user_events)
        self.desk.refuses_id = self.faults.refuses_id
        self.changes = DeskChanges(venue, self.matching, self.desk)
        self.view = AccountView(venue, self.matching, self.desk)
        self.user_events.account_event = self.view.event
        self.streams = MarketStreams(venue, self.matching)
        self.streams.each_tick += [self.changes.expire_countdowns, self._expire_key]
        self.sockets = SocketServer(self.streams, self.keys, self.user_events, self.faults)

    def _expire_key(self) -> None:
        if self.faults.listen_key_expires():
            self.keys.expire()
        key = self.keys.expired()
        if key:
            self.user_events.key_expired(key, self.venue.clock.wire_ms())

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[refusals, faulty], client_max_size=MOST_BODY_BYTES)
        app[FAULTS] = self.faults
        routes = market_routes(MarketEndpoints(self.venue), TapeEndpoints(self.venue, self.matching.books))
        routes += positioning_routes(PositioningEndpoints(self.venue))
        routes += order_routes(OrderEndpoints(self.venue, self.matching, self.desk, self.changes))
        routes += account_routes(AccountEndpoints(self.venue, self.matching, self.view))
        for route in routes:
            app.router.add_route(route.method, route.path, self._rest(route))
        self._add_listen_key(app)
        self._add_control(app)
        self.sockets.add_routes(app)
        app.cleanup_ctx.append(self._publishing)
        return app

    async def _publishing(self, _app: web.Application) -> AsyncIterator[None]:
        async with self.streams.running():
            yield
        await self.sockets.close()

    def _rest(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            sent = await self._signed(request) if route.signed else request.query
            headers = self.limits.spend(route.weight(sent), order=route.order)
            return json_response(route.handle(sent), headers=headers)

        return handle

    async def _signed(self, request: web.Request) -> dict[str, str]:
        query, body = request.rel_url.raw_query_string.encode(), await request.read()
        return self.credentials.signed(request.headers, query, body, skew_ms=request[SKEW])

    def _add_listen_key(self, app: web.Application) -> None:
        async def handle(request: web.Request) -> web.Response:
            self.credentials.check_key(request.headers)
            headers = self.limits.spend(1)
            if request.method == "DELETE":
                self.keys.close()
                return json_response(b"{}", headers=headers)
            return json_response(orjson.dumps({"listenKey": self.keys.open()}), headers=headers)

        for method in ("POST", "PUT", "DELETE"):
            app.router.add_route(method, "/fapi/v1/listenKey", handle)

    def _add_control(self, app: web.Application) -> None:
        control = ControlEndpoints(self.venue)

        async def clock(request: web.Request) -> web.Response:
            if request.method == "GET":
                return json_response(control.clock())
            self.matching.advance()
            return json_response(control.set_clock(await request.read()))

        async def faults(request: web.Request) -> web.Response:
            if request.method == "POST":
                self.faults.armed.append(read_fault(read_object(await request.read())))
            elif request.method == "DELETE":
                self.faults.clear()
            return json_response(orjson.dumps(self.faults.armed))

        async def identity(_request: web.Request) -> web.Response:
            return json_response(control.identity())

        async def books(_request: web.Request) -> web.Response:
            return json_response(ledger(self.desk, self.matching, self.faults))

        app.router.add_get("/control/identity", identity)
        app.router.add_get("/control/ledger", books)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/control/clock", clock)
        for method in ("GET", "POST", "DELETE"):
            app.router.add_route(method, "/control/faults", faults)

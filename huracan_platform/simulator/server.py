"""The venue's HTTP and WebSocket server: routes, weights, refusals; starts, says that it is ready, serves."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from aiohttp import web

from huracan_platform.errors import PermanentError
from huracan_platform.simulator.limits import RateLimits
from huracan_platform.simulator.problems import VenueRefusal
from huracan_platform.simulator.rest_control import ControlEndpoints
from huracan_platform.simulator.rest_market import MarketEndpoints, Query, klines_weight
from huracan_platform.simulator.venue import Venue

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_BODY_BYTES = 1 << 20


@dataclass(frozen=True)
class PublicRoute:
    """One public path: its handler and what it weighs."""

    path: str
    handle: Callable[[Query], bytes]
    weight: Callable[[Query], int]


def _fixed(weight: int) -> Callable[[Query], int]:
    return lambda _query: weight


def public_routes(market: MarketEndpoints) -> list[PublicRoute]:
    """Every public endpoint."""
    return [
        PublicRoute("/fapi/v1/ping", market.ping, _fixed(1)),
        PublicRoute("/fapi/v1/time", market.time, _fixed(1)),
        PublicRoute("/fapi/v1/exchangeInfo", market.exchange_info, _fixed(1)),
        PublicRoute("/fapi/v1/klines", market.klines, klines_weight),
        PublicRoute("/fapi/v1/fundingRate", market.funding_rate, _fixed(1)),
        PublicRoute("/fapi/v1/fundingInfo", market.funding_info, _fixed(0)),
        PublicRoute("/fapi/v1/premiumIndex", market.premium_index, lambda q: 1 if q.get("symbol") else 10),
    ]


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
    except web.HTTPNotFound:
        message = f"Path {request.path}, Method {request.method} is invalid"
        return json_response(orjson.dumps({"code": -5000, "msg": message}), 404)


def build_app(venue: Venue, *, enforce_limits: bool) -> web.Application:
    """The application with every route of the venue."""
    app = web.Application(middlewares=[refusals], client_max_size=MOST_BODY_BYTES)
    limits = RateLimits(venue.clock.wire_ms, enforced=enforce_limits)
    for route in public_routes(MarketEndpoints(venue)):
        app.router.add_get(route.path, _public(route, limits))
    control = ControlEndpoints(venue)

    async def identity(_request: web.Request) -> web.Response:
        return json_response(control.identity())

    async def clock(_request: web.Request) -> web.Response:
        return json_response(control.clock())

    async def set_clock(request: web.Request) -> web.Response:
        return json_response(control.set_clock(await request.read()))

    app.router.add_get("/control/identity", identity)
    app.router.add_get("/control/clock", clock)
    app.router.add_post("/control/clock", set_clock)
    return app


def _public(route: PublicRoute, limits: RateLimits) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        headers = limits.spend(route.weight(request.query))
        return json_response(route.handle(request.query), headers=headers)

    return handle


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises
    ------
    PermanentError
        The address is taken or may not be bound.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PermanentError(f"venue: expected to listen on {host}:{port}, got {error.strerror}") from None
    return listener


async def serve(app: web.Application, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; one line on stdout tells when clients may come."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"venue ready http://{host}:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()

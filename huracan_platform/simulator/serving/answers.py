"""Answers over HTTP: JSON bodies, and refusals as the venue words them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from huracan_platform.simulator.serving.problems import VenueRefusal

# Headers that an answer to the request carries, be it a refusal.
REPORT = "report"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a refusal with the venue's body, and what `request[REPORT]` has gathered; an unknown path with its 404."""
    try:
        return await handler(request)
    except VenueRefusal as refusal:
        body = orjson.dumps({"code": refusal.code, "msg": refusal.message})
        return json_response(body, refusal.status, request.get(REPORT, {}) | refusal.headers)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        message = f"Path {request.path}, Method {request.method} is invalid"
        return json_response(orjson.dumps({"code": -5000, "msg": message}), 404)

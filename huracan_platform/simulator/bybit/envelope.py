"""The frame of every answer: retCode, retMsg, result, retExtInfo and the wall time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from huracan_platform.simulator.bybit.problems import told
from huracan_platform.simulator.serving.answers import json_response
from huracan_platform.simulator.serving.problems import VenueRefusal

CLOCK: web.AppKey[Callable[[], int]] = web.AppKey("clock")
_TOO_FREQUENT = b"access too frequent"


def framed(result: Any, wire_ms: int, code: int = 0, message: str = "OK") -> bytes:
    """An answer as bytes."""
    return orjson.dumps({"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": wire_ms})


@web.middleware
async def refusals(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Answer a refusal with its envelope; under /control as every protocol does, an unknown path with 404."""
    try:
        return await handler(request)
    except VenueRefusal as refusal:
        if request.path.startswith("/control"):
            return json_response(orjson.dumps({"code": refusal.code, "msg": refusal.message}), refusal.status)
        if refusal.status == 403:
            return web.Response(status=403, body=_TOO_FREQUENT, content_type="text/plain")
        code, message = told(refusal)
        return json_response(framed({}, request.app[CLOCK](), code, message), headers=refusal.headers)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return web.Response(status=404, text="404 page not found", content_type="text/plain")

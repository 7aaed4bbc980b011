"""Faults between a request and its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from huracan_platform.simulator.faults.armed import CANDLE_KINDS, REQUEST_KINDS, Caller, Fault, Faults
from huracan_platform.simulator.faults.events import revised
from huracan_platform.simulator.faults.wires import BINANCE_WIRE, FaultWire
from huracan_platform.simulator.serving.problems import VenueRefusal

FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)
SKEW = "skew_ms"
WIRE: web.AppKey[FaultWire] = web.AppKey("wire", FaultWire)


def caller_of(request: web.Request) -> Caller:
    """Who sent a request."""
    return Caller(request.headers.get(wire_of(request).key_header, ""), request.headers.get("User-Agent", ""))


def wire_of(request: web.Request) -> FaultWire:
    """The protocol of the venue; Binance's where the application names none."""
    return request.app.get(WIRE, BINANCE_WIRE)


@web.middleware
async def faulty(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let armed faults come between a request and its answer."""
    if request.path.startswith("/control"):
        return await handler(request)  # type: ignore[no-any-return]
    faults, wire, caller = request.app[FAULTS], wire_of(request), caller_of(request)
    skew = faults.of_request(("clock_skew",), caller, request.method, request.path)
    request[SKEW] = skew.delay_ms if skew else 0
    fault = faults.of_request(REQUEST_KINDS, caller, request.method, request.path, handshake=_is_handshake(request))
    response: web.StreamResponse = await (handler(request) if fault is None else _answered(fault, request, handler))
    if not isinstance(response, web.Response) or response.status != 200:
        return response
    if request.path == wire.time_path and skew:
        return _changed(response, wire, wire.ahead(_read(response), skew.delay_ms))
    if request.path in wire.candle_paths:
        candle = faults.of_request(CANDLE_KINDS, caller, request.method, request.path)
        return _with_candle_fault(candle, wire, response) if candle else response
    return response


async def _answered(fault: Fault, request: web.Request, handler: Any) -> Any:
    """The answer with a delay, a lost connection, a refusal or another body; what befalls a handshake does so before it."""
    before = fault.when == "before" or _is_handshake(request)
    if before and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    carried_out = not before or fault.kind == "delay"
    response = await handler(request) if carried_out else web.Response(status=500)
    if not before and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    if fault.kind == "drop_response" and request.transport is not None:
        request.transport.abort()
    if fault.kind == "refusal":
        raise VenueRefusal(fault.code, fault.message, fault.status)
    if fault.kind == "http_error":
        status, content_type, text = wire_of(request).bodies[fault.body]
        return web.Response(status=status, content_type=content_type, text=text)
    return response


def _is_handshake(request: web.Request) -> bool:
    return "Upgrade" in request.headers


def _read(response: web.Response) -> Any:
    return orjson.loads(bytes(response.body))  # type: ignore[arg-type]  # the venue answers with bytes


def _changed(response: web.Response, wire: FaultWire, value: Any) -> web.Response:
    kept = {name: text for name, text in response.headers.items() if name.startswith(wire.kept_headers)}
    return web.Response(body=orjson.dumps(value), content_type="application/json", headers=kept)


def _with_candle_fault(fault: Fault, wire: FaultWire, response: web.Response) -> web.Response:
    """The answer with a bar left out or closing elsewhere; as it is where the bar is not among its bars."""
    answer = _read(response)
    rows = wire.rows(answer)
    at = next((i for i, row in enumerate(rows) if int(row[0]) == fault.candle_ms), -1) if fault.candle_ms else len(rows) // 2
    if not 0 <= at < len(rows):
        return response
    if fault.kind == "missing_candle":
        del rows[at]
    else:
        rows[at][4] = revised(rows[at][2], rows[at][3], rows[at][4])
    return _changed(response, wire, answer)

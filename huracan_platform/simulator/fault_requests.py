"""Faults between a request and its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from huracan_platform.simulator.fault_events import revised
from huracan_platform.simulator.faults import BODIES, CANDLE_KINDS, REQUEST_KINDS, Caller, Fault, Faults

FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)
SKEW = "skew_ms"
CANDLE_PATHS = ("/fapi/v1/klines", "/fapi/v1/continuousKlines")
TIME_PATH = "/fapi/v1/time"


def caller_of(request: web.Request) -> Caller:
    """Who sent a request."""
    return Caller(request.headers.get("X-MBX-APIKEY", ""), request.headers.get("User-Agent", ""))


@web.middleware
async def faulty(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let armed faults come between a request and its answer."""
    faults, caller = request.app[FAULTS], caller_of(request)
    skew = faults.of_request(("clock_skew",), caller, request.method, request.path)
    request[SKEW] = skew.delay_ms if skew else 0
    fault = faults.of_request(REQUEST_KINDS, caller, request.method, request.path)
    response: web.StreamResponse = await (handler(request) if fault is None else _answered(fault, request, handler))
    if not isinstance(response, web.Response) or response.status != 200:
        return response
    if request.path == TIME_PATH and skew:
        return _changed(response, {"serverTime": _read(response)["serverTime"] + skew.delay_ms})
    if request.path in CANDLE_PATHS:
        candle = faults.of_request(CANDLE_KINDS, caller, request.method, request.path)
        return _changed(response, _with_candle_fault(candle, _read(response))) if candle else response
    return response


async def _answered(fault: Fault, request: web.Request, handler: Any) -> Any:
    """The answer with a delay, a lost connection or another body."""
    if fault.when == "before" and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    carried_out = fault.when == "after" or fault.kind == "delay"
    response = await handler(request) if carried_out else web.Response(status=500)
    if fault.when == "after" and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    if fault.kind == "drop_response" and request.transport is not None:
        request.transport.abort()
    if fault.kind == "http_error":
        status, content_type, text = BODIES[fault.body]
        return web.Response(status=status, content_type=content_type, text=text)
    return response


def _read(response: web.Response) -> Any:
    return orjson.loads(bytes(response.body))  # type: ignore[arg-type]  # the venue answers with bytes


def _changed(response: Any, value: Any) -> web.Response:
    kept = {name: text for name, text in response.headers.items() if name.startswith("X-MBX")}
    return web.Response(body=orjson.dumps(value), content_type="application/json", headers=kept)


def _with_candle_fault(fault: Fault, rows: list[list[Any]]) -> list[list[Any]]:
    """The rows of an answer with one of them left out or closing elsewhere; as they are where the bar is not among them."""
    at = next((i for i, row in enumerate(rows) if row[0] == fault.candle_ms), -1) if fault.candle_ms else len(rows) // 2
    if not 0 <= at < len(rows):
        return rows
    if fault.kind == "missing_candle":
        return rows[:at] + rows[at + 1 :]
    row = list(rows[at])
    row[4] = revised(row[2], row[3], row[4])
    return [*rows[:at], row, *rows[at + 1 :]]

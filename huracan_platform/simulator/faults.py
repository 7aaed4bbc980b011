"""Faults on demand: the next requests under a path lose their answer, come late, or get what no client expects."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from huracan_platform.simulator.problems import VenueRefusal

# Bodies that are not the venue's: what a proxy, a crash or an overload sends instead.
BODIES: dict[str, tuple[int, str, str]] = {
    "html_502": (502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"),
    "html_500": (500, "text/html", "<html><body><h1>Internal Server Error</h1></body></html>"),
    "unknown_503": (503, "application/json", '{"code":-1006,"msg":"An unexpected response was received from the message bus. '
                    'Execution status unknown."}'),
    "timeout_503": (503, "application/json", '{"code":-1007,"msg":"Timeout waiting for response from backend server. '
                    'Send status unknown; execution status unknown."}'),
    "truncated": (200, "application/json", '{"orderId":80000'),
    "ok_error": (200, "application/json", '{"code":-1007,"msg":"Timeout waiting for response from backend server."}'),
    "limit_429": (429, "application/json", '{"code":-1003,"msg":"Too many requests."}'),
}
_MOST_DELAY_MS = 120_000
_KINDS = ("drop_response", "delay", "http_error", "silent_user_stream", "expire_listen_key")
STANDING = ("silent_user_stream", "expire_listen_key")  # not used up by a request
_KEYS = {"kind", "path", "method", "count", "delay_ms", "when", "body"}


@dataclass
class Fault:
    """One armed fault. `when` says whether the request is carried out before the fault shows ("after") or not at all.

    drop_response: the connection closes without an answer. delay: the request waits before ("before") or its answer
    after ("after") it was carried out. http_error: `body` names what is sent instead of the answer. silent_user_stream: the
    user stream says nothing. expire_listen_key: the listen key ends at once.
    """

    kind: str
    path: str
    method: str
    count: int
    delay_ms: int
    when: str
    body: str

    def meets(self, method: str, path: str) -> bool:
        """Whether it is armed for such a request."""
        return self.count > 0 and path.startswith(self.path) and self.method in ("", method)


def read_fault(wanted: dict[str, Any]) -> Fault:
    """A fault from its JSON object; what is not one is refused with what was expected."""
    unknown = set(wanted) - _KEYS
    fault = Fault(
        kind=wanted.get("kind", ""), path=wanted.get("path", "/fapi"), method=str(wanted.get("method", "")).upper(),
        count=wanted.get("count", 1), delay_ms=wanted.get("delay_ms", 0), when=wanted.get("when", "after"),
        body=wanted.get("body", "html_502"),
    )
    checks = [
        (not unknown, f"fields: expected {sorted(_KEYS)}, got {sorted(unknown)}"),
        (fault.kind in _KINDS, f"kind: expected one of {list(_KINDS)}, got {fault.kind!r}"),
        (str(fault.path).startswith("/fapi"), f"path: expected a prefix under /fapi, got {fault.path!r}"),
        (isinstance(fault.count, int) and fault.count >= 1, f"count: expected a whole number from 1, got {fault.count!r}"),
        (isinstance(fault.delay_ms, int) and 0 <= fault.delay_ms <= _MOST_DELAY_MS,
         f"delay_ms: expected 0 to {_MOST_DELAY_MS}, got {fault.delay_ms!r}"),
        (fault.when in ("before", "after"), f"when: expected before or after, got {fault.when!r}"),
        (fault.body in BODIES, f"body: expected one of {sorted(BODIES)}, got {fault.body!r}"),
    ]
    for holds, message in checks:
        if not holds:
            raise VenueRefusal(-1130, message)
    return fault


class Faults:
    """Armed faults of the venue, used up in the order in which they were armed."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []

    @property
    def user_stream_silent(self) -> bool:
        """The user stream stays connected and says nothing."""
        return any(f.kind == "silent_user_stream" for f in self.armed)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault for such a request, one use of it spent."""
        for fault in self.armed:
            if fault.kind not in STANDING and fault.meets(method, path):
                fault.count -= 1
                if fault.count == 0:
                    self.armed.remove(fault)
                return fault
        return None

    def take_expiry(self) -> bool:
        """Whether the listen key is to end now; one use of it spent."""
        expiring = [f for f in self.armed if f.kind == "expire_listen_key"]
        if expiring:
            self.armed.remove(expiring[0])
        return bool(expiring)

    def clear(self) -> None:
        """Disarm all."""
        self.armed.clear()


@web.middleware
async def faulty(request: web.Request, handler: Any) -> web.StreamResponse:
    """Let an armed fault come between a request and its answer."""
    fault = request.app[FAULTS].take(request.method, request.path)
    response: web.StreamResponse
    if fault is None:
        response = await handler(request)
        return response
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


FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)

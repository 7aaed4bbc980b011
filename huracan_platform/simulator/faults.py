"""Faults on demand: which are armed, whom they meet, and what they have done. Carried out in fault_requests, fault_events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

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
    "banned_418": (418, "application/json", '{"code":-1003,"msg":"Way too many requests; IP banned."}'),
}
_MOST_DELAY_MS = 120_000
PATHS = ("/fapi", "/futures", "/v5")  # of the protocols; those under /control are never touched
REQUEST_KINDS = ("drop_response", "delay", "http_error", "refusal")
CANDLE_KINDS = ("missing_candle", "revised_candle")
EVENT_KINDS = ("duplicate_event", "reorder_events", "late_event", "book_gap", "silent_stream", *CANDLE_KINDS)
# In force until cleared or until their time is over; not used up by what they meet.
STANDING = ("silent_user_stream", "silent_stream", "clock_skew", "id_reuse")
_KINDS = tuple(dict.fromkeys([*REQUEST_KINDS, *EVENT_KINDS, *STANDING, "expire_listen_key"]))
ID_MODES = ("open-only", "permanent", "none")


@dataclass
class Fault:
    """One armed fault.

    drop_response: the connection closes without an answer. delay: the request waits before ("before") or its answer after
    ("after") it was carried out. http_error: `body` names what is sent instead. refusal: the venue's own error `code` with
    `message` and HTTP `status` is. For these `when` says whether the request is carried out before the fault shows ("after")
    or not at all.
    duplicate_event, late_event (by `delay_ms`), reorder_events (after the next one): a stream's message comes so. book_gap:
    a depth difference is left out. silent_stream, silent_user_stream: nothing is said. expire_listen_key: it ends at once.
    missing_candle, revised_candle: the bar that opens at `candle_ms` (0: the middle one of an answer, any closed one of a
    stream) is left out, or closes elsewhere. clock_skew: the venue's wall clock is `delay_ms` ahead (negative: behind).
    id_reuse: `mode` says which client order ids are refused: those of open orders, all ever used, or none.

    `path` is a prefix, and so is `stream`, "" for all; user events go by their names. `client` is an API key or a part of a
    User-Agent, "" for everyone; silent_user_stream, expire_listen_key and id_reuse know an account by its key only.
    It is in force from `from_ms` to before `until_ms` of wire time, 0 for no bound.
    """

    kind: str = ""
    path: str = ""
    method: str = ""
    count: int = 1
    delay_ms: int = 0
    when: str = "after"
    body: str = "html_502"
    client: str = ""
    stream: str = ""
    from_ms: int = 0
    until_ms: int = 0
    candle_ms: int = 0
    mode: str = "open-only"
    code: int = 0
    message: str = "Refused by an armed fault."
    status: int = 400


@dataclass(frozen=True)
class Caller:
    """Who asks or listens: its API key ("" where it sent none) and User-Agent."""

    key: str = ""
    agent: str = ""

    def called(self, name: str) -> bool:
        """Whether the name is its key or a part of its agent; everyone is called ""."""
        return not name or name == self.key or name in self.agent


def read_fault(wanted: dict[str, Any]) -> Fault:
    """A fault from its JSON object; what is not one is refused with what was expected."""
    known = {f.name: f.default for f in fields(Fault)}
    for name, value in wanted.items():
        if name not in known or type(value) is not type(known[name]):
            raise VenueRefusal(-1130, f"fields: expected {sorted(known)} as text or whole numbers, got {name}={value!r}")
    fault = Fault(**wanted)
    fault.method = fault.method.upper()
    least = -_MOST_DELAY_MS if fault.kind == "clock_skew" else 0
    checks = [
        (fault.kind in _KINDS, f"kind: expected one of {list(_KINDS)}, got {fault.kind!r}"),
        (not fault.path or fault.path.startswith(PATHS), f"path: expected a prefix under {list(PATHS)}, got {fault.path!r}"),
        (fault.count >= 1, f"count: expected a whole number from 1, got {fault.count!r}"),
        (least <= fault.delay_ms <= _MOST_DELAY_MS, f"delay_ms: expected {least} to {_MOST_DELAY_MS}, got {fault.delay_ms!r}"),
        (fault.when in ("before", "after"), f"when: expected before or after, got {fault.when!r}"),
        (fault.body in BODIES, f"body: expected one of {sorted(BODIES)}, got {fault.body!r}"),
        (fault.kind != "refusal" or fault.code != 0, f"code: expected the number of an error, got {fault.code!r}"),
        (400 <= fault.status <= 599, f"status: expected 400 to 599, got {fault.status!r}"),
        (fault.mode in ID_MODES, f"mode: expected one of {list(ID_MODES)}, got {fault.mode!r}"),
    ]
    for holds, message in checks:
        if not holds:
            raise VenueRefusal(-1130, message)
    return fault


class Faults:
    """Armed faults of the venue, used up in the order in which they were armed, and every time that one struck."""

    def __init__(self, wire_ms: Callable[[], int]) -> None:
        self._wire_ms = wire_ms
        self.armed: list[Fault] = []
        self.struck: list[dict[str, Any]] = []

    def of_request(self, kinds: tuple[str, ...], caller: Caller, method: str, path: str) -> Fault | None:
        """The first fault of these kinds for such a request, one use of it spent."""
        for fault in self._in_force(kinds, caller):
            if path.startswith(fault.path) and fault.method in ("", method):
                return self._strike(fault, path, method, caller)
        return None

    def of_event(self, caller: Caller, stream: str, meets: Callable[[Fault], bool]) -> Fault | None:
        """The first fault for such a stream's message that also `meets` it, one use of it spent."""
        for fault in self._in_force(EVENT_KINDS, caller):
            if stream.startswith(fault.stream) and meets(fault):
                return self._strike(fault, stream, "", caller)
        return None

    def user_stream_silent(self, key: str) -> bool:
        """The user stream of an account stays connected and says nothing."""
        silencing = self._in_force(("silent_user_stream",), Caller(key))
        return bool(silencing) and self._strike(silencing[0], "user stream", "", Caller(key)) is not None

    def listen_key_expires(self, key: str) -> bool:
        """Whether the listen key of an account is to end now; one use of it spent."""
        expiring = self._in_force(("expire_listen_key",), Caller(key))
        return bool(expiring) and self._strike(expiring[0], "listenKey", "", Caller(key)) is not None

    def refuses_id(self, key: str, client_order_id: str, open_now: bool, ever: bool) -> bool:
        """Whether a client order id is refused that an open order of the account has now, or that one ever had."""
        modes = self._in_force(("id_reuse",), Caller(key))
        refused = {"open-only": open_now, "permanent": ever, "none": False}[modes[-1].mode] if modes else open_now
        if refused != open_now:
            self._strike(modes[-1], client_order_id, "", Caller(key))
        return refused

    def clear(self) -> None:
        """Disarm all; what they have done stays known."""
        self.armed.clear()

    def _in_force(self, kinds: tuple[str, ...], caller: Caller) -> list[Fault]:
        if not self.armed:
            return []
        now = self._wire_ms()
        return [
            f for f in self.armed
            if f.kind in kinds and f.from_ms <= now and (not f.until_ms or now < f.until_ms)
            and caller.called(f.client)
        ]

    def _strike(self, fault: Fault, target: str, method: str, caller: Caller) -> Fault:
        self.struck.append({
            "kind": fault.kind, "target": target, "method": method, "client": caller.key or caller.agent,
            "wire_ms": self._wire_ms(),
        })
        if fault.kind not in STANDING:
            fault.count -= 1
            if fault.count == 0:
                self.armed.remove(fault)
        return fault

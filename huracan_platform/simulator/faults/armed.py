"""Faults on demand: which are armed, whom they meet, and what they have done. Carried out in fault_requests, fault_events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Any

import orjson

from huracan_platform.simulator.faults.chance import uniform
from huracan_platform.simulator.serving.problems import VenueRefusal

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
_MOST_STRUCK = 100_000
# A time below this is one since the fault was armed; as ms since 1970 it would lie in 2001.
_SINCE_ARMED_MS = 1_000_000_000_000
PATHS = ("/fapi", "/futures", "/v5")  # of the protocols; those under /control are never touched
SOCKET_PATHS = ("/ws", "/stream", "/public", "/market", "/private", "/v5")
REQUEST_KINDS = ("drop_response", "delay", "http_error", "refusal")
CANDLE_KINDS = ("missing_candle", "revised_candle")
EVENT_KINDS = ("duplicate_event", "reorder_events", "late_event", "book_gap", "silent_stream", *CANDLE_KINDS)
# In force until cleared or until their time is over; not used up by what they meet.
STANDING = ("silent_user_stream", "silent_stream", "clock_skew", "id_reuse")
# They happen by themselves as soon as they are in force: nothing comes along that could be met or missed.
AT_ONCE = ("expire_listen_key", "cut_sockets")
_KINDS = tuple(dict.fromkeys([*REQUEST_KINDS, *EVENT_KINDS, *STANDING, *AT_ONCE]))
ID_MODES = ("open-only", "permanent", "none")


@dataclass
class Fault:
    """One armed fault.

    drop_response: the connection closes without an answer. delay: the request waits before ("before") or its answer after
    ("after") it was carried out. http_error: `body` names what is sent instead. refusal: the venue's own error `code` with
    `message` and HTTP `status` is. For these `when` says whether the request is carried out before the fault shows ("after")
    or not at all. Where their `path` is one of sockets, no connection comes about, or late.
    duplicate_event, late_event (by `delay_ms`), reorder_events (after the next one): a stream's message comes so. book_gap:
    a depth difference is left out. silent_stream, silent_user_stream: nothing is said. expire_listen_key: it ends at once.
    cut_sockets: the connection is lost without a word, each of `count`; with `stream` only those that hear such a one.
    missing_candle, revised_candle: the bar that opens at `candle_ms` (0: the middle one of an answer, any closed one of a
    stream) is left out, or closes elsewhere. clock_skew: the venue's wall clock is `delay_ms` ahead (negative: behind).
    id_reuse: `mode` says which client order ids are refused: those of open orders, all ever used, or none.

    `path` is a prefix, and so is `stream`, "" for all; user events go by their names. `client` is an API key or a part of a
    User-Agent, "" for everyone; silent_user_stream, expire_listen_key and id_reuse know an account by its key only.
    It is in force from `from_ms` to before `until_ms` of wire time, 0 for no bound; below 10^12 they count from its arming.
    With a `probability` below 1 it strikes some of what it meets: whether the k-th, depends on `seed` and k only. `met` counts
    what it has met; `id` is the number that the ledger tells.
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
    probability: float = 1.0
    seed: int = 0
    id: int = field(default=0, init=False)
    met: int = field(default=0, init=False)

    def strikes(self) -> bool:
        """Whether it strikes what it now meets."""
        self.met += 1
        return self.probability >= 1 or uniform(self.seed, "fault", self.met) < self.probability


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
    known = {f.name: f.default for f in fields(Fault) if f.init}
    for name, value in wanted.items():
        fits = name in known and (type(value) is type(known[name]) or (name == "probability" and type(value) is int))
        if not fits:
            raise VenueRefusal(-1130, f"fields: expected {sorted(known)} as text or numbers, got {name}={value!r}")
    fault = Fault(**wanted)
    fault.method = fault.method.upper()
    for holds, message in [*_kind_checks(fault), *_scope_checks(fault)]:
        if not holds:
            raise VenueRefusal(-1130, message)
    return fault


def _kind_checks(fault: Fault) -> list[tuple[bool, str]]:
    least = -_MOST_DELAY_MS if fault.kind == "clock_skew" else 0
    return [
        (fault.kind in _KINDS, f"kind: expected one of {list(_KINDS)}, got {fault.kind!r}"),
        (least <= fault.delay_ms <= _MOST_DELAY_MS, f"delay_ms: expected {least} to {_MOST_DELAY_MS}, got {fault.delay_ms!r}"),
        (fault.when in ("before", "after"), f"when: expected before or after, got {fault.when!r}"),
        (fault.body in BODIES, f"body: expected one of {sorted(BODIES)}, got {fault.body!r}"),
        (fault.kind != "refusal" or fault.code != 0, f"code: expected the number of an error, got {fault.code!r}"),
        (400 <= fault.status <= 599, f"status: expected 400 to 599, got {fault.status!r}"),
        (fault.mode in ID_MODES, f"mode: expected one of {list(ID_MODES)}, got {fault.mode!r}"),
    ]


def _scope_checks(fault: Fault) -> list[tuple[bool, str]]:
    paths = SOCKET_PATHS if fault.kind == "cut_sockets" else PATHS + SOCKET_PATHS if fault.kind in REQUEST_KINDS else PATHS
    return [
        (not fault.path or fault.path.startswith(paths), f"path: expected a prefix under {list(paths)}, got {fault.path!r}"),
        (fault.count >= 1, f"count: expected a whole number from 1, got {fault.count!r}"),
        (fault.from_ms >= 0, f"from_ms: expected ms from 0, got {fault.from_ms!r}"),
        (fault.until_ms >= 0, f"until_ms: expected ms from 0, got {fault.until_ms!r}"),
        (0 < fault.probability <= 1, f"probability: expected more than 0 and at most 1, got {fault.probability!r}"),
        (fault.kind not in AT_ONCE or fault.probability == 1, f"probability: expected 1 of {fault.kind}, got less"),
        (fault.seed >= 0, f"seed: expected a whole number from 0, got {fault.seed!r}"),
    ]


def read_faults(body: bytes) -> list[Fault]:
    """One fault or a script of several, as a JSON object or a list of objects; all are right or none is taken."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise VenueRefusal(-1130, f"body: expected a JSON object or a list of them, got {body[:80]!r} ({error})") from None
    script = value if isinstance(value, list) else [value]
    if not script or not all(isinstance(one, dict) for one in script):
        raise VenueRefusal(-1130, f"body: expected a JSON object or a list of them, got {body[:80]!r}")
    return [read_fault(one) for one in script]


class Faults:
    """Armed faults of the venue, used up in the order in which they were armed, and the latest times that one struck."""

    def __init__(self, wire_ms: Callable[[], int]) -> None:
        self._wire_ms, self._ids = wire_ms, count(1)
        self.armed: list[Fault] = []
        self.struck: list[dict[str, Any]] = []

    def arm(self, faults: list[Fault]) -> None:
        """Number faults, count their times from now where they are told so, and let them wait for what they meet."""
        now = self._wire_ms()
        for fault in faults:
            fault.id = next(self._ids)
            bounds = (fault.from_ms, fault.until_ms)
            fault.from_ms, fault.until_ms = (ms + now if 0 < ms < _SINCE_ARMED_MS else ms for ms in bounds)
        self.armed += faults

    def of_request(
        self, kinds: tuple[str, ...], caller: Caller, method: str, path: str, *, handshake: bool = False,
    ) -> Fault | None:
        """The first fault of these kinds that strikes such a request, one use of it spent. That for a socket is only struck
        by those that name its path."""
        for fault in self._in_force(kinds, caller):
            meant = path.startswith(fault.path) and fault.method in ("", method) and bool(fault.path or not handshake)
            if meant and fault.strikes():
                return self._strike(fault, path, method, caller)
        return None

    def of_event(self, caller: Caller, stream: str, meets: Callable[[Fault], bool]) -> Fault | None:
        """The first fault that `meets` and strikes such a stream's message, one use of it spent."""
        for fault in self._in_force(EVENT_KINDS, caller):
            if stream.startswith(fault.stream) and meets(fault) and fault.strikes():
                return self._strike(fault, stream, "", caller)
        return None

    def cuts(self, caller: Caller, path: str, streams: Iterable[str]) -> bool:
        """Whether a socket is lost now; one use of the fault spent."""
        for fault in self._in_force(("cut_sockets",), caller):
            if path.startswith(fault.path) and (not fault.stream or any(s.startswith(fault.stream) for s in streams)):
                return self._strike(fault, path, "", caller) is not None
        return False

    def user_stream_silent(self, key: str) -> bool:
        """The user stream of an account stays connected and says nothing."""
        caller = Caller(key)
        silencing = next((f for f in self._in_force(("silent_user_stream",), caller) if f.strikes()), None)
        return silencing is not None and self._strike(silencing, "user stream", "", caller) is not None

    def listen_key_expires(self, key: str) -> bool:
        """Whether the listen key of an account is to end now; one use of it spent."""
        expiring = self._in_force(("expire_listen_key",), Caller(key))
        return bool(expiring) and self._strike(expiring[0], "listenKey", "", Caller(key)) is not None

    def refuses_id(self, key: str, client_order_id: str, open_now: bool, ever: bool) -> bool:
        """Whether a client order id is refused that an open order of the account has now, or that one ever had."""
        if not self.armed:
            return open_now
        mode = next((f for f in reversed(self._in_force(("id_reuse",), Caller(key))) if f.strikes()), None)
        if mode is None:
            return open_now
        refused = {"open-only": open_now, "permanent": ever, "none": False}[mode.mode]
        if refused != open_now:
            self._strike(mode, client_order_id, "", Caller(key))
        return refused

    def clear(self, number: int | None = None) -> None:
        """Disarm the fault of a number, or all; what they have done stays known."""
        self.armed = [] if number is None else [f for f in self.armed if f.id != number]

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
            "fault": fault.id, "kind": fault.kind, "target": target, "method": method, "client": caller.key or caller.agent,
            "wire_ms": self._wire_ms(),
        })
        del self.struck[:-_MOST_STRUCK]
        if fault.kind not in STANDING:
            fault.count -= 1
            if fault.count == 0:
                self.armed.remove(fault)
        return fault

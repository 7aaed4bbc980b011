"""Request weights and order counts per wire-clock window, refused with 429 and then banned with 418."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from huracan_platform.simulator.serving.problems import VenueRefusal

MINUTE, TEN_SECONDS, FIVE_MINUTES = 60_000, 10_000, 300_000
WEIGHT_PER_MINUTE = 2_400
ORDERS_PER_TEN_SECONDS = 300
ORDERS_PER_MINUTE = 1_200
REFUSALS_BEFORE_BAN = 10  # within a minute
FIRST_BAN_S = 120
LONGEST_BAN_S = 3 * 86_400

RATE_LIMITS: list[dict[str, Any]] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_PER_MINUTE},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": ORDERS_PER_MINUTE},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_PER_TEN_SECONDS},
]


@dataclass(frozen=True)
class SharedLimit:
    """So many requests to several paths together in a window of so many ms."""

    name: str
    most: int
    window_ms: int


FUNDING_LIMIT = SharedLimit("funding", 500, FIVE_MINUTES)
STATISTICS_LIMIT = SharedLimit("statistics", 1_000, FIVE_MINUTES)


class Windows:
    """Counters that begin anew with each window of the wire clock."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], tuple[int, int]] = {}

    def count(self, window_ms: int, by: int, now: int, name: str = "") -> int:
        """Add to the window of that name and length, and return what it holds."""
        window = now // window_ms
        since, used = self._windows.get((name, window_ms), (window, 0))
        used = used + by if since == window else by
        self._windows[name, window_ms] = (window, used)
        return used


class OrderLimits(Windows):
    """Counts the orders of one account."""


class RateLimits:
    """The weight of an address' requests: of all clients, who come from the loopback.

    `enforced` False counts and reports but never refuses.
    """

    def __init__(self, wire_ms: Callable[[], int], *, enforced: bool) -> None:
        self._wire_ms, self._enforced = wire_ms, enforced
        self._counted, self._refused = Windows(), Windows()
        self._bans = 0
        self._banned_until_ms = 0

    def spend(self, weight: int, shared: SharedLimit | None = None) -> dict[str, str]:
        """Count a request; returns the header that reports its weight.

        Raises
        ------
        VenueRefusal
            -1003 with status 429 over a limit, 418 after too many of those; `Retry-After` in seconds of wire time. Each
            ban is twice as long as the one before.
        """
        now = self._wire_ms()
        if now < self._banned_until_ms:
            raise self._banned(now)
        used = self._counted.count(MINUTE, weight, now)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if used > WEIGHT_PER_MINUTE:
            message = f"Too many requests; current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE."
            self._refuse(-1003, message, MINUTE, now, headers)
        if shared is not None and self._counted.count(shared.window_ms, 1, now, shared.name) > shared.most:
            message = f"Too many requests; current limit is {shared.most} requests per {shared.window_ms // MINUTE} MINUTE."
            self._refuse(-1003, message, shared.window_ms, now, headers)
        return headers

    def spend_orders(self, orders: OrderLimits, number: int) -> dict[str, str]:
        """Count orders of an account; returns the headers that report them. -1015 over a limit, else as `spend`."""
        now = self._wire_ms()
        ten, minute = orders.count(TEN_SECONDS, number, now), orders.count(MINUTE, number, now)
        headers = {"X-MBX-ORDER-COUNT-10S": str(ten), "X-MBX-ORDER-COUNT-1M": str(minute)}
        if minute > ORDERS_PER_MINUTE:
            message = f"Too many new orders; current limit is {ORDERS_PER_MINUTE} orders per 1 MINUTE."
            self._refuse(-1015, message, MINUTE, now, headers)
        if ten > ORDERS_PER_TEN_SECONDS:
            message = f"Too many new orders; current limit is {ORDERS_PER_TEN_SECONDS} orders per 10 SECOND."
            self._refuse(-1015, message, TEN_SECONDS, now, headers)
        return headers

    def _refuse(self, code: int, message: str, window_ms: int, now: int, headers: dict[str, str]) -> None:
        if not self._enforced:
            return
        if self._refused.count(MINUTE, 1, now) > REFUSALS_BEFORE_BAN:
            self._refused = Windows()
            self._banned_until_ms = now + 1_000 * min(LONGEST_BAN_S, FIRST_BAN_S << self._bans)
            self._bans += 1
            raise self._banned(now)
        raise VenueRefusal(code, message, 429, headers | {"Retry-After": str(_seconds(window_ms - now % window_ms))})

    def _banned(self, now: int) -> VenueRefusal:
        message = f"Way too many requests; IP banned until {self._banned_until_ms}. Please use the websocket for live updates."
        return VenueRefusal(-1003, message, 418, {"Retry-After": str(_seconds(self._banned_until_ms - now))})


def _seconds(ms: int) -> int:
    """Whole seconds, never too few."""
    return -(-ms // 1_000)

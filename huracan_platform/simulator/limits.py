"""Request weights and order counts per wire-clock window, refused with 429 and then banned with 418."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from huracan_platform.simulator.problems import VenueRefusal

WEIGHT_PER_MINUTE = 2_400
ORDERS_PER_TEN_SECONDS = 300
ORDERS_PER_MINUTE = 1_200
REFUSALS_BEFORE_BAN = 10
BAN_S = 120

RATE_LIMITS: list[dict[str, Any]] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_PER_MINUTE},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": ORDERS_PER_MINUTE},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_PER_TEN_SECONDS},
]


class Windows:
    """Counters that begin anew with each window of the wire clock."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[int, int]] = {}

    def count(self, window_ms: int, by: int, now: int) -> int:
        """Add to the window of that length, and return what it holds."""
        window = now // window_ms
        since, used = self._windows.get(window_ms, (window, 0))
        used = used + by if since == window else by
        self._windows[window_ms] = (window, used)
        return used


class OrderLimits(Windows):
    """Counts the orders of one account."""

    def spend(self, now: int) -> tuple[dict[str, str], bool]:
        """Count an order; the headers that report it, and whether it is one too many."""
        ten, minute = self.count(10_000, 1, now), self.count(60_000, 1, now)
        headers = {"X-MBX-ORDER-COUNT-10S": str(ten), "X-MBX-ORDER-COUNT-1M": str(minute)}
        return headers, ten > ORDERS_PER_TEN_SECONDS or minute > ORDERS_PER_MINUTE


class RateLimits:
    """The weight of an address' requests: of all clients, who come from the loopback.

    `enforced` False counts and reports but never refuses.
    """

    def __init__(self, wire_ms: Callable[[], int], *, enforced: bool) -> None:
        self._wire_ms, self._enforced = wire_ms, enforced
        self._weight = Windows()
        self._refusals = 0
        self._banned_until_ms = 0

    def spend(self, weight: int, orders: OrderLimits | None = None) -> dict[str, str]:
        """Count a request, and one that orders also there; returns the headers that report it.

        Raises
        ------
        VenueRefusal
            -1003 with status 429 over a limit, 418 after too many of those; `Retry-After` in seconds of wire time.
        """
        now = self._wire_ms()
        if now < self._banned_until_ms:
            raise self._refusal(418, (self._banned_until_ms - now) // 1000 + 1)
        used = self._weight.count(60_000, weight, now)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        over = used > WEIGHT_PER_MINUTE
        if orders is not None:
            counted, many = orders.spend(now)
            headers, over = headers | counted, over or many
        if over and self._enforced:
            self._refusals += 1
            if self._refusals > REFUSALS_BEFORE_BAN:
                self._refusals, self._banned_until_ms = 0, now + BAN_S * 1000
                raise self._refusal(418, BAN_S)
            raise self._refusal(429, 60 - now // 1000 % 60)
        return headers

    @staticmethod
    def _refusal(status: int, retry_after_s: int) -> VenueRefusal:
        over = f"Too many requests; current limit is {WEIGHT_PER_MINUTE} request weight per minute."
        message = "Way too many requests; IP banned." if status == 418 else over
        return VenueRefusal(-1003, message, status, {"Retry-After": str(retry_after_s)})

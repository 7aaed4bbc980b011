"""Rate limits: of each endpoint by API key and second, and of an address."""

from __future__ import annotations

from collections.abc import Callable

from huracan_platform.simulator.bybit.problems import refusal
from huracan_platform.simulator.serving.problems import VenueRefusal

SECOND_MS = 1_000
ADDRESS_WINDOW_MS = 5_000
ADDRESS_MOST = 600
ADDRESS_BAN_MS = 600_000


class Limits:
    """Counters on the wire clock. `enforced` False counts and reports but never refuses."""

    def __init__(self, wire_ms: Callable[[], int], *, enforced: bool) -> None:
        self._wire_ms, self._enforced = wire_ms, enforced
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}
        self._banned_until_ms = 0

    def spend_address(self) -> None:
        """Count a request of the address; over the limit it is turned away with 403 for ten minutes."""
        now = self._wire_ms()
        over = self._count(("", ""), ADDRESS_WINDOW_MS, now) > ADDRESS_MOST
        if over and now >= self._banned_until_ms:
            self._banned_until_ms = now + ADDRESS_BAN_MS
        if self._enforced and now < self._banned_until_ms:
            raise VenueRefusal(403, "access too frequent", 403)

    def spend(self, key: str, path: str, per_second: int) -> dict[str, str]:
        """Count a request of a key to a path; the headers that report it.

        Raises
        ------
        VenueRefusal
            10006 with the same headers where the second's requests are used up.
        """
        now = self._wire_ms()
        used = self._count((key, path), SECOND_MS, now)
        over = used > per_second
        resets = now // SECOND_MS * SECOND_MS + SECOND_MS if over else now
        headers = {
            "X-Bapi-Limit": str(per_second), "X-Bapi-Limit-Status": str(max(0, per_second - used)),
            "X-Bapi-Limit-Reset-Timestamp": str(resets),
        }
        if over and self._enforced:
            refused = refusal(10006, "Too many visits. Exceeded the API Rate Limit.")
            refused.headers |= headers
            raise refused
        return headers

    def _count(self, name: tuple[str, str], window_ms: int, now: int) -> int:
        window = now // window_ms
        since, used = self._windows.get(name, (window, 0))
        used = used + 1 if since == window else 1
        self._windows[name] = (window, used)
        return used

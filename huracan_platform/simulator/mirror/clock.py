"""The mirror's market clock: the event times of its source."""

from __future__ import annotations

from collections import deque

from huracan_platform.clock import Clock, MarketTime
from huracan_platform.simulator.serving.problems import VenueRefusal

SPEED_OVER_MS = 30_000
SPEED_FROM_MS = 5_000
SPEED_EVERY_MS = 500
NEARLY_ONE = 0.05


class MirrorClock:
    """Wire clock from `wire`; market time is the last event time up to which everything of the source has come in."""

    def __init__(self, market_ms: int, wire: Clock) -> None:
        self._wire, self._market_ms = wire, market_ms
        self._marks: deque[tuple[int, int]] = deque()

    def wire_ms(self) -> int:
        """Wall time in ms UTC."""
        return self._wire.wire_ms()

    def market_ms(self) -> int:
        """Market time in ms UTC, never past the wire's."""
        return min(self._market_ms, self.wire_ms())

    @property
    def reached_ms(self) -> int:
        """The last market time that was reached, past the wire's where the source's clock is ahead of this machine's."""
        return self._market_ms

    @property
    def market_time(self) -> MarketTime:
        """The map from wire to market time as it stands, with the speed of the last half minute: 1 where it is nearly
        that, or not known yet."""
        return MarketTime(self.market_ms(), self.wire_ms(), self._speed())

    def _speed(self) -> float:
        (wire, market), (now, reached) = (self._marks[0], self._marks[-1]) if self._marks else ((0, 0), (0, 0))
        if now - wire < SPEED_FROM_MS:
            return 1.0
        speed = (reached - market) / (now - wire)
        return 1.0 if abs(speed - 1.0) < NEARLY_ONE else round(speed, 3)

    def reach(self, market_ms: int) -> None:
        """Everything up to a market time has come in; never goes back."""
        self._market_ms = max(self._market_ms, market_ms)
        now = self.wire_ms()
        if not self._marks or now - self._marks[-1][0] >= SPEED_EVERY_MS:
            self._marks.append((now, self._market_ms))
        while len(self._marks) > 2 and now - self._marks[0][0] > SPEED_OVER_MS:
            self._marks.popleft()

    def set_speed(self, speed: float) -> None:
        """Refused."""
        raise VenueRefusal(-1130, f"speed: expected none, got {speed}: a mirror runs on the clock of its source")

    def set_market(self, market_ms: int) -> None:
        """Refused."""
        raise VenueRefusal(-1130, f"market_ms: expected none, got {market_ms}: a mirror runs on the clock of its source")

"""The venue's two clocks: wall time for the wire, a re-anchorable linear map of it for the market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from huracan_platform.clock import Clock, MarketTime, SystemClock


class MarketClock(Protocol):
    """The two clocks of a venue, ms UTC."""

    @property
    def market_time(self) -> MarketTime:
        """The map from wire to market time."""
        ...

    def wire_ms(self) -> int:
        """Wall time."""
        ...

    def market_ms(self) -> int:
        """Market time."""
        ...

    def set_speed(self, speed: float) -> None:
        """Go on at another speed, or refuse."""
        ...

    def set_market(self, market_ms: int) -> None:
        """Move the market clock, or refuse."""
        ...


@dataclass
class VenueClock:
    """Wire clock from `wire`, market clock through `market_time`, stopped where the market's data end."""

    market_time: MarketTime
    market_end_ms: int
    wire: Clock

    @classmethod
    def starting_at(cls, market_ms: int, market_end_ms: int, speed: float, wire: Clock | None = None) -> VenueClock:
        """A clock whose market time is `market_ms` now."""
        wire = wire or SystemClock()
        return cls(MarketTime(market_ms, wire.wire_ms(), speed), market_end_ms, wire)

    def wire_ms(self) -> int:
        """Wall time in ms UTC."""
        return self.wire.wire_ms()

    def market_ms(self) -> int:
        """Market time in ms UTC, at most the last instant that has data."""
        return min(self.market_time.at(self.wire_ms()), self.market_end_ms - 1)

    def set_speed(self, speed: float) -> None:
        """Go on from the present market time at another speed; nothing jumps."""
        self.market_time = MarketTime(self.market_ms(), self.wire_ms(), speed)

    def set_market(self, market_ms: int) -> None:
        """Move the market clock to `market_ms` at the present speed."""
        self.market_time = MarketTime(market_ms, self.wire_ms(), self.market_time.speed)

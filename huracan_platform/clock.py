"""The two clocks, and milliseconds as the one unit of time in arrays.

The *wire clock* is wall time: signatures, order deadlines, leases, recorded_at. The *market clock* gives bars,
funding, freshness and partitions; against a simulated or replayed venue it may run faster than the wire clock
or in the past, never ahead of it. Code that needs time takes a `Clock`; nothing else reads the system time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Clock(Protocol):
    """Two readings, both in whole milliseconds since 1970-01-01 UTC."""

    def wire_ms(self) -> int:
        """Wall time in ms UTC."""
        ...

    def market_ms(self) -> int:
        """Market time in ms UTC; equal to wall time at a real venue."""
        ...


class SystemClock:
    """Both clocks are the wall clock: a real venue."""

    def wire_ms(self) -> int:
        """Wall time in ms UTC."""
        return time.time_ns() // 1_000_000

    def market_ms(self) -> int:
        """Wall time in ms UTC."""
        return self.wire_ms()


@dataclass(frozen=True)
class MarketTime:
    """A linear map from wire time to market time: market = anchor + (wire − wire_anchor) · speed, never past wire.

    `market_anchor_ms` and `wire_anchor_ms` in ms UTC; `speed` in market seconds per wall second (0 = paused).
    """

    market_anchor_ms: int
    wire_anchor_ms: int
    speed: float

    def at(self, wire_ms: int) -> int:
        """Market time in ms UTC at the given wire time."""
        return min(self.market_anchor_ms + int((wire_ms - self.wire_anchor_ms) * self.speed), wire_ms)


class MappedClock:
    """Wire clock from the system, market clock through a `MarketTime` that may be replaced while running."""

    def __init__(self, market_time: MarketTime) -> None:
        self.market_time = market_time

    def wire_ms(self) -> int:
        """Wall time in ms UTC."""
        return time.time_ns() // 1_000_000

    def market_ms(self) -> int:
        """Market time in ms UTC."""
        return self.market_time.at(self.wire_ms())


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, wire_ms: int, market_ms: int | None = None) -> None:
        self._wire = wire_ms
        self._market = wire_ms if market_ms is None else market_ms

    def wire_ms(self) -> int:
        """Wire time in ms UTC."""
        return self._wire

    def market_ms(self) -> int:
        """Market time in ms UTC."""
        return self._market

    def advance(self, ms: int, *, market_ms: int | None = None) -> None:
        """Move the wire clock by `ms` and the market clock by `market_ms` (None: the same)."""
        self._wire += ms
        self._market += ms if market_ms is None else market_ms


def to_datetime(ms: int) -> datetime:
    """Milliseconds since epoch as an aware UTC datetime."""
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def to_ms(moment: datetime) -> int:
    """An aware datetime as whole milliseconds since epoch; a naive one is a mistake of the caller."""
    if moment.tzinfo is None:
        raise ValueError(f"expected an aware datetime, got naive {moment!r}")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def day_start_ms(day: date) -> int:
    """First millisecond of the UTC day."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def day_of(ms: int) -> date:
    """The UTC day that holds the given millisecond."""
    return to_datetime(ms).date()


def days_between(first: date, last: date) -> list[date]:
    """Every day from first to last, both included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]

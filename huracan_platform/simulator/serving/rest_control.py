"""Control endpoints under /control: not part of the exchange's protocol, no signature, loopback only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import orjson

from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

MOST_SPEED = 100_000.0


@dataclass(frozen=True)
class ControlEndpoints:
    """Identity and clock of the venue."""

    venue: Venue

    def identity(self) -> bytes:
        """Name under which the venue's facts are stored, and a new id for each process."""
        market = self.venue.market
        return orjson.dumps({
            "venue": market.identity, "incarnation": self.venue.incarnation, "symbols": list(self.venue.symbols),
            "notes": list(market.notes), "gaps": self.venue.gaps.told(),
        })

    def clock(self) -> bytes:
        """The linear map from wire to market time, and the bounds of the data, ms UTC."""
        clock = self.venue.clock
        told = clock.market_time
        return orjson.dumps({
            "market_anchor_ms": told.market_anchor_ms, "wire_anchor_ms": told.wire_anchor_ms, "speed": told.speed,
            "history_start_ms": self.venue.market.start_ms, "market_end_ms": self.venue.market.end_ms,
            "market_ms": clock.market_ms(),
        })

    def set_clock(self, body: bytes) -> bytes:
        """`{"speed": x}` goes on at another speed, `{"market_ms": m}` moves forward to m."""
        wanted = read_object(body)
        unknown = set(wanted) - {"speed", "market_ms"}
        if unknown or not wanted:
            raise VenueRefusal(-1130, f"clock: expected speed or market_ms, got {sorted(wanted) or 'nothing'}")
        clock, market = self.venue.clock, self.venue.market
        speed = checked_speed(wanted["speed"]) if "speed" in wanted else None
        if "market_ms" in wanted:
            moment, now = wanted["market_ms"], clock.market_ms()
            if not isinstance(moment, int) or not now <= moment < market.end_ms:
                raise VenueRefusal(-1130, f"market_ms: expected {now} to {market.end_ms - 1}, got {moment!r}")
            clock.set_market(moment)
        if speed is not None:
            clock.set_speed(speed)
        return self.clock()


def checked_speed(value: object) -> float:
    """A speed within its bounds, market seconds per wall second."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= MOST_SPEED:
        raise VenueRefusal(-1130, f"speed: expected a number from 0 to {MOST_SPEED:g}, got {value!r}")
    return float(value)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object, or the refusal that says what came instead."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise VenueRefusal(-1130, f"body: expected a JSON object, got {body[:80]!r} ({error})") from None
    if not isinstance(value, dict):
        raise VenueRefusal(-1130, f"body: expected a JSON object, got {value!r}")
    return value

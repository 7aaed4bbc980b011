"""Seeded delays on the way: of a request to the matching, of a fill to the user stream, of the market to its streams."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from huracan_platform.simulator.faults.armed import Caller
from huracan_platform.simulator.faults.chance import uniform
from huracan_platform.simulator.serving.problems import VenueRefusal

ACK, FILL, FEED = "ack", "fill", "feed"
KINDS = (ACK, FILL, FEED)
MOST_MS = 60_000.0
MOST_SIGMA = 5.0
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Distribution:
    """A constant `median_ms`, or with a `sigma` a lognormal of that median. `most_ms` cuts it off; all wall ms."""

    median_ms: float
    sigma: float = 0.0
    most_ms: float = MOST_MS

    def at(self, draw: float) -> float:
        """The delay in ms that belongs to a uniform draw in (0, 1)."""
        return min(self.median_ms * math.exp(self.sigma * _NORMAL.inv_cdf(draw)), self.most_ms)


@dataclass
class LatencyRule:
    """Delays of one client, an API key or a part of a User-Agent, "" for everyone. A kind that is not named takes no time."""

    client: str
    seed: int
    kinds: dict[str, Distribution]
    drawn: Counter[str] = field(default_factory=Counter)

    def draw(self, kind: str) -> float:
        """The next delay of a kind in ms; the k-th depends on the seed, the kind and k only."""
        distribution = self.kinds.get(kind)
        if distribution is None:
            return 0.0
        self.drawn[kind] += 1
        return distribution.at(uniform(self.seed, kind, self.drawn[kind]))

    def told(self) -> dict[str, Any]:
        """As a JSON object, with how many delays of each kind have been drawn."""
        return {"client": self.client, "seed": self.seed, **self.kinds, "drawn": dict(self.drawn)}


class Latencies:
    """The rules in force; of those that name a caller the first holds, and without one nothing takes time."""

    def __init__(self) -> None:
        self.rules: list[LatencyRule] = []

    def set(self, rule: LatencyRule) -> None:
        """Add a rule, in the place of the one for the same client; rules that name a client come before that for everyone."""
        self.rules = sorted([*(r for r in self.rules if r.client != rule.client), rule], key=lambda r: not r.client)

    def draw_s(self, kind: str, caller: Caller) -> float:
        """The next delay of a caller's in seconds."""
        rule = next((r for r in self.rules if caller.called(r.client)), None)
        return 0.0 if rule is None else rule.draw(kind) / 1_000

    async def acknowledge(self, caller: Caller) -> None:
        """Let the time pass that a request takes to the matching."""
        delay_s = self.draw_s(ACK, caller)
        if delay_s:
            await asyncio.sleep(delay_s)


def read_latencies(wanted: dict[str, Any]) -> LatencyRule:
    """A rule from its JSON object; what is none is refused with what was expected."""
    client, seed = wanted.get("client", ""), wanted.get("seed", 0)
    unknown = set(wanted) - {"client", "seed", *KINDS}
    if unknown or not any(kind in wanted for kind in KINDS):
        raise VenueRefusal(-1130, f"latencies: expected client, seed and at least one of {list(KINDS)}, got {sorted(wanted)}")
    if not isinstance(client, str):
        raise VenueRefusal(-1130, f"client: expected a text, got {client!r}")
    if type(seed) is not int or seed < 0:
        raise VenueRefusal(-1130, f"seed: expected a whole number from 0, got {seed!r}")
    return LatencyRule(client, seed, {kind: _read_distribution(kind, wanted[kind]) for kind in KINDS if kind in wanted})


def _read_distribution(kind: str, value: Any) -> Distribution:
    known = {"median_ms": MOST_MS, "sigma": MOST_SIGMA, "most_ms": MOST_MS}
    if not isinstance(value, dict) or "median_ms" not in value or set(value) - set(known):
        raise VenueRefusal(-1130, f"{kind}: expected median_ms and, if wanted, sigma and most_ms, got {value!r}")
    for name, given in value.items():
        if type(given) not in (int, float) or not 0 <= given <= known[name]:
            raise VenueRefusal(-1130, f"{kind}.{name}: expected a number from 0 to {known[name]:g}, got {given!r}")
    return Distribution(**{name: float(given) for name, given in value.items()})

"""Liquidations as they cross borders. `side` is always the position's that was closed, never the order's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np

from huracan_platform.contracts.market import Float64, Series

Side = Literal["long", "short"]
MINUTE_COLUMNS = ("long_count", "short_count", "long_usd", "short_usd", "in_cascade", "clustered", "coverage")


class LiquidationType(StrEnum):
    """CASCADE once the condition of a cascade was met around it, SINGLE before and without."""

    SINGLE = "single"
    CASCADE = "cascade"


@dataclass(frozen=True)
class Liquidation:
    """One forced close. `ts_ms` and `known_ms` in ms UTC, market time; `quantity` in base, `price` in quote.

    `number` tells apart what one message tells twice in the same words.
    """

    exchange: str
    symbol: str
    ts_ms: int
    side: Side
    price: float
    quantity: float
    known_ms: int
    number: int = 0

    @property
    def size_usd(self) -> float:
        """Worth at its price."""
        return self.price * self.quantity

    @property
    def liquidation_id(self) -> str:
        """The same for the same event, however often it is delivered."""
        words = (self.exchange, self.symbol, self.ts_ms, self.side, repr(self.price), repr(self.quantity), self.number)
        return hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()


@dataclass(frozen=True)
class StoredLiquidation:
    """A version of a liquidation in the library."""

    liquidation_id: str
    version: int
    exchange: str
    symbol: str
    ts_ms: int
    known_ms: int
    side: Side
    size_usd: float
    price: float
    kind: LiquidationType


@dataclass(frozen=True)
class LiquidationMinutes(Series):
    """Liquidations per minute; a minute that is not there was not recorded."""

    long_count: Float64
    short_count: Float64
    long_usd: Float64
    short_usd: Float64
    in_cascade: Float64
    clustered: Float64
    coverage: Float64


@dataclass(frozen=True)
class CascadeVotes(Series):
    """What venues say together per minute: how many recorded all of it, how many of them were in a cascade at its end.

    `in_cascade` is 1 where more than half of those that recorded say so. A minute that none recorded whole is not there.
    """

    voters: Float64
    votes: Float64
    in_cascade: Float64


def cascade_votes(symbol: str, minutes: Sequence[LiquidationMinutes]) -> CascadeVotes:
    """Count the venues' votes. Votes and not sums: venues tell of different shares of their liquidations."""
    whole = [m.coverage >= 1 - 1e-9 for m in minutes]
    ts = np.unique(np.concatenate([np.empty(0, np.int64), *(m.ts_ms[w] for m, w in zip(minutes, whole, strict=True))]))
    voters, votes = np.zeros(len(ts)), np.zeros(len(ts))
    for minute, kept in zip(minutes, whole, strict=True):
        at = np.searchsorted(ts, minute.ts_ms[kept])
        voters[at] += 1
        votes[at] += minute.in_cascade[kept] > 0
    return CascadeVotes(symbol, ts, voters, votes, (2 * votes > voters).astype(np.float64))

"""Which facts of a partition a span of bars takes, and whether the span would be made from other values now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Float64, FundingRates, Int64, Pin
from huracan_platform.data.features.alignment import MAX_AGE_MS, align_funding
from huracan_platform.data.features.positioning import alignment as positioning
from huracan_platform.data.market_data.own_bars import read_own


@dataclass(frozen=True)
class Partition:
    """One symbol's facts beside bars, start_ms ≤ ts < end_ms (ms UTC), of a dataset under the venue that told them."""

    dataset: str
    venue: str
    symbol: str
    start_ms: int
    end_ms: int

    def holds(self, ts_ms: Int64) -> np.ndarray:
        """Which times are its own."""
        return (ts_ms >= self.start_ms) & (ts_ms < self.end_ms)


@dataclass(frozen=True)
class PartitionRead:
    """What bars took of a partition: from `first_ms` (ts of a fact) on; `changed`: its facts give other inputs now."""

    first_ms: int
    changed: bool


class PartitionReads:
    """Reads of one partition by the bars of a venue, its own or another one.

    Parameters
    ----------
    repository
        Of the partition's facts.
    bars_venue
        Whose bars take them.
    funding_delay_ms
        The set `core` knows a rate this long after its settlement.
    """

    def __init__(
        self, brain: Brain, repository: FactRepository, partition: Partition, bars_venue: str, funding_delay_ms: int
    ) -> None:
        self._brain, self._repository, self._partition = brain, repository, partition
        self._bars_venue, self._delay_ms = bars_venue, funding_delay_ms

    def of(self, set_name: str, start_ms: int, end_ms: int, pin: Pin) -> PartitionRead | None:
        """What the bars with start_ms ≤ ts < end_ms took for a set at a pin, or would take now; None: nothing of the partition.

        All but the partition's own facts is left as the pin saw it, so a difference is the partition's.
        """
        symbol = self._partition.symbol
        ts_ms = read_own(self._brain, self._bars_venue, [symbol], start_ms, end_ms, pin)[symbol].ts_ms
        if len(ts_ms) == 0:
            return None
        first_ms = start_ms - max(MAX_AGE_MS, *positioning.MAX_AGE_MS.values()) - DAY_MS
        then = self._versions(set_name, first_ms, end_ms, pin)
        own = self._partition.holds(then.ts_ms)
        now = _joined(_rows(then, ~own), self._versions(set_name, self._partition.start_ms, self._partition.end_ms, Pin()))
        taken = np.concatenate([self._taken(set_name, ts_ms, versions) for versions in (then, now)])
        taken = taken[self._partition.holds(taken)]
        if len(taken) == 0:
            return None
        before, after = (self._inputs(set_name, ts_ms, versions) for versions in (then, now))
        changed = any(not np.array_equal(before[name], after[name], equal_nan=True) for name in before)
        return PartitionRead(int(taken.min()), changed)

    def _versions(self, set_name: str, start_ms: int, end_ms: int, pin: Pin) -> FactVersions:
        """As the set reads them: `core` the newest version of a rate at the pin, `positioning` every one."""
        span = (self._partition.venue, [self._partition.symbol], start_ms, end_ms, pin)
        if set_name != "core":
            return self._repository.read_versions(*span)[self._partition.symbol]
        rows = self._repository.read_table(*span)
        ts_ms = rows.column("ts_ms").to_numpy()
        values = {name: rows.column(name).to_numpy() for name in self._repository.table.values}
        return FactVersions(ts_ms, ts_ms + self._delay_ms, values)

    def _taken(self, set_name: str, ts_ms: Int64, versions: FactVersions) -> Int64:
        """Times of the facts that bars take."""
        if len(versions) == 0:
            return np.empty(0, np.int64)
        close, dataset = ts_ms + MINUTE_MS, self._partition.dataset
        if dataset == "liquidations":
            row, known = positioning.minute_before(close, versions)
        else:
            age_ms = MAX_AGE_MS if set_name == "core" else positioning.MAX_AGE_MS[dataset]
            row, known = positioning.newest_known(close, versions, age_ms)
        return versions.ts_ms[row][known]

    def _inputs(self, set_name: str, ts_ms: Int64, versions: FactVersions) -> Mapping[str, Float64]:
        if set_name == "core":
            rates = FundingRates(self._partition.symbol, versions.ts_ms, **versions.values)
            return {"funding": align_funding(ts_ms, rates, self._delay_ms)}
        elsewhere = self._partition.venue != self._bars_venue
        name = "funding_elsewhere" if elsewhere else self._partition.dataset
        return positioning.align(ts_ms, positioning.PositioningFacts(**{name: versions}))


def _rows(given: FactVersions, which: np.ndarray) -> FactVersions:
    return FactVersions(given.ts_ms[which], given.known_ms[which], {name: v[which] for name, v in given.values.items()})


def _joined(one: FactVersions, other: FactVersions) -> FactVersions:
    """Both, in the order in which they became known."""
    if len(one) == 0 or len(other) == 0:
        return other if len(one) == 0 else one
    known_ms = np.concatenate([one.known_ms, other.known_ms])
    values = {name: np.concatenate([one.values[name], other.values[name]]) for name in one.values}
    return _rows(FactVersions(np.concatenate([one.ts_ms, other.ts_ms]), known_ms, values), np.argsort(known_ms, kind="stable"))

"""What a feature day is made from: bars, and beside them what the set asks for, read from the library at a pin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Protocol

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.sentiment import MARKET, FearGreedRepository, SentimentRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.hashing import hash_arrays
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, FundingRates, Int64, Pin
from huracan_platform.data.features.alignment import MAX_AGE_MS, align_funding
from huracan_platform.data.features.positioning import alignment as positioning
from huracan_platform.data.market_data.own_bars import read_own

CHUNK_DAYS = 32             # read at once: 3 symbols of them are 140 k bars


@dataclass(frozen=True)
class DayInput:
    """One symbol's bars of one day and what was known at each close, an (n,) array for each input of the set."""

    candles: Candles
    known: Mapping[str, Float64]

    def content_hash(self) -> str:
        """SHA-256 of bars and inputs."""
        bars = {name: getattr(self.candles, name) for name in ("ts_ms", *CANDLE_COLUMNS)}
        return hash_arrays({**bars, **self.known}, header={"symbol": self.candles.symbol})


@dataclass(frozen=True)
class FactSources:
    """Where facts of the library come from.

    `funding_delay_ms`: the set `core` knows a funding rate this long after its settlement. `second_venue` names the venue whose
    funding is compared, `fear_greed` the source of the index; None: there is none.
    """

    venue: str
    funding_delay_ms: int
    second_venue: str | None = None
    fear_greed: str | None = None


class FactReader(Protocol):
    """What one set needs beside bars."""

    def read(self, start_ms: int, end_ms: int) -> None:
        """Get from the library what bars with start_ms ≤ ts < end_ms may know."""
        ...

    def known(self, symbol: str, ts_ms: Int64) -> dict[str, Float64]:
        """The set's inputs of one symbol at the closes of bars that opened at `ts_ms`, inside what was read."""
        ...


class CoreFacts:
    """The venue's own funding."""

    def __init__(self, brain: Brain, sources: FactSources, symbols: Sequence[str], pin: Pin) -> None:
        self._repository = FundingRepository(brain)
        self._sources, self._symbols, self._pin = sources, symbols, pin
        self._rates: dict[str, FundingRates] = {}

    def read(self, start_ms: int, end_ms: int) -> None:
        """As `FactReader.read`."""
        first_ms = start_ms - MAX_AGE_MS - DAY_MS
        self._rates = self._repository.read(self._sources.venue, self._symbols, first_ms, end_ms, self._pin)

    def known(self, symbol: str, ts_ms: Int64) -> dict[str, Float64]:
        """As `FactReader.known`."""
        return {"funding": align_funding(ts_ms, self._rates[symbol], self._sources.funding_delay_ms)}


class PositioningFacts:
    """Funding of two venues, open interest, sentiment and liquidations, each with the versions that it went through."""

    def __init__(self, brain: Brain, sources: FactSources, symbols: Sequence[str], pin: Pin) -> None:
        self._brain, self._sources, self._symbols, self._pin = brain, sources, symbols, pin
        self._facts: dict[str, positioning.PositioningFacts] = {}

    def read(self, start_ms: int, end_ms: int) -> None:
        """As `FactReader.read`."""
        span = (start_ms - max(positioning.MAX_AGE_MS.values()) - DAY_MS, end_ms, self._pin)
        venue, other, index = self._sources.venue, self._sources.second_venue, self._sources.fear_greed
        funding = FundingRepository(self._brain)
        own = funding.read_versions(venue, self._symbols, *span)
        elsewhere = funding.read_versions(other, self._symbols, *span) if other else {}
        contracts = OpenInterestRepository(self._brain).read_versions(venue, self._symbols, *span)
        scores = SentimentRepository(self._brain).read_versions(venue, self._symbols, *span)
        closed = LiquidationMinuteRepository(self._brain).read_versions(venue, self._symbols, *span)
        mood = FearGreedRepository(self._brain).read_versions(index, [MARKET], *span)[MARKET] if index else FactVersions()
        self._facts = {
            s: positioning.PositioningFacts(own[s], elsewhere.get(s, FactVersions()), contracts[s], scores[s], mood, closed[s])
            for s in self._symbols
        }

    def known(self, symbol: str, ts_ms: Int64) -> dict[str, Float64]:
        """As `FactReader.known`."""
        return positioning.align(ts_ms, self._facts[symbol])


READERS: Mapping[str, Callable[[Brain, FactSources, Sequence[str], Pin], FactReader]] = MappingProxyType({
    "core": CoreFacts, "positioning": PositioningFacts,
})

# Which datasets of the venue a set is made from.
DATASETS: Mapping[str, frozenset[str]] = MappingProxyType({
    "core": frozenset({"candles", "funding"}),
    "positioning": frozenset({"candles", "funding", "open_interest", "sentiment", "liquidations"}),
})
# Which of the second venue.
DATASETS_ELSEWHERE: Mapping[str, frozenset[str]] = MappingProxyType({"positioning": frozenset({"funding"})})


class LibraryInputs:
    """Bars and facts of some symbols at a pin, read from the library in chunks of days as they are asked for.

    Bars that another venue lent are left out: features know one venue's prices. `second_venue` is that of `FeatureDaySymbol`.
    """

    def __init__(self, brain: Brain, sources: FactSources, symbols: Collection[str], pin: Pin, set_name: str) -> None:
        self._symbols = sorted(symbols)
        self._brain = brain
        self._facts = READERS[set_name](brain, sources, self._symbols, pin)
        self._venue, self._pin = sources.venue, pin
        self.second_venue = sources.second_venue or "" if set_name in DATASETS_ELSEWHERE else None
        self._start_ms = self._end_ms = 0
        self._bars: dict[str, Candles] = {}

    def day(self, symbol: str, day: date) -> DayInput:
        """What the library holds of one symbol-day; no bars where there are none. Days are cheapest in order."""
        start_ms = day_start_ms(day)
        if not self._start_ms <= start_ms < self._end_ms:
            self._read(start_ms, start_ms + CHUNK_DAYS * DAY_MS)
        return self._cut(symbol, start_ms, start_ms + DAY_MS)

    def between(self, symbol: str, start_ms: int, end_ms: int) -> DayInput:
        """As `day`, for any span start_ms ≤ ts < end_ms, read as a whole."""
        self._read(start_ms, end_ms)
        return self._cut(symbol, start_ms, end_ms)

    def _cut(self, symbol: str, start_ms: int, end_ms: int) -> DayInput:
        bars = self._bars[symbol]
        first, last = np.searchsorted(bars.ts_ms, [start_ms, end_ms])
        taken = Candles(symbol, bars.ts_ms[first:last], *(getattr(bars, name)[first:last] for name in CANDLE_COLUMNS))
        return DayInput(taken, self._facts.known(symbol, taken.ts_ms))

    def _read(self, start_ms: int, end_ms: int) -> None:
        self._bars = read_own(self._brain, self._venue, self._symbols, start_ms, end_ms, self._pin)
        self._facts.read(start_ms, end_ms)
        self._start_ms, self._end_ms = start_ms, end_ms

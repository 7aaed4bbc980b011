"""What a session sees live goes into the library too: a decision can then be recomputed from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, MINUTE_MS, Clock
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, ClosedBar, FundingRates, Int64
from huracan_platform.data.market_data.own_bars import read_own
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

# Far enough back for the settlement before any bar: intervals are 8 h at most, and a venue may miss one.
FUNDING_LOOKBACK_MS = 3 * DAY_MS
CANDLES, FUNDING = "candles", "funding"


class LiveLibrary:
    """Reads and writes of one venue's candles and funding around the present."""

    def __init__(self, brain: Brain, market: MarketData, clock: Clock, settings: Settings) -> None:
        self._brain = brain
        self._candles = CandleRepository(brain)
        self._funding = FundingRepository(brain)
        self._delays = ArrivalDelays(brain, settings.quality.arrival)
        self._market = market
        self._clock = clock
        self._quality = settings.quality
        self.venue = market.venue
        # As they are when the session starts: what it measures itself counts from the next one on.
        self._bar_delay = self._delays.model(self.venue, CANDLES, settings.quality.arrival_delay_ms)
        self._funding_delay = self._delays.model(self.venue, FUNDING, settings.quality.funding_delay_ms)

    def first_bar_ms(self, symbol: str) -> int | None:
        """Open of the oldest bar of the symbol, ms UTC; None when the library has none."""
        bounds = self._candles.bounds(self.venue, symbol)
        return None if bounds is None else bounds[0]

    def record(self, bars: Sequence[ClosedBar]) -> int:
        """Store bars seen live, all or none; returns when, wire ms: the newest `recorded_at` that a pin must admit."""
        now, market_ms = self._clock.wire_ms(), self._clock.market_ms()
        if bars:
            columns: dict[str, list[object]] = {"symbol": [b.symbol for b in bars], "ts_ms": [b.ts_ms for b in bars]}
            columns |= {name: [getattr(b, name) for b in bars] for name in CANDLE_COLUMNS}
            columns["known_at_ms"] = list(self._known_at(np.array([b.ts_ms for b in bars], np.int64)))
            self._candles.upsert(self.venue, pa.table(columns), now, revision_known_at_ms=market_ms)
            for symbol in {b.symbol for b in bars}:
                own = np.array(sorted(b.ts_ms for b in bars if b.symbol == symbol), np.int64)
                RefetchedWindows(self._brain).replace(self.venue, CANDLES, symbol, own, now, market_ms)
        return now

    def measure(self, delays_ms: Sequence[int]) -> None:
        """Keep how long after their close bars came by the stream, ms of the market clock."""
        self._delays.add(self.venue, CANDLES, np.array(delays_ms, np.int64), self._clock.wire_ms())

    def catch_up(self, symbol: str, start_ms: int, end_ms: int | None = None) -> Candles:
        """The venue's own bars that opened in [start_ms, end_ms), from the library; what it lacks is fetched and stored first.

        None as end: all that are over and have arrived by now. Bars that another venue lent are asked for again, and left out
        while the venue does not have them.
        """
        end = self._clock.market_ms() - self._quality.arrival_delay_ms if end_ms is None else end_ms
        held = read_own(self._brain, self.venue, [symbol], start_ms, end)[symbol]
        missing = np.setdiff1d(np.arange(start_ms, end - MINUTE_MS + 1, MINUTE_MS), held.ts_ms)
        if len(missing) == 0:
            return held
        self._store(self._market.candles(symbol, int(missing[0]), end))
        return read_own(self._brain, self.venue, [symbol], start_ms, end)[symbol]

    def funding(self, symbol: str, start_ms: int) -> FundingRates:
        """Settlements that matter for bars from `start_ms` to now: asked of the venue, stored, read back."""
        since, now = start_ms - FUNDING_LOOKBACK_MS, self._clock.market_ms()
        rates = self._market.funding(symbol, since, now)
        batch = pa.table({
            "symbol": [symbol] * len(rates.ts_ms), "ts_ms": rates.ts_ms, "rate": rates.rate, "interval_h": rates.interval_h,
            "known_at_ms": self._funding_delay.known_at(rates.ts_ms + self._quality.funding_delay_ms, now),
        })
        self._funding.upsert(self.venue, batch, self._clock.wire_ms(), revision_known_at_ms=now)
        return self._funding.read(self.venue, [symbol], since, now + 1)[symbol]

    def _store(self, candles: Candles) -> None:
        batch = pa.table({
            "symbol": [candles.symbol] * len(candles), "ts_ms": candles.ts_ms,
            **{name: getattr(candles, name) for name in CANDLE_COLUMNS}, "known_at_ms": self._known_at(candles.ts_ms),
        })
        wire, market_ms = self._clock.wire_ms(), self._clock.market_ms()
        self._candles.upsert(self.venue, batch, wire, revision_known_at_ms=market_ms)
        RefetchedWindows(self._brain).replace(self.venue, CANDLES, candles.symbol, candles.ts_ms, wire, market_ms)

    def _known_at(self, ts_ms: Int64) -> Int64:
        return self._bar_delay.known_at(ts_ms + MINUTE_MS + self._quality.arrival_delay_ms, self._clock.market_ms())

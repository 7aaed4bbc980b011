"""What a session sees live goes into the library too: a decision can then be recomputed from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, Clock
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, ClosedBar, FundingRates
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

# Far enough back for the settlement before any bar: intervals are 8 h at most, and a venue may miss one.
FUNDING_LOOKBACK_MS = 3 * DAY_MS


class LiveLibrary:
    """Reads and writes of one venue's candles and funding around the present."""

    def __init__(self, brain: Brain, market: MarketData, clock: Clock, settings: Settings) -> None:
        self._candles = CandleRepository(brain)
        self._funding = FundingRepository(brain)
        self._market = market
        self._clock = clock
        self._quality = settings.quality
        self._known_after_ms = MINUTE_MS + settings.quality.arrival_delay_ms
        self.venue = market.venue

    def first_bar_ms(self, symbol: str) -> int | None:
        """Open of the oldest bar of the symbol, ms UTC; None when the library has none."""
        bounds = self._candles.bounds(self.venue, symbol)
        return None if bounds is None else bounds[0]

    def record(self, bars: Sequence[ClosedBar]) -> int:
        """Store bars seen live, all or none; returns when, wire ms: the newest `recorded_at` that a pin must admit."""
        now = self._clock.wire_ms()
        if bars:
            columns: dict[str, list[object]] = {"symbol": [b.symbol for b in bars], "ts_ms": [b.ts_ms for b in bars]}
            columns |= {name: [getattr(b, name) for b in bars] for name in CANDLE_COLUMNS}
            columns["known_at_ms"] = [b.ts_ms + self._known_after_ms for b in bars]
            self._candles.upsert(self.venue, pa.table(columns), now, revision_known_at_ms=self._clock.market_ms())
        return now

    def catch_up(self, symbol: str, start_ms: int, end_ms: int | None = None) -> Candles:
        """Bars that opened in [start_ms, end_ms), from the library; what it lacks is fetched and stored first.

        None as end: all that are over and have arrived by now.
        """
        end = self._clock.market_ms() - self._quality.arrival_delay_ms if end_ms is None else end_ms
        held = self._candles.read(self.venue, [symbol], start_ms, end)[symbol]
        missing = np.setdiff1d(np.arange(start_ms, end - MINUTE_MS + 1, MINUTE_MS), held.ts_ms)
        if len(missing) == 0:
            return held
        self._store(self._market.candles(symbol, int(missing[0]), end))
        return self._candles.read(self.venue, [symbol], start_ms, end)[symbol]

    def funding(self, symbol: str, start_ms: int) -> FundingRates:
        """Settlements that matter for bars from `start_ms` to now: asked of the venue, stored, read back."""
        since, now = start_ms - FUNDING_LOOKBACK_MS, self._clock.market_ms()
        rates = self._market.funding(symbol, since, now)
        batch = pa.table({
            "symbol": [symbol] * len(rates.ts_ms), "ts_ms": rates.ts_ms, "rate": rates.rate, "interval_h": rates.interval_h,
            "known_at_ms": rates.ts_ms + self._quality.funding_delay_ms,
        })
        self._funding.upsert(self.venue, batch, self._clock.wire_ms(), revision_known_at_ms=now)
        return self._funding.read(self.venue, [symbol], since, now + 1)[symbol]

    def _store(self, candles: Candles) -> None:
        batch = pa.table({
            "symbol": [candles.symbol] * len(candles), "ts_ms": candles.ts_ms,
            **{name: getattr(candles, name) for name in CANDLE_COLUMNS}, "known_at_ms": candles.ts_ms + self._known_after_ms,
        })
        self._candles.upsert(self.venue, batch, self._clock.wire_ms(), revision_known_at_ms=self._clock.market_ms())

"""Features of one symbol, bar by bar: the stored state restored, caught up over the library, then one step per bar."""

from __future__ import annotations

import hashlib

import numpy as np

from huracan_platform.clock import HOUR_MS, MINUTE_MS, Clock, day_of
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.journal import FeatureSource
from huracan_platform.contracts.market import ClosedBar, Float64
from huracan_platform.data.features.alignment import align_funding
from huracan_platform.data.features.engine import FeatureEngine, feature_row
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.execution.live_library import LiveLibrary
from huracan_platform.settings import Settings


class FeatureStream:
    """One symbol's engine and where its state came from. Bars must come in order and without holes."""

    def __init__(self, symbol: str, library: LiveLibrary, store: FeatureStore, features: FeatureSet, settings: Settings) -> None:
        self.symbol = symbol
        self._library = library
        self._store = store
        self._set = features
        self._delay_ms = settings.quality.funding_delay_ms

    def restore(self, clock: Clock) -> int:
        """Rebuild the state up to now; returns the open of the next bar wanted, ms UTC.

        Raises
        ------
        DataContractError
            The library has no bar of the symbol and no stored state.
        """
        return self._catch_up(clock, None)

    def rebuild(self, clock: Clock) -> None:
        """Rebuild the state up to the same bar, from what the library says now: a bar before it was restated."""
        self._catch_up(clock, self._next_ts)

    def _catch_up(self, clock: Clock, end_ms: int | None) -> int:
        self._engine = FeatureEngine(self._set)
        start_ms, checkpoint_hash = self._restore_newest(clock)
        self.source = FeatureSource(self._set.name, self._set.profile, start_ms, checkpoint_hash)
        self._funding = self._library.funding(self.symbol, start_ms)
        candles = self._library.catch_up(self.symbol, start_ms, end_ms)
        if len(candles):
            self._engine.run(candles, align_funding(candles.ts_ms, self._funding, self._delay_ms))
        self._next_ts = int(candles.ts_ms[-1]) + MINUTE_MS if len(candles) else start_ms
        return self._next_ts

    def step(self, bar: ClosedBar) -> FeatureRow:
        """The row of one closed bar.

        Raises
        ------
        DataContractError
            The bar is not the next one.
        """
        if bar.ts_ms != self._next_ts:
            raise DataContractError(f"features {self.symbol}: expected the bar of {self._next_ts}, got {bar.ts_ms}")
        if bar.ts_ms % HOUR_MS == 0:  # rates settle on the hour: the first bar after one may know a new rate
            self._funding = self._library.funding(self.symbol, bar.ts_ms)
        funding = float(align_funding(np.array([bar.ts_ms]), self._funding, self._delay_ms)[0])
        values: Float64 = self._engine.step(bar.ts_ms, *bar.values, funding)
        self._next_ts += MINUTE_MS
        return feature_row(self.symbol, bar.ts_ms, values, self._set)

    def _restore_newest(self, clock: Clock) -> tuple[int, str | None]:
        """Open of the first bar that the engine has not seen, and the hash of the state it was restored from."""
        stored = self._store.checkpoint_before(self._library.venue, self.symbol, self._set, day_of(clock.market_ms()))
        if stored is not None:
            self._engine.restore(stored[0])
            # Asked of the state, not of the day: a day built before its last bars were in ends early.
            newest = self._engine.newest_ms
            if newest is not None:
                return newest + MINUTE_MS, hashlib.sha256(stored[0]).hexdigest()
        first = self._library.first_bar_ms(self.symbol)
        if first is None:
            raise DataContractError(f"features {self.symbol}: expected a stored state or candles in the library, got neither")
        return first, None

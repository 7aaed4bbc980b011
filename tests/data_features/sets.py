"""A history for each feature set: bars, and beside them every input of the set, known from the first bar on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.registry import SETS, Feature, FeatureSet, feature_set
from tests.data_features.synthetic import BARS_PER_DAY, funding_of, part, walk

PRICES, IN_USD = ("open", "high", "low", "close"), ("long_usd", "short_usd")


@dataclass(frozen=True)
class History:
    """Bars and an array for each input of the set."""

    features: FeatureSet
    candles: Candles
    known: tuple[Float64, ...]

    def __len__(self) -> int:
        return len(self.candles)

    def part(self, rows: slice | np.ndarray) -> History:
        """Some of the bars."""
        return replace(self, candles=part(self.candles, rows), known=tuple(np.ascontiguousarray(k[rows]) for k in self.known))

    def dearer(self, times: float) -> History:
        """The same market in another unit of money."""
        prices = {n: getattr(self.candles, n) * (times if n in PRICES else 1.0) for n in CANDLE_COLUMNS}
        known = (k * (times if n in IN_USD else 1.0) for n, k in zip(self.features.inputs, self.known, strict=True))
        return replace(self, candles=Candles(self.candles.symbol, self.candles.ts_ms, **prices), known=tuple(known))

    def poisoned(self, cut: int) -> History:
        """Other bars and inputs from bar `cut` on."""
        other = history_of(self.features, len(self), seed=99)
        later = np.arange(len(self)) >= cut
        bars = (np.where(later, 7.0 * getattr(other.candles, n), getattr(self.candles, n)) for n in CANDLE_COLUMNS)
        known = tuple(np.where(later, 50 * theirs, ours) for theirs, ours in zip(other.known, self.known, strict=True))
        return replace(self, candles=Candles(self.candles.symbol, self.candles.ts_ms, *bars), known=known)

    def rows(self) -> Float64:
        """The engine's own."""
        return FeatureEngine(self.features).run(self.candles, *self.known)


def history_of(features: FeatureSet, bars: int, seed: int) -> History:
    """Seeded and gapless."""
    candles = walk(bars, seed)
    return History(features, candles, KNOWN[features.name](candles, seed))


def positioning_known(candles: Candles, seed: int) -> tuple[Float64, ...]:
    """Rates, open interest that trends for hours, sentiment, an index, and liquidations in a quarter of all minutes."""
    rng, n = np.random.default_rng(seed + 7), len(candles)
    hour, window = np.arange(n) // 60, np.arange(n) // 15
    contracts = 1e4 * np.exp(np.repeat(np.cumsum(rng.normal(0, 1e-3, n // 5 + 1)), 5)[:n])
    sides = (candles.close * candles.volume * 3e-3 * rng.exponential(1.0, n) * (rng.random(n) < 0.25) for _ in range(2))
    cascade = (rng.random(n // 60 + 1) < 0.2)[hour].astype(np.float64)
    score = rng.uniform(-1, 1, n // 15 + 1)[window]
    mood = rng.uniform(0, 1, n // BARS_PER_DAY + 1)[np.arange(n) // BARS_PER_DAY]
    return funding_of(candles, seed), funding_of(candles, seed + 20), contracts, score, mood, *sides, cascade


KNOWN: dict[str, Callable[[Candles, int], tuple[Float64, ...]]] = {
    "core": lambda candles, seed: (funding_of(candles, seed),), "positioning": positioning_known,
}
ALL = {name: feature_set(name, "short_history") for name in SETS}
EACH_FEATURE: list[tuple[str, Feature]] = [(name, f) for name, definition in SETS.items() for f in definition.features]

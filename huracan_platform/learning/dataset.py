"""Training frames from the library, at a pin."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.clock import DAY_MS, Clock, day_of, day_start_ms
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, Float64, Int64
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.registry import FeatureSet, feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.decision.costs import CostModel
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.frame import TrainingFrame, build_frame
from huracan_platform.learning.models.manifest import DatasetSpec, Recipe
from huracan_platform.learning.registry import Registry
from huracan_platform.settings import FeatureSettings, LabelSettings, Settings

EPOCH_DAY = date(1970, 1, 1)


def newest_dataset(store: FeatureStore, venue: str, symbol: str, settings: Settings, clock: Clock) -> DatasetSpec:
    """Every stored feature day of the symbol, as it is known and recorded now; days in between without one are left out.

    Raises
    ------
    DataContractError
        The symbol has no feature day, or one that does not follow from the facts at that pin any more.
    """
    definition = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    days = [d.day for d in store.days(venue, definition, EPOCH_DAY, day_of(clock.market_ms())) if symbol in d.symbols]
    if not days:
        expected = f"feature days of set {definition.set_hash[:8]}"
        raise DataContractError(f"data set of {symbol} at {venue}: expected {expected}, got none")
    spec = DatasetSpec.of_days(venue, symbol, days[0], days[-1], clock, good_days=days)
    stale = store.stale_days(venue, [symbol], definition, days[0], days[-1], spec.pin)
    if stale:
        # Rows of other bars than those that the labels are made from; the model could not be made again from the library.
        raise DataContractError(
            f"data set of {symbol} at {venue}: expected feature days that follow from the library, got {len(stale)} that do "
            f"not, first {stale[0].day} ({stale[0].reason}); build features from that day on"
        )
    return spec


def days_since_newest(
    store: FeatureStore, registry: Registry, venue: str, symbol: str, settings: Settings, clock: Clock
) -> int | None:
    """Stored feature days of the symbol after the data set of its newest version; None where there is no version."""
    ends = [Recipe.of(card.manifest).spec.end_ms for card in registry.cards(venue=venue, symbol=symbol)]
    if not ends:
        return None
    definition = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    days = store.days(venue, definition, day_of(max(ends)), day_of(clock.market_ms()))
    return sum(symbol in d.symbols for d in days)


def load_frame(
    brain: Brain, store: FeatureStore, spec: DatasetSpec, features: FeatureSettings, labels: LabelSettings, cost: CostModel
) -> TrainingFrame:
    """Stored feature rows of the data set beside the outcomes of its candles.

    Raises
    ------
    DataContractError
        The library holds no rows of the data set.
    """
    definition = feature_set(features.feature_set, features.profile, settings=features)
    matrix = store.load(
        spec.venue, spec.symbol, definition, spec.start_ms, spec.end_ms, spec.pin, _good_days(spec)
    )
    return build_frame(_candles(brain, spec), matrix, labels, cost)


def recompute_frame(
    brain: Brain, store: FeatureStore, spec: DatasetSpec, features: FeatureSettings, labels: LabelSettings, cost: CostModel
) -> TrainingFrame:
    """The same frame without the stored rows: every feature is computed again from the candles and funding at the pin.

    Only which days were built is taken from the store, since a day that failed its checks never reached the kernels.

    Raises
    ------
    DataContractError
        No day of the data set was ever built, or the library lost its candles.
    """
    definition = feature_set(features.feature_set, features.profile, settings=features)
    return build_frame(_candles(brain, spec), _recompute(store, spec, definition), labels, cost)


def _recompute(store: FeatureStore, spec: DatasetSpec, definition: FeatureSet) -> FeatureMatrix:
    last = day_of(spec.end_ms - 1)
    built = [d for d in store.days(spec.venue, definition, EPOCH_DAY, last, spec.pin) if spec.symbol in d.symbols]
    if not built:
        raise DataContractError(f"data set {spec.symbol}: expected feature days up to {last}, got none in the library")
    library = store.inputs(spec.venue, spec.symbol, definition, spec.pin)
    given = library.between(spec.symbol, day_start_ms(built[0].day), spec.end_ms)
    known = np.isin(given.candles.ts_ms // DAY_MS, [day_start_ms(d.day) // DAY_MS for d in built])
    candles = _take(given.candles, np.flatnonzero(known))
    values: Float64 = FeatureEngine(definition).run(candles, *(given.known[name][known] for name in definition.inputs))
    wanted = np.flatnonzero((candles.ts_ms >= spec.start_ms) & _of_good_day(spec, candles.ts_ms))
    return FeatureMatrix(
        symbol=spec.symbol, ts_ms=candles.ts_ms[wanted], values=values[wanted], columns=definition.columns,
        set_name=definition.name, set_hash=definition.set_hash,
        day_hashes=tuple(d.symbols[spec.symbol].rows_hash for d in built if d.day in _good_days(spec)),
    )


def _candles(brain: Brain, spec: DatasetSpec) -> Candles:
    bars = CandleRepository(brain).read(spec.venue, [spec.symbol], spec.start_ms, spec.end_ms, spec.pin)[spec.symbol]
    return _take(bars, np.flatnonzero(_of_good_day(spec, bars.ts_ms)))


def _take(candles: Candles, rows: Int64) -> Candles:
    return Candles(candles.symbol, candles.ts_ms[rows], *(getattr(candles, name)[rows] for name in CANDLE_COLUMNS))


def _good_days(spec: DatasetSpec) -> set[date]:
    first = spec.start_ms // DAY_MS * DAY_MS
    return {day_of(ms) for ms in range(first, spec.end_ms, DAY_MS)} - {date.fromisoformat(d) for d in spec.left_out_days}


def _of_good_day(spec: DatasetSpec, ts_ms: Int64) -> npt.NDArray[np.bool_]:
    bad = [day_start_ms(date.fromisoformat(d)) // DAY_MS for d in spec.left_out_days]
    return ~np.isin(ts_ms // DAY_MS, bad)

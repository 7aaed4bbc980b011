"""Which days of the library a model is trained on now: one place, so that training, judging and the manifest agree."""

from __future__ import annotations

from datetime import date

from huracan_platform.clock import DAY_MS, Clock, day_start_ms, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.data.features.registry import feature_set
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError
from huracan_platform.learning.models.manifest import DatasetSpec
from huracan_platform.settings import Settings


def newest_dataset(store: FeatureStore, venue: str, symbol: str, settings: Settings, clock: Clock) -> DatasetSpec:
    """Every stored feature day of the symbol, pinned to what is known and recorded now.

    Raises
    ------
    DataContractError
        The symbol has no feature day.
    """
    definition = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    days = [d.day for d in store.days(venue, definition, date.min, date.max) if symbol in d.symbols]
    if not days:
        raise DataContractError(f"data set of {symbol} at {venue}: expected feature days of set {definition.set_hash[:8]}, got none")
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    return DatasetSpec.of(venue, symbol, settings.features, day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS, pin)

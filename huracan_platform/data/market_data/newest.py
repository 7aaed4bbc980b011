"""The newest row of each series: how far the library is behind the market."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.data.market_data.ingest import all_dataset_names, kind_of
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.settings import Settings


@dataclass(frozen=True)
class NewestRow:
    """`ts_ms` is the newest row's event time, ms UTC."""

    dataset: str
    symbol: str
    ts_ms: int


def newest_rows(brain: Brain, market: MarketSource, settings: Settings) -> list[NewestRow]:
    """The newest row of each dataset and symbol of the settings at this venue; series without rows are left out."""
    found = []
    for dataset in all_dataset_names():
        repository = kind_of(dataset, brain, market, settings).repository(brain)
        for symbol in settings.symbols:
            bounds = repository.bounds(market.venue, symbol)
            if bounds is not None:
                found.append(NewestRow(dataset, symbol, bounds[1]))
    return found

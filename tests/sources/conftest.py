"""One simulated venue for the tests of sources: two days of history, the market paused at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from huracan_platform.contracts.source import SourceContract, SourceRows
from huracan_platform.data.sources.source import Origin, Rule, Source
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.venue_process import running_venue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
FIRST, SECOND = date(2025, 1, 1), date(2025, 1, 2)
Edit = Callable[[SourceRows], SourceRows]


@pytest.fixture(scope="package")
def venue_url() -> Iterator[str]:
    with running_venue(days=2, seed=8, symbols=f"{BTC},{ETH}") as url:
        yield url


@pytest.fixture(scope="package")
def market(venue_url: str) -> MarketData:
    return MarketData(Settings(venue={"url": venue_url, "rate_limit": False}))


@dataclass(frozen=True)
class Spoiled:
    """A real source whose rows pass through a test's hands."""

    real: Source
    edit: Edit

    @property
    def contract(self) -> SourceContract:
        return self.real.contract

    @property
    def description(self) -> str:
        return self.real.description

    def delay_ms(self, settings: Settings) -> int:
        return self.real.delay_ms(settings)

    def kept_ms(self, origin: Origin) -> int | None:
        return self.real.kept_ms(origin)

    def fetch(self, origin: Origin, symbol: str, start_ms: int, end_ms: int) -> SourceRows:
        return self.edit(self.real.fetch(origin, symbol, start_ms, end_ms))

    def rules(self, settings: Settings) -> Sequence[Rule]:
        return self.real.rules(settings)


def at(rows: SourceRows, positions: Any) -> SourceRows:
    """The rows at the given positions, in that order."""
    return replace(rows, ts_ms=rows.ts_ms[positions], values={n: v[positions] for n, v in rows.values.items()})


def without(rows: SourceRows, positions: Any) -> SourceRows:
    """All rows but those at the given positions."""
    return at(rows, np.setdiff1d(np.arange(len(rows)), positions))


def changed(rows: SourceRows, name: str, position: int, value: float) -> SourceRows:
    """One value put in another's place."""
    values = rows[name].copy()
    values[position] = value
    return replace(rows, values={**rows.values, name: values})

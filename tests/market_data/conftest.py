"""One simulated venue for all tests of market data: two days of history, the market paused at their end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.venue_process import running_venue

FIRST, SECOND = date(2025, 1, 1), date(2025, 1, 2)


@pytest.fixture(scope="package")
def venue_url() -> Iterator[str]:
    # Seed 8 begins with two quiet days; a quarter of all days has a genuine move of ten robust sigmas, which is a warning.
    with running_venue(days=2, seed=8, symbols="BTC/USDT:USDT,ETH/USDT:USDT") as url:
        yield url


@pytest.fixture(scope="package")
def market(venue_url: str) -> MarketData:
    return MarketData(Settings(venue={"url": venue_url, "rate_limit": False}))

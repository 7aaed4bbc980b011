"""The graph over days on which a symbol was delisted and another listed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from huracan_platform.brain.roles import Role
from huracan_platform.data.features.registry import feature_set
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, ETH, Launch
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

SOL = "SOL/USDT:USDT"
DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
MARKET_DATA = ("candles", "funding_rates", "open_interest")


def featured(symbol: str) -> dict[str, int]:
    """Rows of the symbol in the feature store by day."""
    platform = Platform()
    settings, store = platform.settings(), platform.feature_store(platform.brain(Role.VIEWER))
    definition = feature_set(settings.features.feature_set, settings.features.profile, settings=settings.features)
    days = store.days(platform.market().venue, definition, date(2025, 1, 1), date(2025, 12, 31))
    return {str(d.day): d.symbols[symbol].rows for d in days if symbol in d.symbols}


def test_days_around_a_delisting_and_a_listing_pass_their_checks_and_have_the_features_of_what_there_was(
    point_at: Callable, launch: Launch
) -> None:
    # Seed 10 begins with three quiet days.
    with running_venue(
        days=3, seed=10, symbols=f"{BTC},{ETH},{SOL}", ends="ETHUSDT=2025-01-02T09:30", begins="SOLUSDT=2025-01-03"
    ) as url:
        point_at(url, f"{BTC},{ETH},{SOL}")
        read = launch("instruments_job")
        assert (read.success, read.metadata["instruments"]["dagster/row_count"]) == (True, 3), read.errors
        data, built = launch("market_data_job", DAYS[0], DAYS[2]), launch("feature_job", DAYS[0], DAYS[2])
        assert (data.success, built.success) == (True, True), data.errors + built.errors
        missed = {key: c.description for key, c in data.checks.items() if key[0] in MARKET_DATA and not c.passed}
        assert {key: text for key, text in missed.items() if key[1] != "plausibility"} == {}
        states = {day: told["states"] for day, told in data.partitions["candles"].items()}
        assert states == {
            DAYS[0]: f"{BTC} good, {ETH} good", DAYS[1]: f"{BTC} good, {ETH} good", DAYS[2]: f"{BTC} good, {SOL} good",
        }
        last = 1439  # of the third day: its last bar is known some seconds after the market's now
        assert featured(BTC) == {DAYS[0]: 1440, DAYS[1]: 1440, DAYS[2]: last}
        assert featured(ETH) == {DAYS[0]: 1440, DAYS[1]: 570}
        assert featured(SOL) == {DAYS[2]: last}
        alone = launch("market_data_job", DAYS[2], symbols=[ETH])
        assert (alone.success, alone.errors) == (True, "")
        assert {key: c.passed for key, c in alone.checks.items() if key[0] == "candles" and not c.passed} == {}

"""A candle that its venue corrects after its close: a new version that outdates what depends on it, and moves no pin."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.roles import Role
from huracan_platform.clock import DAY_MS, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.revision import Standing
from huracan_platform.definitions import defs
from huracan_platform.defs.resources import Platform
from huracan_platform.operations.impact import impact
from tests.defs.conftest import BTC, ETH, Launch
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

START = 1_735_689_600_000
DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
# Within an hour of the second day: the venue's own hour still equals its minutes.
CANDLE_MS = START + (24 * 60 + 5 * 60 + 30) * 60_000


@pytest.fixture
def venue() -> Iterator[str]:
    # Seed 10 begins with three quiet days, which pass every check.
    with running_venue(days=3, seed=10, symbols=f"{BTC},{ETH}") as url:
        yield url


def correct_a_candle(url: str) -> None:
    """The next answer that has the bar tells another close."""
    fault = {"kind": "revised_candle", "path": "/fapi/v1/klines", "count": 1, "candle_ms": CANDLE_MS}
    body, headers = json.dumps(fault).encode(), {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{url}/control/faults", body, headers)).close()


def outdated(instance: dg.DagsterInstance) -> list[str]:
    """Days of `features` that the web UI shows as outdated."""
    asked = CachingStaleStatusResolver(instance, defs.resolve_asset_graph(), LoadingContextForTest(instance))
    return [day for day in DAYS if asked.get_status(dg.AssetKey("features"), day).value == "STALE"]


def stale(platform: Platform) -> list[tuple[str, str]]:
    """Symbols and days of which the library says that something was made from other candles."""
    brain, name = platform.brain(Role.VIEWER), platform.market().venue
    return [
        (symbol, day) for symbol in (BTC, ETH) for day in DAYS
        if impact(brain, name, symbol, date.fromisoformat(day), "candles").of(Standing.STALE)
    ]


def test_a_revised_candle_is_a_new_version_that_outdates_exactly_its_dependents_and_moves_no_pin(
    venue: str, point_at: Callable, launch: Launch, instance: dg.DagsterInstance
) -> None:
    point_at(venue, f"{BTC},{ETH}")
    for day in DAYS:
        assert launch("market_data_job", day).failed_checks() == {}
    assert launch("feature_job", DAYS[0], DAYS[2]).success
    assert launch("market_data_job", DAYS[0]).metadata["candles"]["revised"] == 0
    platform = Platform()
    assert (outdated(instance), stale(platform)) == ([], [])

    clock, name = platform.market().clock(), platform.market().venue
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    library = CandleRepository(platform.brain(Role.VIEWER))
    before = library.content_hash(name, BTC, START, START + 3 * DAY_MS, pin)
    correct_a_candle(venue)
    revised = launch("market_data_job", DAYS[1], symbols=[BTC])
    assert (revised.metadata["candles"]["revised"], revised.failed_checks()) == (1, {})
    assert library.content_hash(name, BTC, START, START + 3 * DAY_MS, pin) == before
    assert library.content_hash(name, BTC, START, START + 3 * DAY_MS) != before
    (told,) = impact(platform.brain(Role.VIEWER), name, BTC, date.fromisoformat(DAYS[1]), "candles").revisions
    assert (told.ts_ms, told.version, list(told.after)) == (CANDLE_MS, 2, ["close"])
    assert stale(platform) == [(BTC, DAYS[1])]
    assert outdated(instance) == [DAYS[1]]

    assert launch("feature_job", DAYS[1]).success
    assert (outdated(instance), stale(platform)) == ([], [])
    assert library.content_hash(name, BTC, START, START + 3 * DAY_MS, pin) == before

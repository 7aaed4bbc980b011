"""The asset `positioning_features` on a real Dagster instance, a real library and two real venues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.roles import Role
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.features import FeatureMatrix
from huracan_platform.data.features.registry import feature_set
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, Launch
from tests.defs.test_market_facts import record_day
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 3)
RANGE = (str(FIRST), str(LAST))
MARKET: dict[str, Any] = {"days": 3, "seed": 10, "symbols": BTC}
ROWS = [1440, 1440, 1439]  # the market stands at the last day's end: its last bar is known two seconds later


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Three days of a symbol."""
    with running_venue(**MARKET) as url:
        yield url


@pytest.fixture
def second() -> Iterator[tuple[str, Callable[[], None]]]:
    """A venue beside it that shows the same market, and what ends it."""
    with ExitStack() as stack:
        yield stack.enter_context(running_venue(**MARKET, protocol="bybit")), stack.close


def alternatives(url: str) -> dict[str, str]:
    return {"HURACAN_VENUE__ALTERNATIVES": json.dumps([{"name": "second", "ccxt_id": "bybit", "url": url}])}


def stored(platform: Platform) -> FeatureMatrix:
    settings = platform.settings()
    definition = feature_set("positioning", settings.features.profile, settings=settings.features)
    store = platform.feature_store(platform.brain(Role.VIEWER))
    return store.load(platform.market().venue, BTC, definition, day_start_ms(FIRST), day_start_ms(LAST) + DAY_MS)


def with_values(rows: FeatureMatrix) -> set[str]:
    return {name for name, column in zip(rows.columns, rows.values.T, strict=True) if np.isfinite(column).any()}


def test_days_follow_what_was_recorded_and_need_nothing_but_candles(
    venue: str, second: tuple[str, Callable[[], None]], point_at: Callable, launch: Launch, brain: Brain
) -> None:
    url, end_second = second
    point_at(venue, **alternatives(url))
    platform = Platform()
    assert platform.second_venue(brain) is None, "nothing of it is stored"
    assert launch("market_data_job", *RANGE).success
    assert platform.second_venue(brain) not in (None, platform.market().venue)
    bare = launch("positioning_job", *RANGE)
    assert (bare.success, bare.failed_checks()) == (True, {}), bare.errors
    assert [day["dagster/row_count"] for day in bare.partitions["positioning_features"].values()] == ROWS
    assert with_values(stored(platform)) == {"funding_spread", "funding_spread_momentum"}, "both venues' rates came in"

    for day in (FIRST, date(2025, 1, 2)):
        record_day(brain, platform.market().venue, day, hours=24, events=300)
    assert launch("market_facts_job", *RANGE).success
    filled = launch("positioning_job", *RANGE)
    assert (filled.success, filled.failed_checks()) == (True, {}), filled.errors
    rows = stored(platform)
    assert with_values(rows) == set(rows.columns) - {"fear_greed"}
    momentum = rows.values[:, rows.columns.index("liquidation_momentum")]
    assert np.isfinite(momentum[60:2881]).all()
    assert np.isnan(momentum[2881:]).all(), "nobody recorded the third day"
    days = [run.partitions["positioning_features"] for run in (bare, filled)]
    assert all(days[0][key]["hash"] != days[1][key]["hash"] for key in RANGE)

    end_second()  # what is built of its facts needs no answer of it
    again = launch("positioning_job", *RANGE)
    assert again.partitions["positioning_features"] == days[1]
    assert again.metadata["positioning_features"]["content_hash"] == filled.metadata["positioning_features"]["content_hash"]


def test_a_second_venue_that_does_not_answer_costs_its_columns_and_no_more(
    venue: str, point_at: Callable, launch: Launch, brain: Brain
) -> None:
    point_at(venue, HURACAN_QUALITY__FETCH_TRIES="1", **alternatives("http://127.0.0.1:9"))
    assert launch("market_data_job", *RANGE).success
    assert Platform().second_venue(brain) is None
    run = launch("positioning_job", *RANGE)
    assert (run.success, run.failed_checks()) == (True, {}), run.errors
    assert [day["dagster/row_count"] for day in run.partitions["positioning_features"].values()] == ROWS

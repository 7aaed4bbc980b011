"""Open interest, sentiment and liquidations on a real Dagster instance, a real library and a real venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.defs.conftest import BTC, Launch
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

FIRST, KEPT, LAST = "2025-01-01", "2025-01-12", "2025-02-09"


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Forty days of a symbol, of which the venue keeps thirty of open interest."""
    with running_venue(days=40, symbols=BTC) as url:
        yield url


def test_a_backfill_beyond_what_the_venue_keeps_is_green_and_says_so(venue: str, point_at: Callable, launch: Launch) -> None:
    point_at(venue)
    run = launch("market_facts_job", FIRST, LAST)
    assert run.success, run.errors
    assert run.failed_checks() == {}
    told = run.metadata["open_interest"]
    assert (told["coverage"], told["unavailable_symbol_days"], told["dagster/row_count"]) == (1.0, 11, 29 * 288)
    days = run.partitions["open_interest"]
    assert days[FIRST]["states"] == f"{BTC} unavailable"
    assert days[KEPT]["states"] == f"{BTC} good"
    assert len({days[KEPT]["hash"], days[LAST]["hash"]}) == 2
    again = launch("market_facts_job", FIRST, LAST)
    assert again.metadata["open_interest"]["content_hash"] == told["content_hash"]


def test_a_run_of_nothing_but_lost_days_is_green(venue: str, point_at: Callable, launch: Launch) -> None:
    point_at(venue)
    run = launch("market_facts_job", FIRST, "2025-01-05")
    assert (run.success, run.failed_checks()) == (True, {})
    check = run.checks["open_interest", "completeness"]
    assert check.description == (
        "completeness: nothing new to check, the source keeps none of these days; 5 of 5 were not recorded in time"
    )


def test_what_nobody_recorded_is_unavailable(venue: str, point_at: Callable, launch: Launch) -> None:
    point_at(venue)
    run = launch("market_facts_job", "2025-02-08", LAST)
    assert run.partitions["sentiment"][LAST]["states"] == f"{BTC} unavailable"
    assert {name for (asset, name), found in run.checks.items() if asset == "sentiment" and not found.passed} == set()

"""Open interest, sentiment and liquidations on a real Dagster instance, a real library and a real venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.sentiment import TextRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.contracts.texts import ScoredText
from huracan_platform.defs.resources import Platform
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
    assert run.failed_checks().items() <= {("plausibility", "WARN")}  # a month of this market holds genuine jumps
    told, days = run.metadata["open_interest"], run.partitions["open_interest"]
    assert [days[day]["unavailable_symbols"] for day in (FIRST, KEPT)] == [1, 0]
    assert (sum(day["unavailable_symbols"] for day in days.values()), "why" in days[KEPT]) == (11, False)
    assert "not available from its source any more" in days[FIRST]["why"]
    # Each partition's page tells of its own day, not of the run.
    assert [(days[day]["dagster/row_count"], days[day]["coverage"]) for day in (FIRST, KEPT)] == [(0, 1.0), (288, 1.0)]
    assert sum(day["dagster/row_count"] for day in days.values()) == 29 * 288
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


def record_day(brain: Brain, venue: str, day: date, *, hours: int, events: int) -> None:
    """What recorders would have left of a day: some hours in the ledger, a text and a liquidation so many times."""
    start, ledger = day_start_ms(day), RecordingLedger(brain)
    for dataset, source in (("sentiment", "news"), ("liquidations", venue)):
        ledger.extend(ledger.begin(source, dataset, start, 1), start + hours * HOUR_MS, 1, ended="stopped")
    moments = [start + hours * HOUR_MS * k // events for k in range(events)]
    texts = [
        ScoredText("news", f"http://n/{at}", f"{at:064x}", "t", at, at, "vader-1", (k % 9 - 4) / 4, (BTC,))
        for k, at in enumerate(moments)
    ]
    TextRepository(brain).save(texts, 1)
    LiquidationRepository(brain).save([Liquidation(venue, BTC, at, "long", 100.0, 1.0 + at % 7, at) for at in moments], 1)


def test_recorded_days_follow_what_was_recorded_and_a_gap_is_told(
    venue: str, point_at: Callable, launch: Launch, brain: Brain
) -> None:
    point_at(venue)
    name, whole = Platform().market().venue, date(2025, 2, 7)
    cut, last = whole + timedelta(days=1), whole + timedelta(days=2)
    record_day(brain, name, whole, hours=24, events=50)
    record_day(brain, name, cut, hours=20, events=30)
    run = launch("market_facts_job", str(whole), str(cut))
    assert run.success, run.errors
    for asset, rows in (("sentiment", (96, 80)), ("liquidations", (1440, 1200))):
        days = run.partitions[asset]
        assert (days[str(whole)]["dagster/row_count"], days[str(cut)]["dagster/row_count"]) == rows
        assert (days[str(whole)]["states"], days[str(cut)]["states"]) == (f"{BTC} good", f"{BTC} degraded")
        assert days[str(whole)]["hash"] != days[str(cut)]["hash"]
        check = run.checks[asset, "completeness"]
        assert (check.passed, check.severity.value) == (False, "WARN")
        assert "20:00–23:" in check.description
    again = launch("market_facts_job", str(whole), str(cut))
    record_day(brain, name, last, hours=24, events=50)
    more = launch("market_facts_job", str(whole), str(last))
    for asset in ("sentiment", "liquidations"):
        hashes = [found.metadata[asset]["content_hash"] for found in (run, again, more)]
        assert hashes[0] == hashes[1] != hashes[2]
        assert more.partitions[asset][str(whole)]["hash"] == run.partitions[asset][str(whole)]["hash"]
        assert more.partitions[asset][str(last)]["dagster/row_count"] == run.partitions[asset][str(whole)]["dagster/row_count"]
    texts = TextRepository(brain).seen(day_start_ms(whole), day_start_ms(whole) + DAY_MS, "vader", BTC)
    assert len(texts) == 50

"""Open interest from the venue to the library: a real database, a real simulated venue, answers spoiled on the way."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import OpenInterest, Pin
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_open_interest
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.klines import MalformedRowsError
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, changed
from tests.told import left_empty, told_by
from tests.venue_process import running_venue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NAME = "open_interest"
AT = 287 + 140  # a snapshot of the second day; the first day has none at its very start


@pytest.fixture
def take(brain, market: MarketData, settings: Settings) -> Callable[..., IngestReport]:
    def ingest(source=market, symbols=(BTC,), first=FIRST, last=SECOND) -> IngestReport:
        return ingest_open_interest(brain, source, symbols, first, last, settings)

    return ingest


def pick(rows: OpenInterest, at) -> OpenInterest:
    return replace(rows, ts_ms=rows.ts_ms[at], contracts=rows.contracts[at], value_usd=rows.value_usd[at])


def test_both_days_are_stored_in_contracts_and_usd_and_known_five_minutes_later(brain, market, take) -> None:
    report = take(symbols=(BTC, ETH))
    assert [(d.day, d.symbol, d.state, d.rows, d.expected) for d in report.days] == [
        (FIRST, BTC, DayState.GOOD, 287, 287), (FIRST, ETH, DayState.GOOD, 287, 287),
        (SECOND, BTC, DayState.GOOD, 288, 286), (SECOND, ETH, DayState.GOOD, 288, 286),
    ]
    assert all(check.passed for check in report.checks), [c.message for c in report.checks]
    start = day_start_ms(SECOND)
    rows = OpenInterestRepository(brain).read(market.venue, [BTC], start, start + DAY_MS)[BTC]
    assert set(np.diff(rows.ts_ms)) == {5 * MINUTE_MS}
    assert len(np.unique(rows.contracts)) > 200
    price = market.candles(BTC, start, start + 600 * MINUTE_MS).close[9::5]
    np.testing.assert_allclose(rows.value_usd[2:121] / rows.contracts[2:121], price[:119], rtol=1e-6)
    noon = start + 720 * MINUTE_MS
    seen = OpenInterestRepository(brain).read(market.venue, [BTC], start, start + DAY_MS, Pin(as_of=to_datetime(noon)))[BTC]
    assert int(seen.ts_ms[-1]) == noon - 5 * MINUTE_MS


def test_the_same_days_twice_change_nothing_and_have_the_same_hash(take) -> None:
    once, twice = take(symbols=(BTC, ETH)), take(symbols=(ETH, BTC))
    assert (once.inserted, twice.inserted, twice.revised, twice.unchanged) == (1150, 0, 0, 1150)
    assert once.content_hash == twice.content_hash
    assert len({d.content_hash for d in once.days}) == 4


FAULTS = {
    "completeness": (lambda r: pick(r, np.setdiff1d(np.arange(len(r)), range(AT, AT + 12))), DayState.DEGRADED),
    "uniqueness": (lambda r: pick(r, [*range(AT), AT - 1, *range(AT, len(r))]), DayState.QUARANTINED),
    "validity": (lambda r: changed(r, "contracts", AT, 0.0), DayState.QUARANTINED),
    "consistency": (lambda r: changed(r, "value_usd", AT, r.value_usd[AT] * 1.2), DayState.QUARANTINED),
    "plausibility": (
        lambda r: changed(changed(r, "contracts", AT, r.contracts[AT] * 1.5), "value_usd", AT, r.value_usd[AT] * 1.5),
        DayState.GOOD,
    ),
    "contract": (lambda r: changed(r, "contracts", AT, r.contracts[AT] * 1000), DayState.QUARANTINED),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_check_keeps_the_day_from_readers_and_passes_when_repaired(brain, market, take, name) -> None:
    edit, state = FAULTS[name]
    spoiled = take(SpoiledMarket(market, interest=edit))
    assert {c.name: c.failing_days for c in spoiled.checks}[name] == [f"{SECOND} {BTC}"]
    assert [day.state for day in spoiled.days] == [DayState.GOOD, state]
    assert name in {issue.issue_type for issue in QualityRepository(brain).open_issues()}
    (incident,) = [found for found in told_by(spoiled, NAME) if found.rule == name]
    assert left_empty(incident) == []
    assert (incident.partition, incident.symbol, incident.venue) == (str(SECOND), BTC, market.venue)
    repaired = take()
    assert all(check.passed for check in repaired.checks)
    assert good_days(brain, market.venue, NAME, [BTC], FIRST, SECOND) == [FIRST, SECOND]
    assert QualityRepository(brain).open_issues() == []


def test_refused_rows_are_kept_and_named(brain, market, take) -> None:
    take(SpoiledMarket(market, interest=FAULTS["consistency"][0]))
    (entry,) = Quarantine(brain).entries()
    assert (entry.dataset, entry.symbol, entry.day, entry.row_count) == (NAME, BTC, SECOND, 288)
    why = f"{NAME} {BTC} {SECOND}: expected USD per contract within the hour's prices ± 1.0%, got 1 others (11:40)"
    assert why in entry.reason
    kept = pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id)))
    assert kept.column_names == ["symbol", "ts", "contracts", "value_usd"]


def test_a_feed_that_stopped_fails_freshness(market, take) -> None:
    late = take(SpoiledMarket(market, interest=lambda r: pick(r, slice(0, len(r) - 4))))
    assert {c.name: c.failing_days for c in late.checks}["freshness"] == [f"{SECOND} {BTC}"]


def test_rows_that_are_none_are_quarantined_as_they_came(brain, market, take) -> None:
    def garbled(rows: OpenInterest) -> OpenInterest:
        raise MalformedRowsError("open interest: expected rows, got 'oops'", [{"oops": 1}])

    assert {day.state for day in take(SpoiledMarket(market, interest=garbled)).days} == {DayState.QUARANTINED}
    (entry,) = Quarantine(brain).entries()
    kept = pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id)))
    assert kept.to_pylist() == [{"row": '{"oops": 1}'}]


@pytest.fixture(scope="module")
def old_market() -> Iterator[MarketData]:
    """Forty days of history, ten more than the venue keeps open interest of."""
    with running_venue(days=40, seed=8, symbols=BTC) as url:
        yield MarketData(Settings(venue={"url": url, "rate_limit": False}))


LAST = FIRST + timedelta(days=39)
KEPT_FROM = FIRST + timedelta(days=11)  # of the 30 days back the oldest is on the edge and not asked for


def test_days_the_venue_has_lost_are_unavailable_and_no_failure(brain, old_market, take) -> None:
    report = take(old_market, last=LAST)
    report.raise_if_bad()
    assert {d.day for d in report.in_state(DayState.UNAVAILABLE)} == {FIRST + timedelta(days=k) for k in range(11)}
    assert {d.day for d in report.in_state(DayState.GOOD)} == {KEPT_FROM + timedelta(days=k) for k in range(29)}
    assert report.coverage == 1.0
    assert {(i.issue_type, i.severity) for i in QualityRepository(brain).open_issues()} <= {("plausibility", "warning")}
    lost = report.days[0]
    assert (lost.rows, lost.content_hash) == (0, None)
    assert lost.reasons == ("not available from its source any more, and not recorded in time",)
    assert good_days(brain, old_market.venue, NAME, [BTC], FIRST, LAST)[0] == KEPT_FROM


def test_a_run_of_lost_days_alone_is_no_failure_either(brain, old_market, take) -> None:
    report = take(old_market, last=FIRST + timedelta(days=4))
    assert ([d.state for d in report.days], report.checks) == ([DayState.UNAVAILABLE] * 5, ())


def test_a_day_that_was_recorded_in_time_stays_good_when_the_venue_has_lost_it(brain, market, old_market, take) -> None:
    assert market.venue == old_market.venue
    recorded = take(last=FIRST)
    again = take(old_market, last=FIRST + timedelta(days=1))
    assert [d.state for d in again.days] == [DayState.GOOD, DayState.UNAVAILABLE]
    assert again.days[0] == recorded.days[0]


def test_an_open_day_that_the_venue_lost_meanwhile_is_degraded(brain, market, old_market, take) -> None:
    from huracan_platform.clock import ManualClock

    clock = ManualClock(market.clock().wire_ms(), day_start_ms(SECOND) + DAY_MS // 2)
    noon = SpoiledMarket(market, interest=lambda r: pick(r, r.ts_ms <= clock.market_ms()), clock=clock)
    assert take(noon, first=SECOND).days[0].state is DayState.OPEN
    (day,) = take(old_market, first=SECOND, last=SECOND).days
    assert (day.state, day.rows) == (DayState.DEGRADED, 145)


def test_the_venue_refuses_what_it_does_not_keep(old_market) -> None:
    start = day_start_ms(date(2025, 1, 2))
    with pytest.raises(PermanentError, match="startTime"):
        old_market.open_interest(BTC, start, start + DAY_MS)

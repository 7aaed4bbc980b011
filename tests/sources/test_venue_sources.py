"""Every source of a venue, from the venue to the library: a real database, a real simulated venue, rows spoiled on the way."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pyarrow.parquet as pq
import pytest

from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.quality import DayState
from huracan_platform.contracts.source import SourceRows
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_source
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.sources.registry import SOURCES, find_source
from huracan_platform.data.sources.source import Source
from huracan_platform.settings import Settings
from huracan_platform.venues.klines import MalformedRowsError
from tests.sources.conftest import BTC, ETH, FIRST, SECOND, Spoiled, at, changed, without
from tests.told import left_empty, told_by

STEP_MS = 5 * MINUTE_MS
NAMES = [source.contract.name for source in SOURCES]
MARKS, RATIOS, VOLUMES = (find_source(name) for name in ("mark_prices", "account_ratios", "taker_volumes"))


@pytest.fixture
def take(brain, market, settings: Settings) -> Callable[..., IngestReport]:
    """Ingest both days, with the candles that rules are held against in the library."""
    ingest_candles(brain, market, (BTC, ETH), FIRST, SECOND, settings)

    def ingest(source: Source, symbols=(BTC,)) -> IngestReport:
        return ingest_source(source, brain, market, symbols, FIRST, SECOND, settings)

    return ingest


def rows_of(brain, market, source: Source, pin: Pin | None = None) -> SourceRows:
    start = day_start_ms(FIRST)
    return SourceRepository(brain, source.contract).read(market.venue, [BTC], start, start + 2 * DAY_MS, pin)[BTC]


@pytest.mark.parametrize("name", NAMES)
def test_both_days_of_a_source_are_stored_and_every_check_passes(brain, market, take, name) -> None:
    source = find_source(name)
    report = take(source, (BTC, ETH))
    first = 288 if source.contract.span_ms else 287  # a moment at the very start of the listing is not due
    assert [(d.day, d.symbol, d.state, d.rows) for d in report.days] == [
        (FIRST, BTC, DayState.GOOD, first), (FIRST, ETH, DayState.GOOD, first),
        (SECOND, BTC, DayState.GOOD, 288), (SECOND, ETH, DayState.GOOD, 288),
    ]
    assert {check.name: check.message for check in report.checks if not check.passed and check.name != "plausibility"} == {}
    rows = rows_of(brain, market, source)
    assert set(np.diff(rows.ts_ms)) == {STEP_MS}
    assert all(len(np.unique(rows[column])) > 20 for column in source.contract.names)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_days_twice_change_nothing_and_have_the_same_hash(take, name) -> None:
    source = find_source(name)
    once, twice = take(source, (BTC, ETH)), take(source, (ETH, BTC))
    assert (once.revised, twice.inserted, twice.revised, twice.unchanged) == (0, 0, 0, once.inserted)
    assert once.content_hash == twice.content_hash
    assert len({day.content_hash for day in once.days}) == 4


def test_a_row_is_known_when_its_span_and_its_delay_are_over(brain, market, take, settings) -> None:
    noon = day_start_ms(SECOND) + 720 * MINUTE_MS
    for source, newest in ((MARKS, noon - 2 * STEP_MS), (RATIOS, noon - STEP_MS), (VOLUMES, noon - 2 * STEP_MS)):
        take(source)
        seen = rows_of(brain, market, source, Pin(as_of=to_datetime(noon)))
        assert int(seen.ts_ms[-1]) == newest, source.contract.name


def test_a_revision_leaves_every_pinned_read_before_it_as_it_was(brain, market, take) -> None:
    take(RATIOS)
    before = rows_of(brain, market, RATIOS)
    pin = Pin(recorded_before=to_datetime(market.clock().wire_ms()))
    revised = take(Spoiled(RATIOS, lambda rows: changed(rows, "long_share", 100, 0.123)))
    assert (revised.revised, revised.inserted) == (1, 0)
    assert rows_of(brain, market, RATIOS)["long_share"][100] == 0.123
    np.testing.assert_array_equal(rows_of(brain, market, RATIOS, pin)["long_share"], before["long_share"])
    start = day_start_ms(FIRST)
    versions = SourceRepository(brain, RATIOS.contract).read_versions(market.venue, [BTC], start, start + 2 * DAY_MS)[BTC]
    assert len(versions.ts_ms) == len(before) + 1


AT = 288 + 140  # 11:40 of the second day, or 11:45 where the first day has one row less
FAULTS = {
    ("mark_prices", "completeness"): (lambda r: without(r, range(AT, AT + 12)), DayState.DEGRADED),
    ("mark_prices", "uniqueness"): (lambda r: at(r, [*range(AT), AT - 1, *range(AT, len(r))]), DayState.QUARANTINED),
    ("mark_prices", "validity"): (lambda r: changed(r, "index", AT, 0.0), DayState.QUARANTINED),
    ("mark_prices", "consistency"): (lambda r: changed(r, "premium", AT, 0.05), DayState.QUARANTINED),
    ("mark_prices", "plausibility"): (lambda r: changed(r, "premium", AT, r["premium"][AT] + 0.004), DayState.GOOD),
    ("mark_prices", "contract"): (lambda r: changed(r, "mark", AT, r["mark"][AT] * 1000), DayState.QUARANTINED),
    ("account_ratios", "completeness"): (lambda r: without(r, range(AT, AT + 12)), DayState.DEGRADED),
    ("account_ratios", "uniqueness"): (lambda r: at(r, [*range(AT), AT - 1, *range(AT, len(r))]), DayState.QUARANTINED),
    ("account_ratios", "validity"): (lambda r: changed(r, "long_share", AT, 55.0), DayState.QUARANTINED),
    ("account_ratios", "plausibility"): (lambda r: changed(r, "long_share", AT, 0.01), DayState.GOOD),
    ("account_ratios", "contract"): (lambda r: changed(r, "long_share", AT, np.nan), DayState.QUARANTINED),
    ("taker_volumes", "completeness"): (lambda r: without(r, range(AT, AT + 12)), DayState.DEGRADED),
    ("taker_volumes", "uniqueness"): (lambda r: at(r, [*range(AT), AT - 1, *range(AT, len(r))]), DayState.QUARANTINED),
    ("taker_volumes", "validity"): (lambda r: changed(r, "buy", AT, -1.0), DayState.QUARANTINED),
    ("taker_volumes", "consistency"): (lambda r: changed(r, "sell", AT, r["sell"][AT] * 1.2), DayState.QUARANTINED),
}


@pytest.mark.parametrize(("name", "check"), FAULTS)
def test_a_fault_fails_its_check_keeps_the_day_from_readers_and_passes_when_repaired(brain, market, take, name, check) -> None:
    edit, state = FAULTS[name, check]
    source = find_source(name)
    spoiled = take(Spoiled(source, edit))
    assert f"{SECOND} {BTC}" in {c.name: c.failing_days for c in spoiled.checks}[check]
    assert [day.state for day in spoiled.days] == [DayState.GOOD, state]
    assert check in {issue.issue_type for issue in QualityRepository(brain).open_issues() if issue.dataset == name}
    (incident,) = [found for found in told_by(spoiled, name) if found.rule == check]
    assert left_empty(incident) == []
    assert (incident.partition, incident.symbol, incident.venue) == (str(SECOND), BTC, market.venue)
    repaired = take(source)
    assert {c.name for c in repaired.checks if not c.passed} <= {"plausibility"}
    assert good_days(brain, market.venue, name, [BTC], FIRST, SECOND) == [FIRST, SECOND]
    open_now = {issue.issue_type for issue in QualityRepository(brain).open_issues() if issue.dataset == name}
    assert open_now <= {"plausibility"}


@pytest.mark.parametrize(("source", "edit", "why"), [
    (MARKS, lambda r: changed(r, "premium", AT, 0.05),
     "expected a premium within 0.50% of mark ÷ index − 1, got 1 of 288 others (11:40)"),
    (MARKS, lambda r: changed(changed(r, "index", AT, r["index"][AT] * 1.5), "mark", AT, r["mark"][AT] * 1.5),
     "expected an index within the hour's traded prices ± 1.0%, got 1 of 288 others (11:40)"),
    (VOLUMES, lambda r: changed(r, "sell", AT, r["sell"][AT] * 1.2 + 1),
     "expected buy + sell within 0.1% of the candles' volume, got 1 of 288 others (11:40)"),
])
def test_a_broken_rule_says_which_and_where_and_its_rows_are_kept(brain, take, source, edit, why) -> None:
    take(Spoiled(source, edit))
    entries = [e for e in Quarantine(brain).entries() if e.dataset == source.contract.name]
    assert [(e.symbol, e.day, e.row_count) for e in entries] == [(BTC, SECOND, 288)]
    assert f"{source.contract.name} {BTC} {SECOND}: {why}" in entries[0].reason
    kept = pq.read_table(io.BytesIO(Quarantine(brain).rows(entries[0].batch_id)))
    assert kept.column_names == ["symbol", "ts", *source.contract.names]


def test_volumes_without_candles_are_held_against_nothing(brain, market, settings) -> None:
    spoiled = Spoiled(VOLUMES, lambda r: changed(r, "sell", AT, 9e9))
    report = ingest_source(spoiled, brain, market, (BTC,), FIRST, SECOND, settings)
    assert {c.name: c.passed for c in report.checks}["consistency"]


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_that_stopped_fails_freshness(take, name) -> None:
    late = take(Spoiled(find_source(name), lambda r: at(r, slice(0, len(r) - 4))))
    assert {c.name: c.failing_days for c in late.checks}["freshness"] == [f"{SECOND} {BTC}"]


def test_rows_that_are_none_are_quarantined_as_they_came(brain, take) -> None:
    def garbled(rows: SourceRows) -> SourceRows:
        raise MalformedRowsError("account ratios: expected rows, got 'oops'", [{"oops": 1}])

    assert {day.state for day in take(Spoiled(RATIOS, garbled)).days} == {DayState.QUARANTINED}
    (entry,) = Quarantine(brain).entries()
    kept = pq.read_table(io.BytesIO(Quarantine(brain).rows(entry.batch_id)))
    assert kept.to_pylist() == [{"row": '{"oops": 1}'}]

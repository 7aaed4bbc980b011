"""Dirty files through the real ingest: refused, named in the quarantine, the log and the incident; genuine ones are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, FundingRates
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import HuracanError
from huracan_platform.operations.check_incidents import CheckOutcome, incidents_of
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.dirty import FAULTS, hours_of, of_day, shifted
from tests.market_data.made import SpoiledMarket, pick

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START = day_start_ms(FIRST)


@pytest.fixture
def load(brain, market, settings, tmp_path: Path) -> Callable[..., IngestReport]:
    """Rows as a file, in the order given, into the library."""
    def taken(rows: Candles | FundingRates, dataset: str = "candles", source=market, symbol: str = BTC) -> IngestReport:
        path = tmp_path / f"{dataset}.parquet"
        frame_of(rows).to_parquet(path)
        return load_batch(brain, source, path, dataset, symbol, settings)

    return taken


def reason_of(brain) -> str:
    (entry,) = Quarantine(brain).entries()
    return entry.reason


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "a page missing"])
def test_a_dirty_file_is_quarantined_under_the_name_of_its_fault(brain, market, load, fault) -> None:
    plant, names = FAULTS[fault]
    both = market.candles(BTC, START, START + 2 * DAY_MS)
    report = load(of_day(plant(both, np.random.default_rng(5)), SECOND))
    assert [day.state for day in report.days] == [DayState.QUARANTINED]
    assert reason_of(brain).startswith(tuple(f"candles {BTC} {SECOND}: {name}: expected " for name in names))


def test_a_wrong_file_leaves_the_good_days_of_the_library_as_they_are(brain, market, settings, load) -> None:
    ingest_candles(brain, market, [BTC, ETH], FIRST, SECOND, settings)
    before = QualityRepository(brain).days(market.venue, "candles", [ETH], FIRST, SECOND)
    report = load(market.candles(BTC, START, START + 2 * DAY_MS), symbol=ETH)
    assert [day.state for day in report.days] == [DayState.QUARANTINED] * 2
    assert all(day.reasons[-1] == "the library keeps the good day that it has" for day in report.days)
    assert QualityRepository(brain).days(market.venue, "candles", [ETH], FIRST, SECOND) == before
    assert [issue for issue in QualityRepository(brain).open_issues() if issue.issue_type != "plausibility"] == []
    assert {entry.symbol for entry in Quarantine(brain).entries()} == {ETH}


@pytest.mark.parametrize("spoil", [
    lambda f: f.drop(columns="ts"), lambda f: f.assign(ts=f.ts.astype(str).str.replace("2025", "twenty")),
    lambda f: f.assign(close="much"), lambda f: f.drop(columns="volume"), lambda f: f.iloc[:0],
], ids=["no time", "no times", "no number", "no volume", "no row"])
def test_a_file_that_cannot_be_read_leaves_the_good_days_as_they_are(brain, market, settings, tmp_path, spoil) -> None:
    ingest_candles(brain, market, [BTC], FIRST, SECOND, settings)
    before = QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND)
    path = tmp_path / "file.parquet"
    spoil(frame_of(market.candles(BTC, START, START + 2 * DAY_MS))).to_parquet(path)
    with pytest.raises(HuracanError, match="expected"):
        load_batch(brain, market, path, "candles", BTC, settings).raise_if_bad()
    assert QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND) == before


def test_a_wrong_file_of_a_day_that_is_not_good_quarantines_it(brain, market, load) -> None:
    load(market.candles(BTC, START, START + 2 * DAY_MS), symbol=ETH)
    days = QualityRepository(brain).days(market.venue, "candles", [ETH], FIRST, SECOND)
    assert [day.state for day in days] == [DayState.QUARANTINED] * 2


def test_the_name_is_in_the_log_and_titles_the_incident(brain, market, load) -> None:
    report = load(of_day(shifted(60)(market.candles(BTC, START, START + 2 * DAY_MS), np.random.default_rng(1)), SECOND))
    issues = [issue for issue in QualityRepository(brain).open_issues() if issue.details["fault"]]
    assert [(issue.issue_type, issue.details["fault"]) for issue in issues] == [("consistency", "time-zone shifted")]
    failed = {check.name: check.failing for check in report.checks}["consistency"]
    rows = [{"symbol": r.symbol, "day": str(r.day), "severity": r.severity.value, **r.details()} for r in failed]
    (incident,) = incidents_of(CheckOutcome("candles", "consistency", False, True, "", str(SECOND), "r", 1, failures=rows), "http://ui")
    assert "time-zone shifted: expected each bar at its open in UTC, got times +1 h late" in incident.title


def test_a_missing_page_is_named_and_its_rows_are_taken(brain, market, load) -> None:
    plant, _ = FAULTS["a page missing"]
    report = load(of_day(plant(market.candles(BTC, START, START + 2 * DAY_MS), np.random.default_rng(2)), SECOND))
    assert [day.state for day in report.days] == [DayState.DEGRADED]
    assert "missing page: expected every page, got none of" in report.days[0].reasons[0]
    assert "a page of" in report.days[0].reasons[0]


def test_a_genuine_file_is_taken_without_a_word(brain, market, load) -> None:
    report = load(market.candles(BTC, START, START + 2 * DAY_MS))
    assert [(day.state, day.reasons) for day in report.days] == [(DayState.GOOD, ())] * 2


def test_another_symbol_s_rows_are_told_by_the_venue_s_hours_of_that_symbol(brain, market, load) -> None:
    load(market.candles(ETH, START, START + 2 * DAY_MS), symbol=ETH)  # both symbols are known from here on
    load(of_day(market.candles(BTC, START, START + 2 * DAY_MS), FIRST))
    other = of_day(market.candles(ETH, START, START + 2 * DAY_MS), SECOND)
    scaled = {name: getattr(other, name) for name in CANDLE_COLUMNS}
    load(replace(of_day(market.candles(BTC, START, START + 2 * DAY_MS), SECOND), **scaled))
    assert f"candles {BTC} {SECOND}: another symbol's data: " in reason_of(brain)


def test_a_shift_without_any_hour_is_told_by_the_rows_that_the_library_has(brain, market, settings, load) -> None:
    blind = SpoiledMarket(market, hourly=lambda h: pick(h, slice(0, 0)))
    ingest_candles(brain, market, (BTC,), FIRST, FIRST, settings)
    load(of_day(shifted(180)(market.candles(BTC, START, START + 2 * DAY_MS), np.random.default_rng(1)), SECOND), source=blind)
    assert f"candles {BTC} {SECOND}: time-zone shifted: expected bars of their own time, got 180" in reason_of(brain)


def test_a_shift_without_hours_and_library_is_told_by_the_mark_price(brain, market, load) -> None:
    class Blind(SpoiledMarket):
        def mark_prices(self, symbol: str, start_ms: int, end_ms: int):
            return market.mark_prices(symbol, start_ms, end_ms)

    blind = Blind(market, hourly=lambda h: pick(h, slice(0, 0)))
    rows = market.candles(BTC, START, START + 2 * DAY_MS)
    assert load(of_day(rows, SECOND), source=blind).days[0].state is DayState.GOOD
    assert load(of_day(shifted(60)(rows, np.random.default_rng(1)), FIRST), source=blind).days[0].state is DayState.QUARANTINED
    assert f"candles {BTC} {FIRST}: time-zone shifted: expected closes at the time of the venue's mark price" in reason_of(brain)


def test_a_venue_whose_minutes_and_hours_are_late_together_is_found_out_by_the_days_before(brain, market, settings) -> None:
    ingest_candles(brain, market, (BTC,), FIRST, FIRST, settings)

    class Late(SpoiledMarket):
        def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
            there = market.candles(symbol, max(START, start_ms - HOUR_MS), end_ms - HOUR_MS)
            return replace(there, ts_ms=there.ts_ms + HOUR_MS)

        def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
            return hours_of(self.candles(symbol, start_ms, end_ms))

    report = ingest_candles(brain, Late(market), (BTC,), SECOND, SECOND, settings)
    assert report.days[0].state is DayState.QUARANTINED
    assert "time-zone shifted" in report.days[0].reasons[0]


FUNDING: dict[str, tuple[Callable[[FundingRates], FundingRates], str]] = {
    "percent": (lambda r: replace(r, rate=r.rate * 100), "funding with a wrong unit"),
    "basis points": (lambda r: replace(r, rate=r.rate * 10_000), "funding with a wrong unit"),
    "a constant": (lambda r: replace(r, rate=np.full(len(r), 7.3e-4)), "fabricated funding"),
    "noise": (lambda r: replace(r, rate=np.random.default_rng(3).normal(0, 1e-3, len(r))), "fabricated funding"),
    "newest first": (lambda r: r.at(slice(None, None, -1)), "newest-first order"),
    "UTC+1": (lambda r: replace(r, ts_ms=r.ts_ms + HOUR_MS), "time-zone shifted"),
}


@pytest.mark.parametrize("fault", FUNDING)
def test_dirty_funding_is_quarantined_under_the_name_of_its_fault(brain, market, load, fault) -> None:
    edit, name = FUNDING[fault]
    report = load(edit(market.funding(BTC, START, START + 2 * DAY_MS - 2 * HOUR_MS)), "funding")
    assert DayState.QUARANTINED in {day.state for day in report.days}
    reasons = [entry.reason for entry in Quarantine(brain).entries()]
    assert reasons
    assert all(f": {name}: expected " in reason for reason in reasons)


def test_genuine_funding_is_taken_from_the_venue_and_from_a_file(brain, market, settings, load) -> None:
    assert all(check.passed for check in ingest_funding(brain, market, (BTC, ETH), FIRST, SECOND, settings).checks)
    report = load(market.funding(BTC, START, START + 2 * DAY_MS), "funding")
    assert [(day.state, day.reasons) for day in report.days] == [(DayState.GOOD, ())] * 2


def test_funding_of_another_symbol_is_told_by_the_library(brain, market, settings, load) -> None:
    ingest_funding(brain, market, (ETH,), FIRST, SECOND, settings)
    ours = market.funding(BTC, START, START + 2 * DAY_MS)
    load(replace(ours, rate=market.funding(ETH, START, START + 2 * DAY_MS).rate), "funding")
    reasons = " ".join(entry.reason for entry in Quarantine(brain).entries())
    assert f"telling ones that are {ETH}'s" in reasons

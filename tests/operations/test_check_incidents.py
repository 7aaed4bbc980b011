"""Incidents of checks stay open as long as the quality log says so, whatever the dataset is called there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import HOUR_MS, day_start_ms
from huracan_platform.contracts.incident import IncidentSeverity
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.ingest import dataset_names, ingest_candles, ingest_dataset
from huracan_platform.data.market_data.recorded import RECORDED_LIVE
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.defs.data.checks import results
from huracan_platform.errors import TransientError
from huracan_platform.operations.check_incidents import DATASETS, EFFECTS, FAILURES, CheckOutcome, CheckWatch, incidents_of
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.defs.seconds import record_seconds
from tests.market_data.conftest import FIRST, SECOND, market, venue_url  # noqa: F401  fixtures
from tests.market_data.made import SpoiledMarket, pick
from tests.market_data.test_ingest import FAULTS as STORED
from tests.told import AT_MS, left_empty, told_by

FAULTS = {**STORED, "freshness": STORED["completeness"]}

DAY, NOW = date(2025, 1, 2), datetime(2025, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(("asset", "dataset"), [("funding_rates", "funding"), ("candles", "candles"), ("sentiment", "sentiment")])
def test_a_failed_day_is_an_incident_until_its_check_passes(brain: Brain, asset: str, dataset: str) -> None:
    bad = CheckResult("consistency", dataset, "BTC/USDT:USDT", DAY, False, Severity.ERROR, True, 2.0, 3.0, "expected 3, got 2")
    quality, watch = QualityRepository(brain), CheckWatch(brain, "http://ui")
    quality.record("venue", dataset, [], [bad], [], AT_MS)
    failure = {**bad.details(), "venue": "venue", "symbol": bad.symbol, "day": DAY.isoformat(), "severity": "error"}
    assert watch.take([CheckOutcome(asset, "consistency", False, True, bad.message, "", "run", AT_MS, "", [failure])]) == 1
    assert watch.close_repaired(NOW) == 0
    assert [row.incident.asset for row in IncidentRepository(brain).open()] == [asset]
    quality.record("venue", dataset, [], [replace(bad, passed=True)], [], AT_MS + 1)
    assert watch.close_repaired(NOW) == 1
    assert IncidentRepository(brain).open() == []


def test_what_another_venue_says_of_the_same_day_neither_closes_nor_keeps_an_incident(brain: Brain) -> None:
    bad = CheckResult("consistency", "funding", "BTC/USDT:USDT", DAY, False, Severity.ERROR, True, 2.0, 3.0, "expected 3, got 2")
    quality, watch = QualityRepository(brain), CheckWatch(brain, "http://ui")
    for venue in ("first", "second"):
        quality.record(venue, "funding", [], [bad], [], AT_MS)
    failure = {**bad.details(), "venue": "first", "symbol": bad.symbol, "day": DAY.isoformat(), "severity": "error"}
    watch.take([CheckOutcome("funding_rates", "consistency", False, True, bad.message, "", "run", AT_MS, "", [failure])])
    quality.record("second", "funding", [], [replace(bad, passed=True)], [], AT_MS + 1)
    assert watch.close_repaired(NOW) == 0
    quality.record("second", "funding", [], [bad], [], AT_MS + 2)
    quality.record("first", "funding", [], [replace(bad, passed=True)], [], AT_MS + 2)
    assert watch.close_repaired(NOW) == 1


@pytest.mark.parametrize("name", ["contract", *FAULTS])
def test_an_incident_of_each_check_fills_every_field(brain: Brain, market: MarketData, settings: Settings, name: str  # noqa: F811
) -> None:
    edit = (lambda c: pick(c, [*range(1440), *range(2879, 1439, -1)])) if name == "contract" else FAULTS[name][0]
    late = SpoiledMarket(market, candles=lambda c: pick(c, slice(0, len(c) - 10)))
    source = late if name == "freshness" else SpoiledMarket(market, candles=edit)
    report = ingest_candles(brain, source, ["BTC/USDT:USDT"], FIRST, SECOND, settings)
    (result,) = [r for r in results("candles", report) if r.check_name == name]
    failures = result.metadata[FAILURES].value
    outcome = CheckOutcome("candles", name, False, True, result.description or "", "", "run", AT_MS, "", failures)
    (incident,) = incidents_of(outcome, "http://ui")
    assert left_empty(incident) == []
    assert set(incident.counts) == {"rows expected", "rows got", "rows bad", "bad stretches"}
    assert incident.counts["rows bad"] > 0
    assert (incident.partition, incident.venue) == (str(SECOND), market.venue)


BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ASSETS = {dataset: asset for asset, dataset in DATASETS.items()}


@pytest.mark.parametrize("dataset", sorted(RECORDED_LIVE))
def test_an_incident_of_a_recorder_s_gap_fills_every_field_and_asks_for_no_fetch(
    brain: Brain, market: MarketData, settings: Settings, dataset: str  # noqa: F811
) -> None:
    if dataset in ("trades", "book"):
        record_seconds(brain, market, BTC, FIRST, hours=20)
    else:
        ledger, start = RecordingLedger(brain), day_start_ms(FIRST)
        source = market.venue if dataset == "liquidations" else "feed"
        ledger.extend(ledger.begin(source, dataset, start, 1), start + 20 * HOUR_MS, 1, ended="stopped")
    report = ingest_dataset(dataset, brain, market, [BTC], FIRST, FIRST, settings)
    (incident,) = [i for i in told_by(report, dataset) if i.rule == "completeness"]
    assert left_empty(incident) == []
    assert (incident.severity, incident.symbol, incident.partition) == (IncidentSeverity.WARNING, BTC, str(FIRST))
    assert (incident.first_bad, incident.command) == ("2025-01-01 20:00", "huracan status")
    assert incident.trading_effect == EFFECTS[dataset]


class _Silent(SpoiledMarket):
    """Answers for Ether alone."""

    def _refuse(self, symbol: str) -> None:
        if symbol == BTC:
            raise TransientError("expected an answer, got none")

    def candles(self, symbol: str, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
        self._refuse(symbol)
        return super().candles(symbol, start_ms, end_ms)

    def funding(self, symbol: str, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
        self._refuse(symbol)
        return super().funding(symbol, start_ms, end_ms)

    def open_interest(self, symbol: str, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
        self._refuse(symbol)
        return super().open_interest(symbol, start_ms, end_ms)

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
        self._refuse(symbol)
        return super().mark_prices(symbol, start_ms, end_ms)


@pytest.mark.parametrize("dataset", ["candles", "funding", "open_interest", "mark_prices"])
def test_a_symbol_that_cannot_be_fetched_is_one_incident_that_names_it_until_it_can(
    brain: Brain, market: MarketData, settings: Settings, dataset: str  # noqa: F811
) -> None:
    asset, watch = ASSETS.get(dataset, dataset), CheckWatch(brain, "http://ui")
    report = ingest_dataset(dataset, brain, _Silent(market), [BTC, ETH], FIRST, SECOND, settings)
    (incident,) = [i for i in told_by(report, asset) if i.symbol == BTC]
    assert left_empty(incident) == []
    assert (incident.rule, incident.observed, incident.expected) == ("fetch", "0", "2")
    assert f"{dataset} {BTC} {FIRST} to {SECOND}: could not be fetched" in incident.title
    assert incident.command == f"huracan data backfill --dataset {dataset} --from {FIRST} --to {SECOND} --symbols {BTC}"
    IncidentRepository(brain).open_incident(NOW, incident)
    assert watch.close_repaired(NOW) == 0
    ingest_dataset(dataset, brain, market, [BTC], FIRST, SECOND, settings)
    assert watch.close_repaired(NOW) == 1


def test_checks_that_had_no_rows_because_nothing_was_fetched_tell_no_incident_of_their_own() -> None:
    report = IngestReport("sim", "candles", (), (), 0, 0, 0, {BTC: "no answer"}, {BTC: (FIRST,)})
    (incident,) = told_by(report, "candles")
    assert (incident.rule, incident.symbol) == ("fetch", BTC)


def test_every_dataset_has_a_trading_effect() -> None:
    assert {ASSETS.get(name, name) for name in dataset_names()} | RECORDED_LIVE <= set(EFFECTS)

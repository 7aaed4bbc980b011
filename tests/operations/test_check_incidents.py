"""Incidents of checks stay open as long as the quality log says so, whatever the dataset is called there."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.defs.data.checks import results
from huracan_platform.operations.check_incidents import FAILURES, CheckOutcome, CheckWatch, incidents_of
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND, market, venue_url  # noqa: F401  fixtures
from tests.market_data.made import SpoiledMarket, pick
from tests.market_data.test_ingest import FAULTS as STORED

FAULTS = {**STORED, "freshness": STORED["completeness"]}

DAY, AT_MS, NOW = date(2025, 1, 2), 1_735_900_000_000, datetime(2025, 1, 3, 12, tzinfo=UTC)


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
    empty = [field.name for field in fields(incident) if not getattr(incident, field.name)]
    assert empty == []
    assert set(incident.counts) == {"rows expected", "rows got", "rows bad", "bad stretches"}
    assert incident.counts["rows bad"] > 0
    assert (incident.partition, incident.venue) == (str(SECOND), market.venue)

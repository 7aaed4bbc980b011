"""Incidents of checks stay open as long as the quality log says so, whatever the dataset is called there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.operations.check_incidents import CheckOutcome, CheckWatch

DAY, AT_MS, NOW = date(2025, 1, 2), 1_735_900_000_000, datetime(2025, 1, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(("asset", "dataset"), [("funding_rates", "funding"), ("candles", "candles"), ("sentiment", "sentiment")])
def test_a_failed_day_is_an_incident_until_its_check_passes(brain: Brain, asset: str, dataset: str) -> None:
    bad = CheckResult("consistency", dataset, "BTC/USDT:USDT", DAY, False, Severity.ERROR, True, 2.0, 3.0, "expected 3, got 2")
    quality, watch = QualityRepository(brain), CheckWatch(brain, "http://ui")
    quality.record("venue", dataset, [], [bad], [], AT_MS)
    failure = {**bad.details(), "symbol": bad.symbol, "day": DAY.isoformat(), "severity": "error"}
    assert watch.take([CheckOutcome(asset, "consistency", False, True, bad.message, "", "run", AT_MS, "", [failure])]) == 1
    assert watch.close_repaired(NOW) == 0
    assert [row.incident.asset for row in IncidentRepository(brain).open()] == [asset]
    quality.record("venue", dataset, [], [replace(bad, passed=True)], [], AT_MS + 1)
    assert watch.close_repaired(NOW) == 1
    assert IncidentRepository(brain).open() == []

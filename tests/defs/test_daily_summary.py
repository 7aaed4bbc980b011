"""Repair, inventory and summary on a real Dagster instance, a real library and a real venue; what they find reaches people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import dagster as dg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.summaries import SummaryRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.reliability import reliability
from huracan_platform.defs.data.book.assets import book
from huracan_platform.defs.data.quality.assets import PARTITIONED
from huracan_platform.defs.data.quality.books import failed_partitions
from huracan_platform.defs.resources import Platform
from tests.defs.conftest import BTC, Launch
from tests.defs.test_incident_sensors import END_OF_HOUR_MS, arm, look
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow
DAYS = ["2025-01-01", "2025-01-02"]


def open_keys(brain: Brain) -> set[str]:
    return {row.incident.dedupe_key for row in IncidentRepository(brain).open()}


def test_what_is_missing_is_repaired_what_is_left_is_told_and_recovery_ends_it(
    brain: Brain, instance: dg.DagsterInstance, point_at: Callable, launch: Launch
) -> None:
    with running_venue(days=2, seed=8, symbols=BTC) as url:
        point_at(url)
        cursor = look(instance, None)
        arm(url, kind="revised_candle", path="/fapi/v1/klines", count=1_000, candle_ms=END_OF_HOUR_MS)
        launch("market_data_job", DAYS[1])  # and the first day is never asked for
        venue = Platform().market().venue

        run = launch("repair_job")
        assert run.success, run.errors
        books = QualityRepository(brain).days(venue, "candles", [BTC], date(2025, 1, 1), date(2025, 1, 2))
        assert [day.state for day in books] == [DayState.GOOD, DayState.QUARANTINED]
        told = run.metadata["data_repair"]
        assert f"candles {BTC} {DAYS[0]}: was missing; repaired" in str(told["done"])
        assert told["left"] == 1
        assert not run.checks["data_repair", "everything_repaired"].passed
        assert run.checks["data_inventory", "nothing_missing"].passed
        assert "data:image/png" in str(run.metadata["data_inventory"]["coverage"])
        candles = instance.get_materialized_partitions(dg.AssetKey("candles"))
        assert DAYS[0] in candles

        summary = launch("summary_job")
        assert not summary.checks["data_summary", "nothing_to_do"].passed
        ((_, day, sentences),) = SummaryRepository(brain).of_day()
        assert (day, any("waits for a decision" in one for one in sentences)) == (date(2025, 1, 2), True)
        cursor = look(instance, cursor)
        mine = {"check|data_repair|everything_repaired|candles", f"check|data_summary|nothing_to_do|{DAYS[1]}"}
        assert mine <= open_keys(brain)

        arm_nothing(url)
        assert launch("repair_job").metadata["data_repair"]["left"] == 0
        launch("summary_job")
        look(instance, cursor)
        assert not mine & open_keys(brain)
        (week,) = [w for w in reliability(brain) if w.dataset == "candles"]
        assert (week.week, week.days, week.good, week.coverage, week.failed_checks >= 1) == ("2025-W01", 2, 1.0, 1.0, True)


def test_a_day_of_seconds_whose_run_failed_is_found(brain: Brain, instance: dg.DagsterInstance, point_at: Callable) -> None:
    point_at("http://127.0.0.1:9")  # no venue
    run = dg.materialize(
        [book], partition_key=DAYS[1], instance=instance, resources={"platform": Platform()}, raise_on_error=False
    )
    assert not run.success
    assert failed_partitions(instance, PARTITIONED, date(2025, 1, 1), date(2025, 1, 3)) == [("book", date(2025, 1, 2))]


def arm_nothing(url: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{url}/control/faults", method="DELETE"), timeout=10).close()

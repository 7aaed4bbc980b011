"""Assets of sources on a real Dagster instance, a real library and real venues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import day_start_ms
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.sources.registry import SOURCES, find_source
from tests.defs.conftest import BTC, Launch, instance, launch, point_at  # noqa: F401
from tests.sources.conftest import FIRST, SECOND
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

NAMES = [source.contract.name for source in SOURCES]


@pytest.fixture(scope="module")
def other_url() -> Iterator[str]:
    with running_venue(days=2, seed=8, symbols=BTC, protocol="bybit") as url:
        yield url


def test_the_hourly_facts_bring_every_source_with_checks_and_those_of_the_other_venue_under_its_name(
    venue_url: str, other_url: str, point_at: Callable, launch: Launch, brain: Brain,  # noqa: F811
) -> None:
    others = json.dumps([{"name": "bybit", "ccxt_id": "bybit", "url": other_url}])
    wanted = json.dumps(["open_interest", *NAMES])
    point_at(venue_url, HURACAN_VENUE__ALTERNATIVES=others, HURACAN_SOURCES__ALTERNATIVES=wanted)
    assert launch("market_data_job", str(FIRST), str(SECOND)).success
    run = launch("market_facts_job", str(FIRST), str(SECOND))
    assert run.success, run.errors
    assert run.failed_checks().items() <= {("plausibility", "WARN")}
    for name in NAMES:
        told, rows = run.metadata[name], [day["dagster/row_count"] for day in run.partitions[name].values()]
        assert rows == [288, 288] if find_source(name).contract.span_ms else [287, 288]
        assert (told["coverage"], told["quarantined_symbols"], told["unavailable_symbols"]) == (1.0, 0, 0)
        assert run.partitions[name][str(SECOND)]["states"] == f"{BTC} good"
    start, end = day_start_ms(FIRST), day_start_ms(SECOND)
    assert len(OpenInterestRepository(brain).read("sim2-s8-bybit", [BTC], start, end)[BTC]) > 200
    for name in ("mark_prices", "account_ratios"):
        assert "as sim2-s8-bybit; symbol-days: 2 good" in str(run.metadata[name]["alternative bybit"])
        assert len(SourceRepository(brain, find_source(name).contract).read("sim2-s8-bybit", [BTC], start, end)[BTC]) > 200
    assert "0 rows as sim2-s8-bybit; symbol-days: 2 unavailable" in str(run.metadata["taker_volumes"]["alternative bybit"])
    untold = QualityRepository(brain).days("sim2-s8-bybit", "taker_volumes", [BTC], FIRST, SECOND)
    assert {(day.state, day.rows) for day in untold} == {(DayState.UNAVAILABLE, 0)}
    assert "expected a venue that tells them" in untold[0].reasons[0]
    assert [i for i in QualityRepository(brain).open_issues() if i.issue_type != "plausibility"] == []


def test_a_venue_that_never_tells_a_source_leaves_its_run_green(
    other_url: str, point_at: Callable, launch: Launch,  # noqa: F811
) -> None:
    point_at(other_url, HURACAN_VENUE__CCXT_ID="bybit")
    run = launch("market_facts_job", str(FIRST), str(SECOND))
    assert run.success, run.errors
    assert [day["unavailable_symbols"] for day in run.partitions["taker_volumes"].values()] == [1, 1]
    assert {c.check_name for (asset, _), c in run.checks.items() if asset == "taker_volumes" and not c.passed} == set()
    assert run.metadata["mark_prices"]["coverage"] == 1.0

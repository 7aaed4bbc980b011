"""OKX as the venue beside the first one: it lends bars, is asked about jumps, and its facts are kept under its own name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.brain.facts.alternative_venues import AlternativeVenues
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.quality import DayState, Refetched
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.data.market_data.other_venues import ingest_others
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.settings import Settings, SourceSettings
from huracan_platform.simulator.market.synthetic import generate_market
from huracan_platform.venues.alternatives import alternative_markets
from huracan_platform.venues.market import MarketData
from tests.defs.seconds import record_seconds
from tests.fakes.okx_server import OkxServer, okx_server
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, pick

BTC = "BTC/USDT:USDT"
START = day_start_ms(FIRST)
GAP = START + DAY_MS + 3 * HOUR_MS


@pytest.fixture(scope="module")
def okx() -> Iterator[OkxServer]:
    """Another market than the first venue's: its bars can be told from that one's."""
    with okx_server(generate_market((BTC,), 9, 2)) as server:
        yield server


@pytest.fixture
def beside(venue_url: str, okx: OkxServer, settings: Settings) -> Settings:
    """Settings of both."""
    others = ({"name": "second", "ccxt_id": "okx", "url": okx.url},)
    venue = {"url": venue_url, "rate_limit": False, "alternatives": others}
    return Settings(home=settings.home, database=settings.database, venue=venue, quality={"fetch_tries": 1})


@pytest.fixture
def take(brain, beside: Settings) -> Callable[..., IngestReport]:
    def ingest(spoil: Callable[[MarketData], SpoiledMarket]) -> IngestReport:
        return ingest_candles(brain, spoil(MarketData(beside)), (BTC,), FIRST, SECOND, beside)

    return ingest


def test_bars_that_the_first_venue_lacks_are_lent_by_okx_in_base_units(brain, market, beside, take) -> None:
    report = take(lambda real: SpoiledMarket(real, candles=lambda c: pick(c, (c.ts_ms < GAP) | (c.ts_ms >= GAP + 2 * HOUR_MS))))
    assert [day.state for day in report.days] == [DayState.GOOD, DayState.DEGRADED]
    lent = RefetchedWindows(brain).standing(market.venue, "candles", BTC, START, START + 2 * DAY_MS)
    assert lent == [Refetched(BTC, GAP, GAP + 2 * HOUR_MS, "second")]
    stored = CandleRepository(brain).read(market.venue, [BTC], GAP, GAP + 2 * HOUR_MS)[BTC]
    told = alternative_markets(beside)["second"].candles(BTC, GAP, GAP + 2 * HOUR_MS)
    assert stored.close.tolist() == told.close.tolist()
    assert stored.volume.tolist() == told.volume.tolist()
    assert 0.1 < stored.volume.mean() / market.candles(BTC, GAP, GAP + 2 * HOUR_MS).volume.mean() < 10


def test_a_jump_that_okx_does_not_know_is_quarantined(take) -> None:
    def jump(candles):
        factor = np.where(np.arange(len(candles)) == 1440 + 700, 1.2, 1.0)
        return replace(candles, **{name: getattr(candles, name) * factor for name in ("open", "high", "low", "close")})

    report = take(lambda real: SpoiledMarket(real, candles=jump, hourly=lambda h: pick(h, slice(0, 0))))
    plausibility = {check.name: check for check in report.checks}["plausibility"]
    assert (report.days[1].state, plausibility.passed, plausibility.blocking) == (DayState.QUARANTINED, False, True)


def test_its_facts_are_kept_under_its_own_name_which_the_library_remembers(brain, okx, beside) -> None:
    address = beside.venue.alternatives[0].address
    assert AlternativeVenues(brain).venue(address) is None
    found = {
        dataset: ingest_others(dataset, brain, alternative_markets(beside), (BTC,), FIRST, SECOND, beside)["second"]
        for dataset in ("funding", "open_interest")
    }
    assert all(isinstance(report, IngestReport) for report in found.values()), found
    assert AlternativeVenues(brain).venue(address) == "okx-sim2-s9"
    rates = FundingRepository(brain).read("okx-sim2-s9", [BTC], START, START + 2 * DAY_MS)[BTC]
    known = okx.market.symbols["BTCUSDT"].funding
    assert rates.rate.tolist() == pytest.approx(known.rate[: len(rates)].tolist(), abs=1e-8)
    held = OpenInterestRepository(brain).read("okx-sim2-s9", [BTC], START, START + 2 * DAY_MS)[BTC]
    positioning = okx.market.symbols["BTCUSDT"].positioning
    assert positioning is not None
    assert len(held) > 500
    assert held.contracts.tolist() == pytest.approx((positioning.open_interest[: len(held)] / 1_000).tolist())


def test_recorded_seconds_of_an_alternative_are_judged_under_its_name_where_the_settings_want_them(brain, beside) -> None:
    others = alternative_markets(beside)
    record_seconds(brain, others["second"], BTC, FIRST, hours=1)
    assert ingest_others("trades", brain, others, (BTC,), FIRST, FIRST, beside) == {}
    wanted = beside.model_copy(update={"sources": SourceSettings(alternatives=("trades", "book"))})
    for dataset in ("trades", "book"):
        report = ingest_others(dataset, brain, others, (BTC,), FIRST, FIRST, wanted)["second"]
        assert isinstance(report, IngestReport), report
        assert (report.venue, report.rows, [day.state for day in report.days]) == ("okx-sim2-s9", 3600, [DayState.DEGRADED])


def test_a_venue_that_answers_under_another_name_is_remembered_by_that(brain) -> None:
    names = AlternativeVenues(brain)
    names.remember("okx http://a", "first", 1)
    names.remember("okx http://b", "other", 2)
    names.remember("okx http://a", "second", 3)
    assert (names.venue("okx http://a"), names.venue("okx http://b")) == ("second", "other")

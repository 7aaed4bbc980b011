"""Two venues over TCP, one speaking Binance and one Bybit: what the first does not deliver, the second lends."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, HOUR_MS, day_start_ms
from huracan_platform.contracts.market import Candles, MarkPrices
from huracan_platform.contracts.quality import DayState, ExplainedGap, Refetched
from huracan_platform.data.market_data.contract import frame_of
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_candles
from huracan_platform.data.market_data.load import load_batch
from huracan_platform.data.market_data.other_venues import ingest_others
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.alternatives import alternative_markets
from huracan_platform.venues.market import MarketData
from tests.market_data.conftest import FIRST, SECOND
from tests.market_data.made import SpoiledMarket, pick
from tests.venue_process import running_venue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START = day_start_ms(FIRST)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def other_url() -> Iterator[str]:
    with running_venue(days=2, seed=8, symbols=f"{BTC},{ETH}", protocol="bybit") as url:
        yield url


@pytest.fixture(scope="module")
def stranger_url() -> Iterator[str]:
    """A second venue of another market: its bars can be told from the first one's."""
    with running_venue(days=2, seed=9, symbols=BTC, protocol="bybit") as url:
        yield url


@pytest.fixture
def faults(venue_url: str) -> Iterator[Callable[..., None]]:
    """Arm a fault at the first venue; all are cleared in the end."""
    def arm(**fault: object) -> None:
        _post(venue_url, "POST", {"count": 100_000, "path": "/fapi/v1/klines", **fault})

    yield arm
    _post(venue_url, "DELETE", None)


def _post(url: str, method: str, body: object) -> None:
    data = None if body is None else json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/control/faults", data, method=method), timeout=20).close()


@pytest.fixture
def take(brain, venue_url: str, other_url: str, settings: Settings) -> Callable[..., IngestReport]:
    """Ingest both days from the first venue, with the other one beside it."""
    def ingest(spoil=lambda real: real, symbols=(BTC,), other: str | None = other_url) -> IngestReport:
        others = () if other is None else ({"name": "bybit", "ccxt_id": "bybit", "url": other},)
        venue = {"url": venue_url, "rate_limit": False, "alternatives": others}
        wanted = Settings(home=settings.home, database=settings.database, venue=venue, quality={"fetch_tries": 1})
        return ingest_candles(brain, spoil(MarketData(wanted)), symbols, FIRST, SECOND, wanted)

    return ingest


def lent(brain, market: MarketData) -> list[Refetched]:
    return RefetchedWindows(brain).standing(market.venue, "candles", BTC, START, START + 2 * DAY_MS)


class OneSymbolDown(SpoiledMarket):
    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        if symbol == BTC:
            raise TransientError("klines: expected an answer, got none")
        return super().candles(symbol, start_ms, end_ms)


def holed(real: MarketData) -> SpoiledMarket:
    """03:00 to 05:00 of the second day are missing."""
    gap = START + DAY_MS + 3 * HOUR_MS
    return SpoiledMarket(real, candles=lambda c: pick(c, (c.ts_ms < gap) | (c.ts_ms >= gap + 2 * HOUR_MS)))


def test_bars_that_the_venue_lacks_are_lent_named_and_kept_from_readers_until_it_has_them(brain, market, take) -> None:
    report = take(holed)
    completeness = {check.name: check for check in report.checks}["completeness"]
    assert "misses 2 h: 03:00–05:00 UTC; refetched from bybit, marked degraded" in completeness.message
    assert [day.state for day in report.days] == [DayState.GOOD, DayState.DEGRADED]
    assert (report.rows, completeness.severity) == (2880, "error")
    assert lent(brain, market) == [Refetched(BTC, START + DAY_MS + 3 * HOUR_MS, START + DAY_MS + 5 * HOUR_MS, "bybit")]
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST]

    repaired = take()
    assert {day.state for day in repaired.days} == {DayState.GOOD}
    assert (lent(brain, market), QualityRepository(brain).open_issues()) == ([], [])


def test_what_was_lent_stays_named_while_neither_venue_delivers(brain, market, take) -> None:
    take(holed)
    report = take(holed, other=NOWHERE)
    assert (report.days[1].state, len(lent(brain, market))) == (DayState.DEGRADED, 1)


def test_lent_bars_that_differ_become_earlier_versions_of_the_venues_own(brain, market, take, other_url) -> None:
    _post(other_url, "POST", {"kind": "revised_candle", "path": "/v5/market/kline", "count": 1})
    take(holed)
    repaired = take()
    assert (repaired.revised, repaired.days[1].state) == (1, DayState.GOOD)
    with brain.connect() as connection:
        rows = connection.execute("SELECT ts FROM candles WHERE version = 2").fetchall()
    assert len(rows) == 1


def closes(brain, market: MarketData) -> list[float]:
    stored = CandleRepository(brain).read(market.venue, [BTC], START, START + 2 * DAY_MS)[BTC]
    return [float(close) for close in stored.close]


def test_a_hole_over_bars_that_are_stored_is_filled_with_them_and_lends_nothing(brain, market, take, stranger_url) -> None:
    take()
    own = closes(brain, market)
    report = take(holed, other=stranger_url)
    assert ({day.state for day in report.days}, lent(brain, market)) == ({DayState.GOOD}, [])
    assert closes(brain, market) == own


def test_lent_bars_are_another_market_s_until_the_venue_s_own_take_their_place(brain, market, take, stranger_url) -> None:
    take(holed, other=stranger_url)
    with_lent = closes(brain, market)
    take()
    differ = np.flatnonzero(np.array(with_lent) != np.array(closes(brain, market)))
    assert (differ[0], differ[-1], len(differ)) == (1440 + 180, 1440 + 299, 120)
    assert lent(brain, market) == []


def test_a_hole_that_is_explained_keeps_its_day_degraded_while_lent_bars_are_in_it(brain, market, take, stranger_url) -> None:
    take(holed, other=stranger_url)
    (window,) = lent(brain, market)
    gap = ExplainedGap(BTC, window.start_ms, window.end_ms, "the venue was closed")
    QualityRepository(brain).explain_gap(market.venue, "candles", gap, 1)
    report = take(holed, other=stranger_url)
    assert (report.days[1].state, lent(brain, market)) == (DayState.DEGRADED, [window])


def test_a_duplicate_on_another_day_leaves_lent_bars_named(brain, market, take, stranger_url) -> None:
    take(holed, other=stranger_url)
    window = lent(brain, market)

    def doubled(real: MarketData) -> SpoiledMarket:
        return SpoiledMarket(holed(real), candles=lambda c: pick(c, np.sort(np.append(np.arange(len(c)), 100))))

    report = take(doubled, other=stranger_url)
    assert [day.state for day in report.days] == [DayState.QUARANTINED, DayState.DEGRADED]
    assert lent(brain, market) == window


def test_days_of_a_venue_that_is_down_come_from_the_other(brain, market, take, faults) -> None:
    take(spoil=lambda real: SpoiledMarket(real, candles=lambda c: pick(c, slice(0, 0))), other=None)  # contract terms are known
    faults(kind="http_error", body="html_502")
    report = take()
    assert [(day.state, day.rows) for day in report.days] == [(DayState.DEGRADED, 1440)] * 2
    assert "misses 24 h: 00:00–00:00 UTC; refetched from bybit" in report.days[0].reasons[0]
    stored = CandleRepository(brain).read(market.venue, [BTC], START, START + 2 * DAY_MS)[BTC]
    assert len(stored) == 2880


def test_good_days_are_not_touched_while_the_venue_is_down(brain, market, take, faults) -> None:
    take()
    faults(kind="drop_response")
    with pytest.raises(TransientError):
        take()
    assert lent(brain, market) == []
    assert good_days(brain, market.venue, "candles", [BTC], FIRST, SECOND) == [FIRST, SECOND]


def test_one_symbol_that_fails_leaves_the_others_alone(take) -> None:
    report = take(OneSymbolDown, symbols=(BTC, ETH))
    assert {(day.symbol, day.state) for day in report.days} == {(BTC, DayState.DEGRADED), (ETH, DayState.GOOD)}


def test_without_any_venue_the_days_are_degraded_and_both_reasons_told(brain, market, take) -> None:
    report = take(OneSymbolDown, symbols=(BTC, ETH), other=NOWHERE)
    assert "klines: expected an answer, got none; bybit: " in report.unfetched[BTC]
    days = QualityRepository(brain).days(market.venue, "candles", [BTC], FIRST, SECOND)
    assert {day.state for day in days} == {DayState.DEGRADED}


def test_a_refusal_is_no_reason_to_ask_elsewhere(brain, market, take, faults) -> None:
    faults(kind="refusal", code=-1121, message="Invalid symbol.")
    with pytest.raises(PermanentError, match="-1121"):
        take()
    assert lent(brain, market) == []


def jump(candles: Candles) -> Candles:
    factor = np.where(np.arange(len(candles)) == 1440 + 700, 1.2, 1.0)
    return replace(candles, **{name: getattr(candles, name) * factor for name in ("open", "high", "low", "close")})


@pytest.mark.parametrize(("other", "state"), [(True, DayState.QUARANTINED), (False, DayState.GOOD)])
def test_a_jump_that_the_second_venue_does_not_know_is_quarantined(take, other_url, other, state) -> None:
    def spoiled(real: MarketData) -> SpoiledMarket:
        return SpoiledMarket(real, candles=jump, hourly=lambda h: pick(h, slice(0, 0)))  # no hour tells against it

    report = take(spoiled, other=other_url if other else None)
    plausibility = {check.name: check for check in report.checks}["plausibility"]
    assert (report.days[1].state, plausibility.passed, plausibility.blocking) == (state, False, other)


@pytest.mark.slow
def test_a_jump_that_the_second_venue_made_too_is_accepted(brain, settings) -> None:
    with running_venue(days=8, symbols=BTC) as url, running_venue(days=8, symbols=BTC, protocol="bybit") as other:
        for names, passed in (((), False), (({"name": "bybit", "ccxt_id": "bybit", "url": other},), True)):
            wanted = Settings(
                home=settings.home, database=settings.database, venue={"url": url, "rate_limit": False, "alternatives": names}
            )
            report = ingest_candles(brain, MarketData(wanted), (BTC,), FIRST, FIRST.replace(day=8), wanted)
            assert {check.name: check.passed for check in report.checks}["plausibility"] is passed


def test_funding_of_both_venues_is_in_the_library_under_their_own_names(brain, settings, other_url) -> None:
    others = ({"name": "bybit", "ccxt_id": "bybit", "url": other_url}, {"name": "gone", "ccxt_id": "bybit", "url": NOWHERE})
    wanted = settings.model_copy(update={
        "venue": settings.venue.model_validate({"rate_limit": False, "alternatives": others}),
        "quality": settings.quality.model_copy(update={"fetch_tries": 1}),
    })
    found = ingest_others("funding", brain, alternative_markets(wanted), (BTC, "DOGE/USDT:USDT"), FIRST, SECOND, wanted)
    assert isinstance(found["bybit"], IngestReport)
    assert isinstance(found["gone"], str)
    rates = FundingRepository(brain).read("sim2-s8-bybit", [BTC], START, START + 2 * DAY_MS)[BTC]
    assert (len(rates), set(rates.interval_h)) == (found["bybit"].rows, {8.0})
    assert (rates.ts_ms % HOUR_MS == 0).all()
    assert len(rates) >= 2 * 3 - 1


def test_a_shifted_file_is_told_by_another_venue_which_lends_it_nothing(brain, market, other_url, settings, tmp_path) -> None:
    others = ({"name": "bybit", "ccxt_id": "bybit", "url": other_url},)
    asking = settings.model_copy(update={"venue": Settings(venue={"alternatives": others}).venue})
    rows = market.candles(BTC, START, START + 2 * DAY_MS)
    file = tmp_path / "rows.parquet"
    frame_of(replace(rows, ts_ms=rows.ts_ms + 2 * HOUR_MS).at(rows.ts_ms < START + 2 * DAY_MS - 2 * HOUR_MS)).to_parquet(file)

    class Blind(SpoiledMarket):
        def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
            raise PermanentError("mark prices: expected some, got none")

    report = load_batch(brain, Blind(market, hourly=lambda h: pick(h, slice(0, 0))), file, "candles", BTC, asking)
    assert report.days[1].state is DayState.QUARANTINED
    assert "time-zone shifted: expected closes at the time of bybit, got times +2 h late" in report.days[1].reasons[0]
    assert lent(brain, market) == []

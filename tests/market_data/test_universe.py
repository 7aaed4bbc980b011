"""Symbols that begin late and that end, from the venue to the books, and who is chosen as of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.listings import ListingRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms
from huracan_platform.contracts.market import Candles, FundingRates, Listed, Pin
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.ahead import day_jobs
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding
from huracan_platform.data.market_data.inventory import find_lacks
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.data.market_data.summary import data_summary
from huracan_platform.data.market_data.universe import Universe, read_catalogue
from huracan_platform.defs.data.checks import CHECKS, results
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings, UniverseSettings
from huracan_platform.venues.market import MarketData
from tests.market_data.made import SpoiledMarket
from tests.venue_process import running_venue

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
ALL = (BTC, ETH, SOL)
DAYS = [date(2025, 1, 1) + timedelta(days=k) for k in range(4)]
ETH_ENDS, SOL_BEGINS = day_start_ms(DAYS[1]) + 9 * HOUR_MS + 30 * MINUTE_MS, day_start_ms(DAYS[2])
TRADED = {BTC: [1440] * 4, ETH: [1440, 570], SOL: [1440, 1440]}
Ingest = Callable[..., IngestReport]


@pytest.fixture(scope="module")
def changing() -> Iterator[MarketData]:
    """A venue after four days: ETH was delisted on the second at 09:30, SOL was listed on the third."""
    with running_venue(days=4, symbols=",".join(ALL), ends="ETHUSDT=2025-01-02T09:30", begins="SOLUSDT=2025-01-03") as url:
        yield MarketData(Settings(venue={"url": url, "rate_limit": False}))


class Asked(SpoiledMarket):
    """The venue, with a record of whose settlements it was asked for, from when until when."""

    def __init__(self, real: MarketData, fails: Sequence[str] = ()) -> None:
        super().__init__(real)
        self.asked: list[tuple[str, int, int]] = []
        self._fails = fails

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        if symbol in self._fails:
            raise TransientError("the venue is down")
        return super().candles(symbol, start_ms, end_ms)

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        self.asked.append((symbol, start_ms, end_ms))
        return super().funding(symbol, start_ms, end_ms)


def rows_of(report: IngestReport) -> dict[str, list[int]]:
    return {symbol: [day.rows for day in report.days if day.symbol == symbol] for symbol in ALL}


@pytest.mark.parametrize("is_read", [True, False])
def test_days_before_a_listing_and_after_its_end_are_neither_missed_nor_told_of(
    brain: Brain, settings: Settings, changing: MarketData, is_read: bool
) -> None:
    if is_read:
        read_catalogue(brain, changing)
    report = ingest_candles(brain, changing, ALL, DAYS[0], DAYS[-1], settings)
    assert rows_of(report) == TRADED
    assert report.not_due == (4 if is_read else 0)
    assert {check.name for check in report.checks if check.failing and check.name != "plausibility"} == set()
    assert {day.state for day in report.days} == {DayState.GOOD}
    assert (report.coverage, [day.expected for day in report.days if day.symbol == ETH]) == (1.0, [1440, 570])
    funding = ingest_funding(brain, changing, ALL, DAYS[0], DAYS[-1], settings)
    assert rows_of(funding) == {BTC: [2, 3, 3, 3], ETH: [2, 2], SOL: [2, 3]}
    assert {check.name for check in funding.checks if check.failing and check.name != "plausibility"} == set()
    wanted = settings.model_copy(update={"symbols": ALL, "first_day": str(DAYS[0])})
    assert find_lacks(brain, changing, wanted, DAYS[0], DAYS[-1], datasets=["candles", "funding"]) == []
    told = [line for line in data_summary(brain).lines if "plausibility" not in line]
    assert told == []


def test_the_history_of_a_symbol_that_ended_stays_readable_up_to_its_last_minute(
    brain: Brain, settings: Settings, changing: MarketData
) -> None:
    read_catalogue(brain, changing)
    ingest_candles(brain, changing, ALL, DAYS[0], DAYS[1], settings)
    ingest_funding(brain, changing, ALL, DAYS[0], DAYS[1], settings)
    ingest_candles(brain, changing, ALL, DAYS[2], DAYS[3], settings)
    bars = CandleRepository(brain).read(changing.venue, [ETH], 0, day_start_ms(DAYS[-1]))[ETH]
    assert (len(bars), bars.ts_ms[-1]) == (1440 + 570, ETH_ENDS - MINUTE_MS)
    rates = FundingRepository(brain).read(changing.venue, [ETH], 0, day_start_ms(DAYS[-1]))[ETH]
    assert rates.ts_ms[-1] == day_start_ms(DAYS[1]) + 8 * HOUR_MS
    assert good_days(brain, changing.venue, "candles", [ETH], DAYS[0], DAYS[-1]) == DAYS[:2]


def test_the_venue_is_asked_for_no_day_on_which_there_was_no_such_symbol(
    brain: Brain, settings: Settings, changing: MarketData
) -> None:
    read_catalogue(brain, changing)
    market = Asked(changing)
    ingest_funding(brain, market, ALL, DAYS[0], DAYS[-1], settings)
    first, third, until = day_start_ms(DAYS[0]), SOL_BEGINS, changing.clock().market_ms()
    assert sorted(market.asked) == [(BTC, first, until), (ETH, first, third), (SOL, third, until)]


def test_while_the_venue_is_down_only_days_of_listings_count_as_not_fetched(
    brain: Brain, settings: Settings, changing: MarketData
) -> None:
    read_catalogue(brain, changing)
    market = Asked(changing, fails=[ETH, SOL])
    report = ingest_candles(brain, market, ALL, DAYS[0], DAYS[-1], settings)
    assert report.given_up == {ETH: tuple(DAYS[:2]), SOL: tuple(DAYS[2:])}


def test_a_day_on_which_none_of_the_symbols_was_listed_is_no_failure(
    brain: Brain, settings: Settings, changing: MarketData
) -> None:
    read_catalogue(brain, changing)
    report = ingest_candles(brain, changing, [ETH], DAYS[2], DAYS[3], settings)
    assert (report.days, report.not_due, report.coverage) == ((), 2, 1.0)
    told = results("candles", report)
    assert {one.check_name: (one.passed, one.description) for one in told} == {
        name: (True, f"{name}: nothing to check, none of the symbols was listed on these days") for name in CHECKS
    }


class Forgetful(SpoiledMarket):
    """A venue that drops what it delists from its catalogue."""

    def __init__(self, real: MarketData) -> None:
        super().__init__(real)
        self._market = real

    def universe(self) -> list[Listed]:
        return [one for one in self._market.universe() if one.symbol != ETH]

    def instruments(self, symbols):
        if ETH in symbols:
            raise PermanentError(f"symbol: expected a linear perpetual, got {ETH!r}")
        return self._market.instruments(symbols)


def test_a_symbol_that_its_venue_has_dropped_does_not_keep_the_others_from_coming(
    brain: Brain, settings: Settings, changing: MarketData
) -> None:
    read_catalogue(brain, changing)
    ingest_candles(brain, changing, [ETH], DAYS[0], DAYS[0], settings)
    market = Forgetful(changing)
    read_catalogue(brain, market)
    report = ingest_candles(brain, market, ALL, DAYS[0], DAYS[-1], settings)
    states = {(day.symbol, day.day): day.state for day in report.days if day.symbol == ETH}
    assert states == {(ETH, DAYS[0]): DayState.GOOD, (ETH, DAYS[1]): DayState.UNAVAILABLE}
    assert rows_of(report)[BTC] == TRADED[BTC]
    assert QualityRepository(brain).days(changing.venue, "candles", [ETH], DAYS[2], DAYS[3]) == []
    wanted = settings.model_copy(update={"symbols": ALL, "first_day": str(DAYS[0])})
    assert find_lacks(brain, market, wanted, DAYS[0], DAYS[-1], datasets=["candles"]) == []


def chosen(brain: Brain, day: date, pin: Pin | None = None, **wanted: object) -> list[str]:
    return [one.symbol for one in Universe(brain, "v", pin).at(day, UniverseSettings(**wanted))]


@pytest.fixture
def five(brain: Brain, changing: MarketData) -> Brain:
    """A universe of five: two trade on, one ended in June 2024, one in USDC, one began in May 2024. Bars of three, of May."""
    terms = changing.instruments([BTC])[0]

    def one(symbol: str, since: datetime, until: datetime | None = None) -> Listed:
        kept = type(terms)("v", symbol, *[getattr(terms, n) for n in list(terms.__dataclass_fields__)[2:]])
        ms = (int(since.timestamp() * 1000), None if until is None else int(until.timestamp() * 1000))
        return Listed(kept, "trading" if until is None else "delisted", *ms)

    old, june = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 15, 9, tzinfo=UTC)
    catalogue = [
        one(BTC, old), one("DOGE/USDT:USDT", old), one("LUNA/USDT:USDT", old, june), one("BTC/USDC:USDC", old),
        one("NEW/USDT:USDT", datetime(2024, 5, 25, tzinfo=UTC)),
    ]
    now_ms = int(datetime(2024, 12, 1, tzinfo=UTC).timestamp() * 1000)
    ListingRepository(brain).save("v", catalogue, now_ms, now_ms)
    for symbol, volume in ((BTC, 5.0), ("LUNA/USDT:USDT", 9.0), ("DOGE/USDT:USDT", 1.0)):
        store(brain, symbol, date(2024, 5, 30), volume)
    store(brain, "DOGE/USDT:USDT", date(2024, 6, 1), 1_000.0)
    return brain


def store(brain: Brain, symbol: str, day: date, volume: float) -> None:
    """Ten bars of a day at a price of 2, known a minute later."""
    import pyarrow as pa

    ts = day_start_ms(day) + MINUTE_MS * np.arange(10, dtype=np.int64)
    prices = {name: np.full(10, 2.0) for name in ("open", "high", "low", "close")}
    table = pa.table({
        "symbol": pa.array([symbol] * 10, pa.string()), "ts_ms": ts, **prices, "volume": np.full(10, volume),
        "known_at_ms": ts + MINUTE_MS,
    })
    CandleRepository(brain).upsert("v", table, day_start_ms(day) + DAY_MS)


def test_as_of_a_day_those_are_chosen_that_were_listed_then_also_what_has_ended_since(five: Brain) -> None:
    june = date(2024, 6, 1)
    usdt = [BTC, "DOGE/USDT:USDT", "LUNA/USDT:USDT", "NEW/USDT:USDT"]
    assert chosen(five, june) == sorted([*usdt, "BTC/USDC:USDC"])
    assert chosen(five, june, quote="USDT") == usdt
    assert chosen(five, june, quote="USDT", listed_for_days=30) == usdt[:3]
    assert chosen(five, date(2024, 6, 15), quote="USDT") == usdt
    assert chosen(five, date(2024, 6, 16), quote="USDT") == [BTC, "DOGE/USDT:USDT", "NEW/USDT:USDT"]
    assert chosen(five, june, Pin(as_of=datetime(2024, 6, 1, tzinfo=UTC))) == []


def test_the_largest_are_those_by_what_was_traded_before_the_day(five: Brain) -> None:
    members = Universe(five, "v").at(date(2024, 6, 1), UniverseSettings(top=2))
    assert [(one.symbol, one.turnover) for one in members] == [("LUNA/USDT:USDT", 180.0), (BTC, 100.0)]
    assert chosen(five, date(2024, 6, 1), top=9) == ["LUNA/USDT:USDT", BTC, "DOGE/USDT:USDT"]
    assert chosen(five, date(2024, 6, 2), top=1) == ["DOGE/USDT:USDT"]
    assert chosen(five, date(2024, 6, 2), top=9, turnover_days=1) == ["DOGE/USDT:USDT"]


def test_days_touch_a_listing_from_its_first_to_its_last_and_all_do_of_an_unknown_symbol(five: Brain) -> None:
    universe, days = Universe(five, "v"), [date(2024, 6, day) for day in (14, 15, 16)]
    assert universe.due("LUNA/USDT:USDT", days) == tuple(days[:2])
    assert universe.due("NEW/USDT:USDT", [date(2024, 5, 24), date(2024, 5, 25)]) == (date(2024, 5, 25),)
    assert universe.due("X/USDT:USDT", days) == tuple(days)
    assert [universe.is_dropped(symbol) for symbol in (BTC, "LUNA/USDT:USDT", "X/USDT:USDT")] == [False, False, False]


def test_jobs_take_the_days_of_all_symbols_so_many_at_a_time() -> None:
    due = {BTC: DAYS, ETH: DAYS[:2], SOL: DAYS[2:]}
    assert day_jobs(due, 3) == [
        (BTC, tuple(DAYS[:3])), (ETH, tuple(DAYS[:2])), (SOL, (DAYS[2],)), (BTC, (DAYS[3],)), (SOL, (DAYS[3],)),
    ]
    assert day_jobs({}, 3) == []

"""Faults planted in a month of recorded minutes are named, and the genuine minutes are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, day_of, day_start_ms, days_between
from huracan_platform.contracts.market import Candles, MarkPrices
from huracan_platform.contracts.quality import CheckResult, DayState, Severity
from huracan_platform.data.market_data.candles.kind import CandleKind
from huracan_platform.data.market_data.contract import Neighbours, frame_of
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.diagnosis.tracking import against_marks
from huracan_platform.data.market_data.judge import judge
from huracan_platform.data.market_data.source import Delivery
from huracan_platform.settings.diagnosis import DiagnosisSettings
from huracan_platform.simulator.market.synthetic import generate_symbol
from huracan_platform.venues.market import Listing
from tests.market_data.dirty import (
    FAULTS,
    QUALITY,
    around,
    from_a_time,
    hours_of,
    judged,
    of_another,
    of_day,
    recorded_candles,
    scaled,
    shifted,
    some_day,
    spot,
    to_level,
)
from tests.market_data.made import DAY, START, SYMBOL, bars, pick

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ENAUSDT", "LAYERUSDT")
SETTINGS = DiagnosisSettings()
# With the venue's hours every fault is named; these need nothing but the rows, these the library's days beside.
BY_THEMSELVES = {
    "high and low swapped", "open and close swapped", "open and close swapped for a while", "open, low, high, close",
    "columns rotated", "close and volume swapped", "prices times 1000 for a while", "newest row first", "newest page first",
    "no order", "a page missing", "a page twice", "a page's numbers again", "forward filled",
    "filled in by a line", "no volume", "hours as minutes", "quarters of an hour as minutes", "five minutes under each of theirs",
    "five minutes in equal parts", "quarters of an hour filled up",
}
BY_NEIGHBOURS = {
    "one hour late (UTC+1)", "eight hours late (UTC+8)", "five hours early (UTC-5)", "half hours (UTC+5:30)",
    "stamped at the close", "seven minutes late", "prices times 100", "prices per thousand",
}


@pytest.fixture(scope="module")
def recorded() -> Mapping[str, Candles]:
    return {symbol: recorded_candles(symbol) for symbol in SYMBOLS}


def named(results: tuple[CheckResult, ...]) -> str:
    return next((result.fault for result in results if result.fault), "")


def case(recorded: Mapping[str, Candles], fault: str, seed: int) -> tuple[Candles, np.random.Generator]:
    rng = np.random.default_rng([seed, len(fault)])
    candles = recorded[SYMBOLS[int(rng.integers(len(SYMBOLS)))]]
    return around(candles, some_day(candles, rng)), rng


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_where_the_venue_has_hours(recorded, fault, seed) -> None:
    plant, names = FAULTS[fault]
    genuine, rng = case(recorded, fault, seed)
    day = day_of(int(genuine.ts_ms[0]) + DAY_MS)
    judgement = judged(of_day(plant(genuine, rng), day), day, hours=hours_of(genuine))
    assert named(judgement.results) in names
    kept = "a page missing"
    assert judgement.days[0].state is (DayState.DEGRADED if fault == kept else DayState.QUARANTINED)
    assert judgement.days[0].reasons[0].startswith(tuple(f"candles {genuine.symbol} {day}: {name}: expected " for name in names))


@pytest.mark.parametrize("seed", [7])
@pytest.mark.parametrize("fault", sorted(BY_THEMSELVES))
def test_faults_that_rows_show_are_named_without_any_second_source(recorded, fault, seed) -> None:
    plant, names = FAULTS[fault]
    genuine, rng = case(recorded, fault, seed)
    day = day_of(int(genuine.ts_ms[0]) + DAY_MS)
    assert named(judged(of_day(plant(genuine, rng), day), day).results) in names


@pytest.mark.parametrize("seed", [7])
@pytest.mark.parametrize("fault", sorted(BY_NEIGHBOURS))
def test_shifts_and_units_are_named_by_the_days_beside_alone(recorded, fault, seed) -> None:
    plant, names = FAULTS[fault]
    genuine, rng = case(recorded, fault, seed)
    day = day_of(int(genuine.ts_ms[0]) + DAY_MS)
    assert named(judged(of_day(plant(genuine, rng), day), day, genuine=genuine).results) in names


@pytest.mark.parametrize("hours", [True, False])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_genuine_month_has_no_fault_with_a_name(recorded, symbol, hours) -> None:
    candles = recorded[symbol]
    results = month(candles, hours_of(candles) if hours else None)
    assert [r.message for r in results if r.fault] == []
    assert [r.message for r in results if r.blocking] == []


def month(candles: Candles, hours: Candles | None) -> tuple[CheckResult, ...]:
    days = tuple(days_between(day_of(int(candles.ts_ms[0])), day_of(int(candles.ts_ms[-1]))))
    listing = Listing(int(candles.ts_ms[0]), int(candles.ts_ms[-1]) + 60_000)
    now = int(candles.ts_ms[-1]) + 9 * DAY_MS
    delivery = Delivery(candles.symbol, days, frame_of(candles), now, listing, hours, source="file")
    return judge(CandleKind(QUALITY), delivery, Neighbours(frozenset({candles.symbol})), ()).results


@pytest.mark.parametrize("base", ["BTC", "SOL", "DOGE"])
def test_the_synthetic_market_has_no_fault_with_a_name(base) -> None:
    listed, _ = generate_symbol(base, 11, START, 20 * 1440)
    made, unit = listed.bars, 10.0 ** -listed.instrument.price_decimals
    prices = (np.asarray(getattr(made, name), float) * unit for name in ("open", "high", "low", "close"))
    candles = Candles(listed.instrument.symbol, made.ts_ms, *prices, np.asarray(made.volume, float))
    assert [r.message for r in month(candles, None) if r.fault] == []


def test_another_date_of_the_same_symbol_is_a_splice_at_any_minute(recorded) -> None:
    candles = recorded["BTCUSDT"]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        day = some_day(candles, rng)
        genuine = around(candles, day)
        dirty = of_day(from_a_time(to_level(candles))(genuine, rng), day)
        for hours in (hours_of(genuine), None):
            judgement = judged(dirty, day, hours=hours)
            assert (named(judgement.results), judgement.days[0].state) == ("spliced series", DayState.QUARANTINED)


def test_a_splice_at_midnight_shows_against_the_library(recorded) -> None:
    candles = recorded["ETHUSDT"]
    rng = np.random.default_rng(4)
    day = some_day(candles, rng)
    genuine = around(candles, day)
    dirty = of_day(to_level(candles)(genuine, rng), day)
    assert named(judged(dirty, day, genuine=genuine).results) == "spliced series"
    assert named(judged(dirty, day).results) == ""  # nothing to hold it against


def test_all_days_after_a_splice_are_refused_where_no_hour_vouches_for_them(recorded) -> None:
    candles = recorded["SOLUSDT"]
    at = 10 * 1440 + 300
    later = {n: np.round(getattr(candles, n)[at:] * 0.97, 2) for n in ("open", "high", "low", "close")}
    joined = {n: np.concatenate([getattr(candles, n)[:at], values]) for n, values in later.items()}
    dirty = Candles(candles.symbol, candles.ts_ms, **joined, volume=candles.volume)
    first = day_of(int(candles.ts_ms[at]))
    for hours, refused in ((None, 21), (hours_of(dirty).at(slice(-48, None)), 18)):
        days = {r.day for r in month(dirty, hours) if r.fault == "spliced series"}
        assert (min(days), len(days)) == (first, refused)


def test_another_symbol_s_rows_stand_on_another_level_than_the_library(recorded) -> None:
    candles, other = recorded["BTCUSDT"], recorded["SOLUSDT"]
    rng = np.random.default_rng(1)
    day = some_day(candles, rng)
    genuine = around(candles, day)
    dirty = of_day(of_another(other)(genuine, rng), day)
    assert named(judged(dirty, day, genuine=genuine).results) == "another symbol's data"


def marks_of(genuine: Candles, basis_bps: float) -> MarkPrices:
    """Mark prices at the perpetual's closes of every fifth minute, the index that far under."""
    closes = genuine.at(genuine.ts_ms % 300_000 == 240_000)
    index = closes.close / (1 + basis_bps * 1e-4)
    return MarkPrices(genuine.symbol, closes.ts_ms - 240_000, closes.close, index, closes.close / index - 1)


def test_the_index_tells_spot_from_a_perpetual(recorded) -> None:
    candles = recorded["BTCUSDT"]
    genuine = around(candles, some_day(candles, np.random.default_rng(3)))
    marks = marks_of(genuine, 5)
    assert against_marks(genuine, marks, SETTINGS) is None
    found = against_marks(spot(-5, 0.1)(genuine, np.random.default_rng(1)), marks, SETTINGS)
    assert found is not None
    assert found.fault == "spot labelled as perpetual"


@pytest.mark.parametrize("minutes", [60, -90, 1, 480])
def test_the_mark_price_tells_a_shift(recorded, minutes) -> None:
    candles = recorded["SOLUSDT"]
    day = some_day(candles, np.random.default_rng(8))
    genuine = around(candles, day)
    marks = marks_of(genuine, 3)
    found = against_marks(shifted(minutes)(genuine, np.random.default_rng(1)), marks, SETTINGS)
    assert found is not None
    assert "as they came" in found.sentence
    assert found.fault == ("stamped at the close" if minutes == 1 else "time-zone shifted")


class Library(SecondSources):
    """The library's bars, and nobody else to ask."""

    def __init__(self, bars_there: Candles) -> None:
        object.__setattr__(self, "bars_there", bars_there)

    def stored(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        held: Candles = self.bars_there  # type: ignore[attr-defined]
        return held.at((held.ts_ms >= start_ms) & (held.ts_ms < end_ms))

    def other_symbols(self, symbol: str, start_ms: int, end_ms: int) -> list[Candles]:
        return []

    def marks(self, symbol: str, start_ms: int, end_ms: int) -> None:
        return None

    def elsewhere(self, symbol: str, start_ms: int, end_ms: int) -> tuple[()]:
        return ()


def filled_in(file: Candles, library: Candles) -> tuple[CheckResult, ...]:
    """Results of a file for a hole of the library."""
    days = tuple(days_between(day_of(int(file.ts_ms[0])), day_of(int(file.ts_ms[-1]))))
    start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
    delivery = Delivery(file.symbol, days, frame_of(file), end + 9 * DAY_MS, Listing(0, None), None, source="file")
    earlier = library.at((library.ts_ms < start) & (library.ts_ms >= start - DAY_MS))
    later = library.at((library.ts_ms >= end) & (library.ts_ms < end + DAY_MS))
    beside = Neighbours(frozenset({file.symbol}), earlier=earlier, later=later, sources=Library(library))
    return judge(CandleKind(QUALITY), delivery, beside, ()).results


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("minutes", "name"), [
    (60, "time-zone shifted"), (-480, "time-zone shifted"), (330, "time-zone shifted"), (1, "stamped at the close"),
    (-3, "shifted in time"), (1440, "shifted in time"),
])
def test_a_file_that_fits_a_hole_of_the_library_at_another_time_is_shifted(recorded, symbol, minutes, name) -> None:
    candles = recorded[symbol]
    of_hole = (candles.ts_ms - candles.ts_ms[0]) // DAY_MS
    hole = (of_hole >= 10) & (of_hole < 13)
    file, library = candles.at(hole), candles.at(~hole)
    results = filled_in(replace(file, ts_ms=file.ts_ms + minutes * 60_000), library)
    assert {r.fault for r in results if r.blocking} == {name}
    assert [r.message for r in filled_in(file, library) if r.fault] == []


@pytest.mark.parametrize(("factor", "name"), [(0.9174, "prices in a wrong unit"), (1.008, "spot labelled as perpetual")])
def test_a_level_off_by_the_same_at_both_ends_of_a_file_is_another_unit_or_market(recorded, factor, name) -> None:
    candles = recorded["BTCUSDT"]
    of_hole = (candles.ts_ms - candles.ts_ms[0]) // DAY_MS
    hole = (of_hole >= 10) & (of_hole < 12)
    dirty = scaled(factor)(candles.at(hole), np.random.default_rng(1))
    assert {r.fault for r in filled_in(dirty, candles.at(~hole)) if r.blocking} == {name}


@pytest.mark.parametrize("minutes", [1, 480])
def test_a_shifted_month_without_anything_to_hold_it_against_gets_a_hint(recorded, minutes) -> None:
    candles = recorded["BTCUSDT"]
    results = month(replace(candles, ts_ms=candles.ts_ms + minutes * 60_000), None)
    assert {r.fault for r in results if r.fault} == {"stamped at the close" if minutes == 1 else "time-zone shifted"}
    assert not any(r.blocking for r in results)


def test_a_file_without_an_hour_of_the_venue_is_told_to_be_unverified() -> None:
    made = bars(1440)
    (alone,) = (r for r in judged(made, DAY).results if r.name == "consistency")
    assert (alone.passed, alone.blocking, alone.severity, alone.fault) == (False, False, Severity.WARNING, "")
    assert alone.message.endswith("expected the venue's own hours to hold a file against, got none: its times, market and units "
                                  "are unverified")
    (held,) = (r for r in judged(made, DAY, hours=hours_of(made)).results if r.name == "consistency")
    assert held.passed
    assert judged(made, DAY).days[0].state is DayState.GOOD


def test_one_spike_is_no_splice() -> None:
    candles = bars()
    up = np.where(np.arange(1440) == 700, 1.05, 1.0)
    spiked = Candles(SYMBOL, candles.ts_ms, *(getattr(candles, n) * up for n in ("open", "high", "low", "close")), candles.volume)
    assert named(judged(spiked, DAY).results) == ""


def test_a_hole_of_an_hour_is_no_page() -> None:
    holed = pick(bars(), [*range(600), *range(660, 1440)])
    assert named(judged(holed, DAY).results) == ""

"""Funding in a wrong unit, off schedule or made up is named; recorded genuine funding is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, day_of
from huracan_platform.contracts.market import FundingRates, MarkPrices
from huracan_platform.contracts.quality import ExplainedGap
from huracan_platform.data.market_data.diagnosis.funding import diagnose_funding
from huracan_platform.data.market_data.diagnosis.rate_columns import swapped_rates
from huracan_platform.data.market_data.diagnosis.schedule import missing_settlements
from huracan_platform.data.market_data.diagnosis.settlements import FundingEvidence
from huracan_platform.data.market_data.diagnosis.units import over_the_cap
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.settings.diagnosis import DiagnosisSettings
from huracan_platform.venues.funding import settled
from tests.market_data.made import START, SYMBOL
from tests.recorded import recording

SETTINGS = DiagnosisSettings()
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ENAUSDT", "LAYERUSDT")
Rng = np.random.Generator


def series(ts: pd.Series, rate: pd.Series, name: str) -> FundingRates:
    """Rates in time order at whole hours, with the intervals that their times tell."""
    hours = np.rint(ts.to_numpy("M8[ms]").astype(np.int64) / HOUR_MS).astype(np.int64) * HOUR_MS
    _, at = np.unique(hours, return_index=True)
    return settled(name, hours[at], rate.to_numpy(float)[at], int(hours[at[0]]), int(hours[at[-1]]) + 1)


def recorded_rates(symbol: str) -> FundingRates:
    frame = pd.read_parquet(recording("binance_perp_1m_2025_05") / f"{symbol}_8h_funding.parquet")
    return series(frame["ts"], frame["funding_rate"], symbol)


def of_venues() -> dict[str, FundingRates]:
    """Every series of the recordings of many venues."""
    parts = [
        pd.read_parquet(recording("multivenue_cex_funding_2023_2024") / "all_exchanges.parquet"),
        pd.read_parquet(recording("multivenue_dex_cex_2025_2026") / "funding_rates.parquet"),
    ]
    rows = pd.concat([part[["ts", "symbol", "funding_rate"]].dropna() for part in parts])
    return {name: series(part["ts"], part["funding_rate"], name) for name, part in rows.groupby("symbol")}


def part_of(whole: FundingRates, first: int, rows: int) -> tuple[FundingRates, FundingRates]:
    """Some settlements, and those of the month on either side."""
    part = whole.at(slice(first, first + rows))
    near = (whole.ts_ms >= part.ts_ms[0] - 30 * DAY_MS) & (whole.ts_ms <= part.ts_ms[-1] + 30 * DAY_MS)
    return part, whole.at(near & ~np.isin(whole.ts_ms, part.ts_ms))


NOTHING = FundingRates(SYMBOL, np.empty(0, np.int64), np.empty(0), np.empty(0))
UNITS: dict[str, Callable[[FundingRates], np.ndarray]] = {
    "percent": lambda r: r.rate * 100,
    "basis points": lambda r: r.rate * 10_000,
    "a fraction per year": lambda r: r.rate * 24 * 365 / r.interval_h,
}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_wrong_unit_is_told_by_the_rates_alone(symbol, unit) -> None:
    whole = recorded_rates(symbol)
    for seed in range(5):
        first = int(np.random.default_rng(seed).integers(0, len(whole) - 30))
        part, _ = part_of(whole, first, 30)
        dirty = replace(part, rate=UNITS[unit](part))
        found = over_the_cap(dirty.ts_ms, dirty.rate, dirty.interval_h, SETTINGS)
        one = found or diagnose_funding(FundingEvidence(dirty, NOTHING), SETTINGS)[0]
        assert (one.fault, one.certain) == ("funding with a wrong unit", True)


MADE_UP: dict[str, Callable[[FundingRates, Rng], np.ndarray]] = {
    "a constant": lambda r, rng: np.full(len(r), 3.7e-4),
    "noise": lambda r, rng: rng.normal(1e-4, 1e-4, len(r)),
    "a sine": lambda r, rng: 1e-4 * np.sin(np.arange(len(r)) / 3),
    "shuffled": lambda r, rng: rng.permutation(r.rate),
}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT"])
@pytest.mark.parametrize("how", MADE_UP)
def test_made_up_rates_are_told_by_the_library(symbol, how) -> None:
    whole = recorded_rates(symbol)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        part, near = part_of(whole, int(rng.integers(30, len(whole) - 60)), 30)
        dirty = replace(part, rate=MADE_UP[how](part, rng))
        found = diagnose_funding(FundingEvidence(dirty, near, stored=part), SETTINGS)
        assert (found[0].fault, found[0].certain) == ("fabricated funding", True)


@pytest.mark.parametrize("lag", [0, 3, -7])
def test_rates_copied_from_another_symbol_are_told_at_any_lag(lag) -> None:
    ours, other = recorded_rates("BTCUSDT"), recorded_rates("ETHUSDT")
    _, mine, theirs = np.intersect1d(ours.ts_ms, other.ts_ms, return_indices=True)
    part, near = part_of(ours.at(mine), 60, 30)
    dirty = replace(part, rate=other.at(theirs).rate[60 + lag:90 + lag])
    found = diagnose_funding(FundingEvidence(dirty, near, others={"ETH": other}), SETTINGS)
    assert (found[0].fault, "are ETH's" in found[0].sentence) == ("fabricated funding", True)


def test_settlements_of_another_zone_are_told_by_their_hours() -> None:
    part, near = part_of(recorded_rates("BTCUSDT"), 60, 9)
    found = diagnose_funding(FundingEvidence(replace(part, ts_ms=part.ts_ms + 5 * HOUR_MS), near), SETTINGS)
    assert found[0].fault == "time-zone shifted"
    assert "+5 h past" in found[0].sentence


def test_rates_one_settlement_late_are_told_by_the_library() -> None:
    whole = recorded_rates("SOLUSDT")
    part, near = part_of(whole, 60, 30)
    late = replace(part, rate=whole.rate[59:89])
    found = diagnose_funding(FundingEvidence(late, near, stored=part), SETTINGS)
    assert found[0].certain


def premiums(rates: FundingRates, seed: int = 1) -> tuple[MarkPrices, FundingRates]:
    """Premiums of every 5 minutes that wander, and the rates that Binance's formula makes of them."""
    rng = np.random.default_rng(seed)
    ts = np.arange(int(rates.ts_ms[0]) - DAY_MS, int(rates.ts_ms[-1]), 300_000, dtype=np.int64)
    premium = np.cumsum(rng.normal(0, 1e-4, len(ts)))
    paid = []
    for at in rates.ts_ms:
        window = premium[(ts >= at - 8 * HOUR_MS) & (ts < at)]
        weights = np.arange(1, len(window) + 1)
        average = float((window * weights).sum() / weights.sum())
        paid.append(round(average + min(max(1e-4 - average, -5e-4), 5e-4), 8))
    price = np.full(len(ts), 60_000.0)
    return MarkPrices(SYMBOL, ts, price * (1 + premium), price, premium), replace(rates, rate=np.array(paid))


def test_the_premium_tells_paid_rates_from_made_up_ones() -> None:
    marks, paid = premiums(FundingRates(SYMBOL, START + np.arange(9) * 8 * HOUR_MS, np.zeros(9), np.full(9, 8.0)))
    assert diagnose_funding(FundingEvidence(paid, NOTHING, marks=marks), SETTINGS) == []
    made_up = replace(paid, rate=np.round(np.random.default_rng(2).normal(1e-4, 3e-4, 9), 8))
    found = diagnose_funding(FundingEvidence(made_up, NOTHING, marks=marks), SETTINGS)
    assert [one.fault for one in found] == ["fabricated funding"]


def test_recorded_funding_of_nine_venues_is_never_refused() -> None:
    """Day by day and month by month, with the library's rates on either side and without."""
    everything = of_venues() | {symbol: recorded_rates(symbol) for symbol in SYMBOLS}
    refused, hints, windows = [], [], 0
    for name, whole in everything.items():
        day = max(1, int(24 / np.median(whole.interval_h)))
        for rows, step in ((day, 5 * day), (30 * day, 30 * day)):
            for first in range(0, len(whole) - rows, step):
                part, near = part_of(whole, first, rows)
                for beside in (near, NOTHING):
                    found = diagnose_funding(FundingEvidence(part, beside), SETTINGS)
                    refused += [(name, str(one)) for one in found if one.certain]
                    hints += [name for one in found if not one.certain]
                    windows += 1
    assert refused == []
    assert set(hints) <= {"LAYERUSDT"}  # its collapse of May 2025 paid 1 % and more every hour
    assert windows > 4_000


# From here on a file says that it holds Binance's rates, which follow the formula of the premium.
def of_binance(rates: FundingRates, near: FundingRates = NOTHING, **more) -> list[tuple[str, bool]]:
    found = diagnose_funding(FundingEvidence(rates, near, venue="binanceusdm", **more), SETTINGS)
    return [(one.fault.value, one.certain) for one in found]


UNIT, MADE = ("funding with a wrong unit", True), ("fabricated funding", True)


@pytest.mark.parametrize("factor", [0.01, 1 / 8, 3, 8, 24, 100, 365, 1095, 10_000])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
def test_every_factor_of_a_unit_is_told_by_interest_and_digits_alone(symbol, factor) -> None:
    part, _ = part_of(recorded_rates(symbol), 60, 90)
    assert of_binance(replace(part, rate=part.rate * factor))[0] == UNIT


@pytest.mark.parametrize("factor", [0.01, 1 / 8, 3, 8, 24, 365])
def test_a_factor_is_told_by_what_was_paid(factor) -> None:
    part, near = part_of(recorded_rates("BTCUSDT"), 60, 9)
    dirty = replace(part, rate=part.rate * factor)
    assert of_binance(dirty, near, stored=part)[0] == UNIT
    assert of_binance(dirty, told=part)[0] == UNIT


def test_rates_that_turn_into_percent_are_named_from_there_on() -> None:
    part, near = part_of(recorded_rates("SOLUSDT"), 60, 60)
    dirty = replace(part, rate=np.where(np.arange(60) < 40, part.rate, part.rate * 100))
    found = diagnose_funding(FundingEvidence(dirty, near, told=part), SETTINGS)[0]
    assert (found.fault, found.bad) == ("funding with a wrong unit", ((int(part.ts_ms[40]), int(part.ts_ms[59])),))
    assert of_binance(dirty)[0] == UNIT


LIKELY: dict[str, Callable[[FundingRates, Rng], np.ndarray]] = {
    "noise of eight decimals": lambda r, rng: np.round(rng.normal(1e-4, 5e-5, len(r)), 8),
    "noise on what was paid": lambda r, rng: r.rate * (1 + rng.normal(0, 0.1, len(r))),
    "every second in between": lambda r, rng: np.where(
        np.arange(len(r)) % 2 == 1, np.round((np.roll(r.rate, 1) + np.roll(r.rate, -1)) / 2, 8), r.rate
    ),
    "a week twice": lambda r, rng: np.concatenate([r.rate[:42], r.rate[21:42], r.rate[63:]]),
    "rounded": lambda r, rng: np.round(r.rate, 6),
}


@pytest.mark.parametrize("how", LIKELY)
def test_likely_rates_of_binance_are_told_alone(how) -> None:
    part, _ = part_of(recorded_rates("BTCUSDT"), 60, 90)
    dirty = replace(part, rate=LIKELY[how](part, np.random.default_rng(1)))
    assert MADE in of_binance(dirty)


@pytest.mark.parametrize("how", ["reversed", "shuffled", "without its sign", "half another symbol's"])
def test_what_nothing_tells_alone_the_venue_tells(how) -> None:
    ours, other = recorded_rates("BTCUSDT"), recorded_rates("ETHUSDT")
    _, mine, theirs = np.intersect1d(ours.ts_ms, other.ts_ms, return_indices=True)
    part, eth = ours.at(mine[60:90]), other.at(theirs[60:90])
    rate = {
        "reversed": part.rate[::-1].copy(), "shuffled": np.random.default_rng(1).permutation(part.rate),
        "without its sign": np.abs(part.rate), "half another symbol's": np.where(np.arange(30) < 15, eth.rate, part.rate),
    }[how]
    assert of_binance(replace(part, rate=rate)) == []
    assert of_binance(replace(part, rate=rate), told=part)[0] == MADE
    assert of_binance(part, told=part) == []


def test_rates_that_the_venue_confirms_are_not_doubted() -> None:
    part, _ = part_of(recorded_rates("BTCUSDT"), 60, 30)
    odd = replace(part, rate=np.full(30, 7e-4))
    assert MADE in of_binance(odd)
    assert of_binance(odd, told=odd) == []


def test_three_other_rates_are_told_by_the_library_and_two_may_correct_it() -> None:
    part, near = part_of(recorded_rates("BTCUSDT"), 60, 30)
    for wrong, expected in ((2, []), (3, [MADE])):
        rate = part.rate.copy()
        rate[10:10 + wrong] += 3e-5
        assert of_binance(replace(part, rate=rate), near, stored=part) == expected


def test_a_venue_may_correct_what_the_library_has() -> None:
    part, near = part_of(recorded_rates("BTCUSDT"), 60, 30)
    stored = replace(part, rate=np.where(np.arange(30) < 10, 3e-5, part.rate))
    assert diagnose_funding(FundingEvidence(part, near, stored=stored), SETTINGS) == []


def test_rates_of_another_venue_are_told_digit_for_digit() -> None:
    venues = of_venues()
    ours, other = venues["binance:BTCUSDT:perpetual"], venues["bybit:BTCUSDT:perpetual"]
    _, mine, theirs = np.intersect1d(ours.ts_ms, other.ts_ms, return_indices=True)
    part, theirs_part = ours.at(mine[600:690]), other.at(theirs[600:690])
    assert of_binance(part, elsewhere={"bybit": theirs_part}) == []
    assert MADE in of_binance(replace(part, rate=theirs_part.rate), elsewhere={"bybit": theirs_part})


@pytest.mark.parametrize(("stated", "apart"), [(8.0, 6), (8.0, 4), (4.0, 8), (1.0, 8)])
def test_an_interval_that_is_not_the_settlements_own_is_named(stated, apart) -> None:
    paid = np.where(np.arange(30) % 3 == 0, 1.3e-5 + np.arange(30) * 1e-8, 1e-4 * apart / 8)
    rates = FundingRates(SYMBOL, START + np.arange(30) * apart * HOUR_MS, paid, np.full(30, stated))
    named = [one.fault for one in diagnose_funding(FundingEvidence(rates, NOTHING), SETTINGS)]
    assert "funding with a wrong interval" in named
    right = replace(rates, interval_h=np.full(30, float(apart)))
    assert "funding with a wrong interval" not in [
        one.fault for one in diagnose_funding(FundingEvidence(right, NOTHING), SETTINGS)
    ]


def test_a_hole_of_settlements_is_a_missing_page_unless_it_is_explained() -> None:
    whole, _ = part_of(recorded_rates("BTCUSDT"), 60, 60)
    holed = whole.at(np.concatenate([np.arange(20), np.arange(35, 60)]))
    start, end = int(whole.ts_ms[0]), int(whole.ts_ms[-1]) + 1
    found = missing_settlements(holed, [DueWindow(day_of(START), start, end, end)], SETTINGS)
    assert found is not None
    assert (found.fault, found.certain, found.bad) == (
        "missing page", False, ((int(whole.ts_ms[20]), int(whole.ts_ms[34])),)
    )
    assert "15 settlements missing" in found.sentence
    gap = ExplainedGap(SYMBOL, start, end, "outage")
    assert missing_settlements(holed, [DueWindow(day_of(START), start, end, end, (gap,))], SETTINGS) is None


def test_a_price_under_rate_and_swapped_columns_are_named() -> None:
    part, _ = part_of(recorded_rates("BTCUSDT"), 60, 3)
    price = swapped_rates(part.ts_ms, np.array([60_123.4, 60_500.1, 59_870.25]), part.interval_h)
    assert price is not None
    assert price.fault == "columns swapped"
    swapped = swapped_rates(part.ts_ms, part.interval_h, part.rate)
    assert swapped is not None
    assert "interval_h under rate, rate under interval_h" in swapped.sentence
    for factor in (1, 1e4, 109_500):
        assert swapped_rates(part.ts_ms, part.rate * factor, part.interval_h) is None


def test_recorded_funding_of_binance_and_bybit_keeps_the_formula() -> None:
    """With what is only asked of files that say that they are theirs; quarters of a year and days."""
    venues = {"binance": "binanceusdm", "bybit": "bybit"}
    everything = {n: (r, venues[n.split(":")[0]]) for n, r in of_venues().items() if n.split(":")[0] in venues}
    everything |= {symbol: (recorded_rates(symbol), "binanceusdm") for symbol in SYMBOLS}
    refused = []
    for name, (whole, venue) in everything.items():
        for rows, step in ((3, 30), (90, 60)):
            for first in range(0, len(whole) - rows, step):
                part, near = part_of(whole, first, rows)
                for beside in (near, NOTHING):
                    found = diagnose_funding(FundingEvidence(part, beside, venue=venue), SETTINGS)
                    refused += [(name, first, str(one)) for one in found if one.certain]
    assert refused == []


def clamped(rng: Rng, interest: float, rows: int = 1_000) -> FundingRates:
    """Settlements as Binance's formula makes them of a premium that comes and goes."""
    premium = np.zeros(rows)
    for k in range(1, rows):
        premium[k] = 0.8 * premium[k - 1] + rng.normal(0, 3e-4)
    rate = np.round(premium + np.clip(interest - premium, -5e-4, 5e-4), 8)
    return FundingRates(SYMBOL, START + 8 * HOUR_MS * np.arange(rows, dtype=np.int64), rate, np.full(rows, 8.0))


@pytest.mark.parametrize("interest", [0.0, 1e-4])
@pytest.mark.parametrize("rows", [12, 30, 90, 365])
def test_rates_of_a_contract_with_and_without_interest_are_its_own(interest: float, rows: int) -> None:
    for seed in range(5):
        part, near = part_of(clamped(np.random.default_rng(seed), interest), 200, rows)
        for around in (near, NOTHING):
            found = diagnose_funding(FundingEvidence(part, around, venue="binanceusdm"), SETTINGS)
            assert [one for one in found if one.certain] == []


def test_zeros_are_a_fault_where_the_contract_pays_interest_and_a_hint_where_nothing_else_is_there() -> None:
    part, near = part_of(clamped(np.random.default_rng(1), 1e-4), 200, 90)
    filled = replace(part, rate=np.where(np.arange(90) % 40 < 12, 0.0, part.rate))
    (found,) = diagnose_funding(FundingEvidence(filled, NOTHING, venue="binanceusdm"), SETTINGS)
    assert (found.fault.value, found.certain) == ("fabricated funding", True)
    zeros = replace(part, rate=np.zeros(90))
    assert [one.certain for one in diagnose_funding(FundingEvidence(zeros, near, venue="binanceusdm"), SETTINGS)] == [True]
    assert [one.certain for one in diagnose_funding(FundingEvidence(zeros, NOTHING, venue="binanceusdm"), SETTINGS)] == [False]

"""The summary says what is to be done in a line per problem, and asks for nothing where nothing can or need be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.cli.data.options import known_dataset
from huracan_platform.clock import day_start_ms
from huracan_platform.contracts.quality import CheckResult, DayReport, DayState, Severity
from huracan_platform.data.market_data.gaps import in_words
from huracan_platform.data.market_data.heat_map import DAYS_A_LINE, MARKS, NOTHING, coverage_text
from huracan_platform.data.market_data.recorded import RECORDED_LIVE
from huracan_platform.data.market_data.summary import MOST_LINES, data_summary

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
DAY, NEXT, AT_MS = date(2025, 1, 2), date(2025, 1, 3), 1_735_900_000_000


def put(
    brain: Brain, dataset: str, check: str, state: DayState, *, severity: Severity = Severity.WARNING,
    symbols: Sequence[str] = (BTC,), days: Sequence[date] = (DAY,), venue: str = "venue",
) -> None:
    """A failed check of each day, and where the days stand."""
    each = [(symbol, day) for symbol in symbols for day in days]
    failed = [
        CheckResult(check, dataset, symbol, day, False, severity, False, 1.0, 2.0, f"{dataset} {symbol} {day}: expected 2, got 1")
        for symbol, day in each
    ]
    reports = [DayReport(symbol, day, state, 1, 2, None) for symbol, day in each]
    QualityRepository(brain).record(venue, dataset, reports, failed, [], AT_MS)


def test_symbols_and_days_with_the_same_problem_share_a_line(brain: Brain) -> None:
    put(brain, "candles", "completeness", DayState.DEGRADED, symbols=(BTC, ETH), days=(DAY, NEXT))
    (line,) = data_summary(brain).to_do
    assert line == (
        f"candles {BTC}, {ETH}, 2 days from 2025-01-02 to 2025-01-03: completeness: {BTC} 2025-01-02: expected 2, got 1; "
        "fetch again, or explain the gap with `huracan data explain`: "
        f"huracan data backfill --dataset candles --from 2025-01-02 --to 2025-01-03 --symbols {BTC},{ETH}"
    )


def test_venues_are_told_apart_and_errors_come_first(brain: Brain) -> None:
    put(brain, "funding", "completeness", DayState.DEGRADED, venue="a")
    put(brain, "funding", "completeness", DayState.DEGRADED, venue="b", severity=Severity.ERROR)
    found = data_summary(brain)
    assert (len(found.to_do), found.errors, found.headline) == (2, 1, "2 things to do (1 error), 0 noted")
    assert [line.split(" BTC")[0] for line in found.to_do] == ["funding of b", "funding of a"]
    assert len(data_summary(brain, venue="b").to_do) == 1


def test_a_warning_of_a_good_day_asks_for_nothing(brain: Brain) -> None:
    put(brain, "candles", "plausibility", DayState.GOOD)
    put(brain, "book", "consistency", DayState.GOOD)
    found = data_summary(brain)
    assert found.to_do == ()
    assert all(line.endswith("the day is good: nothing to do") and "quarantine" not in line for line in found.noted)
    assert found.message == "nothing to do, 2 noted"


@pytest.mark.parametrize("dataset", sorted(RECORDED_LIVE))
def test_nobody_is_asked_to_fetch_what_was_recorded_live(brain: Brain, dataset: str) -> None:
    put(brain, dataset, "completeness", DayState.DEGRADED, severity=Severity.ERROR)
    (line,) = data_summary(brain).to_do
    assert "look at the recorder (`huracan status`); what it missed cannot be fetched" in line
    assert f"huracan data explain --dataset {dataset}`" in line
    assert ("huracan data import" in line) == (dataset == "trades")
    assert "fetch again" not in line
    assert known_dataset(dataset) == dataset


@pytest.mark.parametrize(("state", "told"), [
    (DayState.QUARANTINED, "the day is in quarantine; look with `huracan data quarantine list`"),
    (DayState.DEGRADED, "the day is degraded; fetch again: huracan data backfill"),
])
def test_what_is_said_of_a_day_is_where_it_stands(brain: Brain, state: DayState, told: str) -> None:
    put(brain, "mark_prices", "consistency", state, severity=Severity.ERROR)
    (line,) = data_summary(brain).to_do
    assert told in line


def test_days_that_nobody_has_are_noted_and_ask_for_nothing(brain: Brain) -> None:
    QualityRepository(brain).mark_unavailable("venue", "sentiment", BTC, [DAY, NEXT], "not recorded", AT_MS)
    found = data_summary(brain)
    assert found.to_do == ()
    (line,) = found.noted
    assert line.startswith(f"sentiment {BTC}, 2 days from 2025-01-02 to 2025-01-03: unavailable: venue does not keep them")


def test_a_message_has_ten_lines_and_counts_the_rest(brain: Brain) -> None:
    for k in range(MOST_LINES + 3):
        put(brain, "candles", f"check{k:02}", DayState.DEGRADED, severity=Severity.ERROR)
    headline, _, *lines = data_summary(brain).message.split("\n")
    assert headline == "13 things to do (13 errors), 0 noted"
    assert (len(lines), lines[-1]) == (MOST_LINES + 1, "- and 3 more: huracan data summary")
    assert len(data_summary(brain).lines) == MOST_LINES + 3


def test_ranges_of_seconds_are_told_to_the_second() -> None:
    start = day_start_ms(DAY)
    assert in_words([(start + 5_000, start + 7_000), (start + 60_000, start + 60_000)], 1_000) == "00:00:05–00:00:07, 00:01:00"
    assert in_words([(start, start + 120_000)]) == "00:00–00:02"


def test_the_text_of_days_has_a_mark_for_each_day_by_its_state(brain: Brain) -> None:
    put(brain, "candles", "completeness", DayState.DEGRADED)
    put(brain, "candles", "consistency", DayState.QUARANTINED, days=(NEXT,))
    put(brain, "candles", "completeness", DayState.GOOD, symbols=(ETH,))
    text = coverage_text(brain, "venue", "candles", [BTC, ETH], NEXT)
    rows = [line for line in text.split("\n") if line.startswith((BTC, ETH))]
    empty = NOTHING * DAYS_A_LINE
    degraded, quarantined, good = MARKS[DayState.DEGRADED], MARKS[DayState.QUARANTINED], MARKS[DayState.GOOD]
    assert rows == [
        f"{BTC} {empty}", f"{ETH} {empty}", f"{BTC} {empty[:-2]}{degraded}{quarantined}", f"{ETH} {empty[:-2]}{good}{NOTHING}",
    ]

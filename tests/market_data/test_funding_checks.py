"""The six checks of funding rates, and what their intervals say about holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan_platform.clock import DAY_MS, HOUR_MS
from huracan_platform.contracts.market import FundingRates
from huracan_platform.data.market_data.funding import checks
from huracan_platform.settings import QualitySettings
from huracan_platform.venues.funding import settled
from tests.market_data.made import START, SYMBOL, changed, rates, window

QUALITY = QualitySettings()
SERIES = rates(90, START - 29 * DAY_MS)


def on_day(series: FundingRates) -> FundingRates:
    keep = (series.ts_ms >= START) & (series.ts_ms < START + DAY_MS)
    return replace(series, ts_ms=series.ts_ms[keep], rate=series.rate[keep], interval_h=series.interval_h[keep])


def run(series: FundingRates, *, observed_ms: int = START + 2 * DAY_MS, newest: bool = False) -> dict[str, bool]:
    due = checks.due_settlements(series, START - 29 * DAY_MS - 1, START + DAY_MS)
    evidence = checks.FundingEvidence(window(observed_ms=observed_ms), observed_ms, newest, due[due >= START], series)
    return {r.name: r.passed for r in checks.run_checks(on_day(series), evidence, QUALITY)}


def drop(series: FundingRates, at: int) -> FundingRates:
    keep = np.delete(np.arange(len(series.ts_ms)), at)
    return settled(SYMBOL, series.ts_ms[keep], series.rate[keep], 0, START + 99 * DAY_MS)


def test_sound_rates_pass_all_six() -> None:
    assert set(run(SERIES).values()) == {True}


@pytest.mark.parametrize(("name", "spoiled"), [
    ("completeness", drop(SERIES, 88)),
    ("completeness", drop(SERIES, 89)),
    ("validity", changed(SERIES, "interval_h", 88, 9.0)),
    ("validity", changed(SERIES, "rate", 88, float("nan"))),
    ("plausibility", changed(SERIES, "rate", 88, 0.05)),
    ("consistency", replace(SERIES, ts_ms=SERIES.ts_ms + HOUR_MS)),
    ("uniqueness", replace(SERIES, ts_ms=np.r_[SERIES.ts_ms[:89], SERIES.ts_ms[88]])),
])
def test_a_planted_fault_fails_its_check(name, spoiled) -> None:
    assert not run(spoiled)[name]


@pytest.mark.parametrize(("intervals_late", "fresh"), [(1.0, True), (1.9, True), (2.0, False)])
def test_freshness_counts_intervals_since_the_newest_settlement(intervals_late, fresh) -> None:
    observed = int(SERIES.ts_ms[-1] + intervals_late * 8 * HOUR_MS)
    series = replace(SERIES, ts_ms=SERIES.ts_ms)
    evidence = checks.FundingEvidence(
        replace(window(), end_ms=observed + 1), observed, True, np.empty(0, np.int64), series)
    assert checks.freshness(series, evidence, QUALITY).passed is fresh


def test_without_any_rate_three_settlements_a_day_are_due() -> None:
    none = rates(0)
    assert checks.due_settlements(none, START - 1, START + DAY_MS).tolist() == [START, START + 8 * HOUR_MS, START + 16 * HOUR_MS]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_each_deleted_settlement_is_missed_whatever_the_interval(interval_h, data) -> None:
    n = 10 * 24 // interval_h
    whole = rates(n, START, interval_h)
    # Two settlements in a row would leave a spacing that a longer interval explains as well.
    deleted = sorted(data.draw(st.sets(st.integers(1, n // 4 - 1), max_size=5)))
    series = drop(whole, [4 * k for k in deleted])
    due = checks.due_settlements(series, START - 1, START + 10 * DAY_MS)
    assert sorted(set(due.tolist()) - set(series.ts_ms.tolist())) == [int(whole.ts_ms[4 * k]) for k in deleted]


def test_jitter_is_snapped_and_a_change_of_interval_is_no_hole() -> None:
    ts = START + np.array([0, 8, 16, 20, 24, 28], np.int64) * HOUR_MS
    series = settled(SYMBOL, ts + np.array([3, 0, 900, -2, 7, 1]), np.full(6, 1e-4), START, START + 2 * DAY_MS)
    assert series.ts_ms.tolist() == ts.tolist()
    assert series.interval_h.tolist() == [8, 8, 8, 4, 4, 4]
    assert checks.due_settlements(series, START - 1, START + 30 * HOUR_MS).tolist() == ts.tolist()


def test_a_time_far_off_the_hour_is_left_for_the_contract_to_see() -> None:
    off = settled(SYMBOL, START + np.array([0, 8 * HOUR_MS + 300_000]), np.full(2, 1e-4), START, START + DAY_MS)
    assert off.ts_ms[1] == START + 8 * HOUR_MS + 300_000


def test_a_rate_does_not_depend_on_the_window_it_was_asked_in() -> None:
    ts = START + np.arange(30, dtype=np.int64) * 4 * HOUR_MS
    whole = settled(SYMBOL, ts, np.arange(30) * 1e-5, START, START + 5 * DAY_MS)
    part = settled(SYMBOL, ts[3:20], np.arange(3, 20) * 1e-5, START + DAY_MS, START + 2 * DAY_MS)
    inside = (whole.ts_ms >= START + DAY_MS) & (whole.ts_ms < START + 2 * DAY_MS)
    assert part.interval_h.tolist() == whole.interval_h[inside].tolist()

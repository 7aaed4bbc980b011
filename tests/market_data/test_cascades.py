"""The rule of a cascade and of a crowded minute, on made-up minutes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan_platform.contracts.liquidation import LiquidationMinutes, cascade_votes
from huracan_platform.data.market_data.liquidations.cascades import (
    MinuteSums,
    find_cascades,
    find_clusters,
    known_with_volume,
)
from huracan_platform.settings import LiquidationSettings

RULE = LiquidationSettings()
N, AT = 3000, 2800


def minutes(n: int = N, *, small_every: int = 20) -> MinuteSums:
    """A small liquidation of either side now and then, a volume of a million a minute, everything recorded."""
    count, long, short = np.zeros(n), np.zeros(n), np.zeros(n)
    small = np.arange(5, n - 300, small_every)
    count[small] = 1
    long[small[::2]], short[small[1::2]] = 1_000.0, 1_000.0
    return MinuteSums(count, long, short, np.full(n, 1e6), np.ones(n))


def burst(
    sums: MinuteSums, at: int = AT, *, count: int = 2, long: float = 50_000.0, short: float = 0.0, lasting: int = 2
) -> MinuteSums:
    """Liquidations in some minutes in a row."""
    for m in range(at, at + lasting):
        sums.count[m], sums.long_usd[m], sums.short_usd[m] = count, long, short
    return sums


def test_a_burst_of_one_side_is_a_cascade_from_the_minute_in_which_all_is_met() -> None:
    found = find_cascades(burst(minutes()), RULE)
    assert np.flatnonzero(found.on).tolist() == list(range(AT + 1, AT + 6))  # 2 of 3 in the first minute, then until 5 are empty
    assert found.met_at[AT] == AT + 1  # called so one minute later
    assert not found.on[AT]


@pytest.mark.parametrize("spoiled", [
    burst(minutes(), count=1),  # two in all
    burst(minutes(), long=50_000.0, short=20_000.0),  # 71 % of one side
    burst(minutes(), long=400.0),  # as small as any
    burst(minutes(), long=12_000.0),  # 24,000 of 5,000,000
], ids=["too few", "both sides", "usual size", "little for the volume"])
def test_a_burst_that_lacks_one_condition_is_none(spoiled) -> None:
    assert not find_cascades(spoiled, RULE).on.any()


def test_only_minutes_that_a_late_volume_decides_on_wait_for_it() -> None:
    sums, known, late = burst(minutes()), np.zeros(N, np.int64), np.zeros(N, bool)
    known[AT + 1], late[AT + 1] = 777, True  # in every window in which the condition is met
    on = np.flatnonzero(find_cascades(sums, RULE).on).tolist()
    assert known_with_volume(sums, known, late, RULE) == dict.fromkeys(on, 777)
    late[:], known[:] = True, np.arange(N)
    assert known_with_volume(sums, known, late, RULE) == {m: m for m in on}
    late[AT - 6:] = False
    assert known_with_volume(sums, known, late, RULE) == {}


def test_a_minute_that_a_late_volume_keeps_out_of_a_cascade_waits_for_it_too() -> None:
    sums, known, late = burst(minutes()), np.arange(N), np.zeros(N, bool)
    on = np.flatnonzero(find_cascades(sums, RULE).on).tolist()
    sums.traded_usd[AT], late[AT], known[AT] = 1e12, True, 10**6
    assert not find_cascades(sums, RULE).on[on].all()
    found = known_with_volume(sums, known, late, RULE)
    assert {m: found[m] for m in on[:2]} == dict.fromkeys(on[:2], 10**6)


def test_without_enough_windows_of_the_past_nothing_is_called_large() -> None:
    assert not find_cascades(burst(minutes(small_every=10**6)), RULE).on.any()


def test_without_the_candles_of_the_window_nothing_is_called_large() -> None:
    sums = burst(minutes())
    sums.traded_usd[AT - 3] = np.nan
    assert np.flatnonzero(find_cascades(sums, RULE).on)[0] == AT + 2  # when the missing candle has left the window


def test_windows_with_a_gap_do_not_count_as_past() -> None:
    sums = burst(minutes())
    sums.coverage[: AT - 10] = 0.5
    assert not find_cascades(sums, RULE).on.any()


def test_a_cascade_goes_on_until_a_window_without_any_liquidation() -> None:
    sums = burst(minutes())
    sums.count[AT + 5], sums.short_usd[AT + 5] = 1, 10.0  # small and of the other side, and still no end
    assert np.flatnonzero(find_cascades(sums, RULE).on).tolist() == list(range(AT + 1, AT + 10))


def test_the_past_ends_where_the_window_begins() -> None:
    sums = burst(burst(minutes()), AT + 30, long=51_000.0)
    assert find_cascades(sums, RULE).on[AT + 31]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(100, 500))
def test_nothing_after_a_minute_changes_what_was_on_by_then(seed, cut) -> None:
    rng = np.random.default_rng(seed)
    rule = LiquidationSettings(fewest_windows=5)
    count = rng.poisson(0.3, 600).astype(float)
    sums = MinuteSums(
        count, count * rng.exponential(9_000, 600), count * rng.exponential(900, 600), np.full(600, 1e6), np.ones(600)
    )
    before = MinuteSums(*(getattr(sums, name)[:cut] for name in sums.__dataclass_fields__))
    assert np.array_equal(find_cascades(before, rule).on, find_cascades(sums, rule).on[:cut])
    assert np.array_equal(find_clusters(before.count, rule), find_clusters(count, rule)[:cut])


def test_a_crowded_minute_is_beyond_the_percentile_of_the_minutes_before() -> None:
    count = np.zeros(400)
    count[:200:2] = np.tile([1, 2], 50)
    count[300], count[310] = 2, 3
    assert np.flatnonzero(find_clusters(count, RULE)).tolist() == [310]
    assert not find_clusters(np.r_[np.ones(20), 9.0], RULE).any()  # fewer minutes than a percentile needs


def minutes_of(ts: list[int], cascade: list[float], coverage: list[float] | None = None) -> LiquidationMinutes:
    none = np.zeros(len(ts))
    return LiquidationMinutes(
        "X", np.array(ts, np.int64), none, none, none, none, np.array(cascade), none, np.array(coverage or [1.0] * len(ts))
    )


def test_venues_combine_by_vote_of_those_that_recorded_the_whole_minute() -> None:
    three = [
        minutes_of([0, 60, 120, 180], [1, 1, 0, 1]), minutes_of([0, 60, 120, 180], [1, 0, 0, 1], [1, 1, 1, 0.5]),
        minutes_of([0, 120, 240], [0, 1, 0]),
    ]
    told = cascade_votes("X", three)
    assert told.ts_ms.tolist() == [0, 60, 120, 180, 240]
    assert told.voters.tolist() == [3, 2, 3, 1, 1]
    assert told.votes.tolist() == [2, 1, 1, 1, 0]
    assert told.in_cascade.tolist() == [1, 0, 0, 1, 0]  # one of two is no majority
    assert len(cascade_votes("X", [])) == 0

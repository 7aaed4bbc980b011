from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Candles
from huracan_platform.learning.models.labels import Labels, average_uniqueness, triple_barrier
from tests.learning.frames import START_MS, candles_of


def bars(rows: list[tuple[float, float, float, float]]) -> Candles:
    """Candles from (open, high, low, close); the first is the decision bar."""
    open_, high, low, close = (np.array(side, np.float64) for side in zip(*rows, strict=True))
    return Candles("X", START_MS + MINUTE_MS * np.arange(len(rows)), open_, high, low, close, np.ones(len(rows)))


def label(candles: Candles, *, distance: float = 0.01, horizon: int = 3, cost: float = 0.001) -> Labels:
    return triple_barrier(candles, np.array([0]), np.array([distance]), horizon_min=horizon, round_trip_cost=cost)


FLAT = (100.0, 100.1, 99.9, 100.0)


def test_upper_barrier_first_is_up_and_ends_at_that_bar() -> None:
    out = label(bars([FLAT, FLAT, (100, 101.2, 99.9, 101.1), FLAT]))
    assert (out.y[0], out.exit_bar[0], out.end_ms[0]) == (1.0, 2, START_MS + 3 * MINUTE_MS)
    assert (out.long_return[0], out.short_return[0]) == pytest.approx((0.01, -0.01))


def test_lower_barrier_first_is_down() -> None:
    out = label(bars([FLAT, (100, 100.1, 98.9, 99), FLAT, FLAT]))
    assert (out.y[0], out.exit_bar[0]) == (0.0, 1)


def test_both_barriers_in_one_bar_is_adverse_for_both_sides() -> None:
    out = label(bars([FLAT, (100, 101.5, 98.5, 101.4), FLAT, FLAT]))
    assert np.isnan(out.y[0])
    assert (out.long_return[0], out.short_return[0]) == pytest.approx((-0.01, -0.01))


def test_a_bar_that_opens_beyond_the_stop_fills_at_its_open() -> None:
    out = label(bars([FLAT, FLAT, (97.0, 97.2, 96.8, 97.0), FLAT]))
    assert out.long_return[0] == pytest.approx(-0.03)
    assert out.short_return[0] == pytest.approx(0.01)


def test_vertical_barrier_leaves_at_the_last_close() -> None:
    out = label(bars([FLAT, FLAT, FLAT, (100, 100.6, 99.9, 100.5)]))
    assert out.y[0] == 1.0
    assert out.long_return[0] == pytest.approx(0.005)
    assert out.forward_return[0] == pytest.approx(np.log(1.005))
    assert out.end_ms[0] == START_MS + 4 * MINUTE_MS


def test_neither_side_earning_its_cost_abstains() -> None:
    out = label(bars([FLAT, FLAT, FLAT, (100, 100.6, 99.9, 100.05)]), cost=0.001)
    assert np.isnan(out.y[0])
    assert out.long_return[0] == pytest.approx(0.0005)


def test_entry_is_the_next_open_and_not_the_decision_close() -> None:
    jump = [(100.0, 100.1, 99.9, 100.0), (103.0, 103.1, 102.9, 103.0), (103, 103.1, 102.9, 103), (103, 103.1, 102.9, 103)]
    assert label(bars(jump)).long_return[0] == pytest.approx(0.0)


def test_rows_without_all_bars_to_the_vertical_barrier_are_not_finished() -> None:
    assert not label(bars([FLAT, FLAT, FLAT])).finished[0]
    whole = bars([FLAT] * 5)
    hole = replace(whole, ts_ms=whole.ts_ms + MINUTE_MS * (np.arange(5) > 1))
    assert not label(hole).finished[0]


@given(st.lists(st.floats(-0.02, 0.02), min_size=70, max_size=90), st.integers(0, 5))
def test_label_does_not_look_beyond_its_end(steps: list[float], seed: int) -> None:
    candles = candles_of(100 * np.exp(np.cumsum(steps)), spread=0.001)
    before = label(candles, horizon=60)
    end = int(before.exit_bar[0])
    rng = np.random.default_rng(seed)
    poisoned = {c: getattr(candles, c).copy() for c in ("open", "high", "low", "close")}
    for column in poisoned.values():
        column[end + 1:] *= rng.uniform(0.5, 2.0, len(candles) - end - 1)
    after = label(Candles("X", candles.ts_ms, **poisoned, volume=candles.volume), horizon=60)
    np.testing.assert_array_equal(before.y, after.y)
    assert (before.long_return[0], before.end_ms[0]) == (after.long_return[0], after.end_ms[0])


def test_uniqueness_is_one_alone_and_shared_where_labels_overlap() -> None:
    # bars 0-3 and 2-5 share bars 2 and 3; 8-9 is alone
    weight = average_uniqueness(np.array([0, 2, 8]), np.array([3, 5, 9]), 10)
    np.testing.assert_allclose(weight, [0.75, 0.75, 1.0])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), min_size=1, max_size=25))
def test_uniqueness_equals_the_direct_sum(spans: list[tuple[int, int]]) -> None:
    entry = np.array([a for a, _ in spans])
    exit_ = np.array([a + n for a, n in spans])
    alive = [sum(a <= t <= b for a, b in zip(entry, exit_, strict=True)) for t in range(60)]
    direct = [np.mean([1 / alive[t] for t in range(a, b + 1)]) for a, b in zip(entry, exit_, strict=True)]
    np.testing.assert_allclose(average_uniqueness(entry, exit_, 60), direct)

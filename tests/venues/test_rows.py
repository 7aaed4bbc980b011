"""Rows of answers as arrays, three prices on common times, and what open interest is worth."""

from __future__ import annotations

import numpy as np
import pytest

from huracan_platform.contracts.market import STEP_MS
from huracan_platform.errors import TransientError
from huracan_platform.venues.klines import MalformedRowsError
from huracan_platform.venues.mark_prices import joined_prices
from huracan_platform.venues.open_interest import worth
from huracan_platform.venues.wires.answers import columns, joined, listed, stamped
from huracan_platform.venues.wires.contracts import moment

T = 1_735_689_600_000


def at(*steps: int) -> np.ndarray:
    return T + STEP_MS * np.array(steps, np.int64)


def test_a_bar_that_one_of_the_three_lacks_is_left_out_and_the_last_of_two_counts() -> None:
    mark = at(0, 1, 2, 3), np.array([10.0, 11, 12, 13])
    index = at(3, 2, 0), np.array([23.0, 22, 20])
    premium = at(0, 2, 2, 3), np.array([0.1, 0.2, 0.25, 0.3])
    told = joined_prices("X", mark, index, premium)
    assert told.ts_ms.tolist() == at(0, 2, 3).tolist()
    assert (told.mark.tolist(), told.index.tolist()) == ([10, 12, 13], [20, 22, 23])
    assert told.premium.tolist() == [0.1, 0.25, 0.3]
    assert len(joined_prices("X", mark, (at(), np.empty(0)), premium)) == 0


def test_open_interest_is_worth_the_mark_that_closed_at_its_moment_and_unknown_without_one() -> None:
    held = worth("X", at(1, 2, 3, 4), np.array([5.0, 6, 7, 8]), (at(2, 0), np.array([30.0, 10.0])))
    assert held.ts_ms.tolist() == at(1, 3).tolist()
    assert (held.contracts.tolist(), held.value_usd.tolist()) == ([5, 7], [50, 210])
    assert len(worth("X", at(1), np.array([5.0]), (at(), np.empty(0)))) == 0


def test_fields_go_by_name_or_by_place() -> None:
    ts, (a, b) = columns([{"t": "1", "a": "2.5", "b": 3}], "t", ["a", "b"], "rows")
    assert (ts.tolist(), a.tolist(), b.tolist()) == ([1], [2.5], [3.0])
    ts, (last,) = columns([["7", "8", "9"]], 0, [2], "rows")
    assert (ts.tolist(), last.tolist()) == ([7], [9.0])
    assert [len(column) for column in columns([], 0, [1, 2], "rows")[1]] == [0, 0]


@pytest.mark.parametrize("row", [
    {"t": 1}, {"t": "x", "a": 1}, {"t": 1, "a": ""}, {"t": 1, "a": None}, ["1"], 5, {"t": 10**30, "a": 1},
])
def test_a_row_without_its_numbers_is_refused_with_the_rows(row) -> None:
    rows = [{"t": 1, "a": 2}, row]
    with pytest.raises(MalformedRowsError, match="rates X: expected rows with numbers as t, a, got") as caught:
        columns(rows, "t", ["a"], "rates X")
    assert caught.value.rows == rows


@pytest.mark.parametrize("answer", ['{"code":"0","da', {"data": []}, None])
def test_an_answer_that_is_no_list_is_worth_a_retry(answer) -> None:
    with pytest.raises(TransientError, match="endpoint: expected a list, got"):
        listed("endpoint", answer)


def test_bars_that_come_newest_first_are_turned_and_stamped() -> None:
    assert stamped([["2", "b"], ["1", "a"]], "bars") == [(1, "a"), (2, "b")]
    with pytest.raises(MalformedRowsError, match="bars: expected rows"):
        stamped([["x"]], "bars")


def test_pages_follow_one_another_and_none_are_none() -> None:
    ts, values = joined([(at(0), np.array([1.0])), (at(1, 2), np.array([2.0, 3.0]))])
    assert (ts.tolist(), values.tolist()) == (at(0, 1, 2).tolist(), [1, 2, 3])
    assert [len(part) for part in joined([])] == [0, 0]


@pytest.mark.parametrize(("told", "ms"), [("0", None), ("", None), (None, None), (0, None), ("5", 5), (5, 5)])
def test_no_moment_is_zero_or_nothing(told, ms) -> None:
    assert moment(told) == ms

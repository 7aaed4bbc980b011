"""Rows of klines, as JSON values and as the text of an answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.errors import TransientError
from huracan_platform.venues import klines
from huracan_platform.venues.klines import KlineText, MalformedRowsError, keep_kline_text, parse_kline_text, parse_klines

GOOD = [1_700_000_000_000, "1.5", "2.0", "1.0", "1.75", "3.25", 1_700_000_059_999, "5.5", 7, "1", "2", "0"]
BAD: list[Any] = [
    ["x"], GOOD[:4], [None, *GOOD[1:]], [GOOD[0], "1,5", *GOOD[2:]], {"t": 1}, 5, [GOOD[0], None, *GOOD[2:]],
    [GOOD[0], 1.5, *GOOD[2:]], [GOOD[0], "", *GOOD[2:]], [GOOD[0], ".", *GOOD[2:]],
]


def text_of(rows: list[Any]) -> KlineText:
    return KlineText(json.dumps(rows, separators=(",", ":")))


@pytest.fixture
def no_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(rows: object, what: str) -> None:
        raise AssertionError(f"{what}: went the long way")

    monkeypatch.setattr(klines, "parse_klines", refuse)


def test_kline_rows_become_arrays() -> None:
    ts, values = parse_klines(json.loads(json.dumps([GOOD, GOOD])), "klines")
    assert ts.tolist() == [GOOD[0], GOOD[0]]
    assert values.tolist() == [[1.5, 2.0, 1.0, 1.75, 3.25]] * 2


def test_no_rows_are_no_bars() -> None:
    ts, values = parse_klines([], "klines")
    assert (ts.shape, values.shape) == ((0,), (0, 5))


@pytest.mark.parametrize("row", BAD)
def test_rows_that_are_no_klines_are_refused_with_the_rows(row) -> None:
    with pytest.raises(MalformedRowsError, match="1m klines X: expected rows") as caught:
        parse_klines([GOOD, row], "1m klines X")
    assert caught.value.rows == [GOOD, row]


@pytest.mark.parametrize("row", BAD)
def test_a_text_with_such_a_row_is_refused_with_the_rows(row) -> None:
    with pytest.raises(MalformedRowsError, match="1m klines X: expected rows") as caught:
        parse_kline_text(text_of([GOOD, row]), "1m klines X")
    assert caught.value.rows == [GOOD, row]


@pytest.mark.usefixtures("no_long_way")
def test_the_text_of_an_answer_becomes_arrays_in_one_pass() -> None:
    later = [1_700_000_060_000, "95000.10", "95000.20", "94999.00000000", "7", "0.001", *GOOD[6:]]
    ts, values = parse_kline_text(text_of([GOOD, later]), "klines")
    assert ts.tolist() == [GOOD[0], later[0]]
    assert values.tolist() == [[1.5, 2.0, 1.0, 1.75, 3.25], [95000.1, 95000.2, 94999.0, 7.0, 0.001]]


@pytest.mark.usefixtures("no_long_way")
def test_a_row_may_end_after_its_volume() -> None:
    ts, values = parse_kline_text(text_of([GOOD[:6]] * 3), "klines")
    assert ts.tolist() == [GOOD[0]] * 3
    assert values.tolist() == [[1.5, 2.0, 1.0, 1.75, 3.25]] * 3


@pytest.mark.parametrize("price", ["1e5", "-1.5", "0.12345678901234567", "123456789012345678", "nan", "1." + "0" * 30])
def test_numbers_written_otherwise_go_the_long_way_to_the_same_value(price: str) -> None:
    ts, values = parse_kline_text(text_of([[GOOD[0], price, *GOOD[2:]]]), "klines")
    assert ts.tolist() == [GOOD[0]]
    np.testing.assert_array_equal(values[0, 0], float(price))


@given(st.integers(0, 2**53 - 1), st.integers(0, 12))
def test_every_price_is_the_float_nearest_to_its_text(number: int, decimals: int) -> None:
    digits = str(number).rjust(decimals + 1, "0")
    text = f"{digits[:len(digits) - decimals]}.{digits[len(digits) - decimals:]}" if decimals else digits
    _, values = parse_kline_text(text_of([[GOOD[0], text, *GOOD[2:]]]), "klines")
    assert values[0, 0] == float(text)


def test_a_text_cut_anywhere_is_worth_a_retry() -> None:
    whole = text_of([GOOD, GOOD]).text
    for end in range(2, len(whole)):
        with pytest.raises(TransientError, match="klines: expected a list of rows, got"):
            parse_kline_text(KlineText(whole[:end]), "klines")


@pytest.mark.parametrize("more", [",", "]", "x", "[]", " "])
def test_what_follows_the_rows_is_not_overlooked(more: str) -> None:
    if more == " ":  # JSON all the same
        assert len(parse_kline_text(KlineText(text_of([GOOD]).text + more), "klines")[0]) == 1
        return
    with pytest.raises(TransientError):
        parse_kline_text(KlineText(text_of([GOOD]).text + more), "klines")


def test_only_answers_that_begin_like_klines_are_kept_as_text() -> None:
    class Client:
        @staticmethod
        def on_json_response(text: str) -> Any:
            return json.loads(text)

    client = Client()
    keep_kline_text(client)
    assert client.on_json_response('{"code":-1121}') == {"code": -1121}
    assert client.on_json_response("[]") == []
    assert client.on_json_response("[[1]]") == KlineText("[[1]]")

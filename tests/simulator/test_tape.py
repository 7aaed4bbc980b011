"""A minute's trades agree with its bar, for generated and for odd recorded ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan_platform.simulator.market.series import SymbolHistory, minute_rows, period_start, roll_up, running_row
from huracan_platform.simulator.market.synthetic import generate_symbol
from huracan_platform.simulator.market.tape import minute_tape
from tests.simulator.markets import MINUTE, START_MS, listed


@st.composite
def bars(draw: st.DrawFn) -> tuple[int, int, int, int, int, int]:
    open_, close = draw(st.integers(1, 10**7)), draw(st.integers(1, 10**7))
    high = max(open_, close) + draw(st.integers(0, 5_000))
    low = max(1, min(open_, close) - draw(st.integers(0, 5_000)))
    needed = 1 if high == low else 2 + (high > max(open_, close)) + (low < min(open_, close))
    volume = draw(st.integers(needed, 10**9))
    return open_, high, low, close, volume, draw(st.integers(0, volume))


@settings(max_examples=400, deadline=None)
@given(bars(), st.integers(0, 2**61))
def test_trades_of_any_bar_sum_to_it(bar: tuple[int, int, int, int, int, int], key: int) -> None:
    open_, high, low, close, volume, taker_buy = bar
    symbol = listed([bar[:5]])
    symbol.bars.taker_buy[0] = taker_buy
    tape = minute_tape(symbol.bars, 0, key)
    assert (tape.price[0], tape.price[-1], tape.price.max(), tape.price.min()) == (open_, close, high, low)
    assert tape.lots.sum() == volume
    assert tape.lots[tape.buyer].sum() == taker_buy
    assert tape.lots.min() >= 1
    assert tape.offset_ms[0] == 0
    assert tape.offset_ms[-1] < MINUTE
    assert np.all(np.diff(tape.offset_ms) >= 0)


def test_a_bar_without_volume_has_no_trades() -> None:
    assert len(minute_tape(listed([(100, 100, 100, 100, 0)]).bars, 0, 1)) == 0


def test_a_number_of_a_trade_leads_to_its_minute_past_minutes_without_trades() -> None:
    quiet = (105, 105, 105, 105, 0)
    history = SymbolHistory(listed([(100, 110, 90, 105, 5), quiet, quiet, (105, 109, 99, 100, 7)]))
    numbers = [[int(number) for number in history.tape(row).ids] for row in range(4)]
    assert numbers == [[0, 1, 2, 3, 4], [], [], [5, 6, 7, 8, 9, 10, 11]]
    assert [history.row_of(number) for number in (-1, 0, 4, 5, 11, 12)] == [-1, 0, 0, 3, 3, 3]


def test_bars_are_the_sums_of_their_trades() -> None:
    symbol, _ = generate_symbol("ETH", 4, START_MS, 400)
    rows = minute_rows(symbol)
    for row in range(0, 400, 7):
        tape = minute_tape(symbol.bars, row, symbol.key)
        value = tape.price * tape.lots
        assert rows[row].tolist() == [
            START_MS + row * MINUTE, tape.price[0], tape.price.max(), tape.price.min(), tape.price[-1],
            tape.lots.sum(), value.sum(), len(tape), tape.lots[tape.buyer].sum(), value[tape.buyer].sum(),
        ]


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("1h", 60), ("1d", 1_440)])
def test_periods_are_roll_ups_of_their_minutes(interval: str, minutes: int) -> None:
    symbol, _ = generate_symbol("BTC", 4, START_MS, 2 * 1_440)
    rows = minute_rows(symbol)
    rolled = roll_up(rows, interval)
    assert len(rolled) == len(rows) // minutes
    group = rows[minutes : 2 * minutes]
    assert rolled[1].tolist() == [
        group[0, 0], group[0, 1], group[:, 2].max(), group[:, 3].min(), group[-1, 4], *group[:, 5:].sum(axis=0),
    ]


def test_a_period_with_missing_minutes_holds_those_that_are_there() -> None:
    symbol = listed([(100, 110, 90, 105, 10), (105, 120, 100, 101, 20), (101, 102, 80, 99, 30)])
    rows = minute_rows(symbol)[[0, 2]]
    assert roll_up(rows, "1h")[0, 1:6].tolist() == [100, 110, 80, 99, 40]


def test_weeks_begin_on_monday() -> None:
    assert period_start(np.array([START_MS]), "1w")[0] == START_MS - 2 * 86_400_000  # 2025-01-01 was a Wednesday


def test_a_running_bar_holds_only_the_trades_so_far_and_ends_as_the_whole() -> None:
    symbol, _ = generate_symbol("SOL", 4, START_MS, 3)
    tape = minute_tape(symbol.bars, 1, symbol.key)
    opened = START_MS + MINUTE
    first = running_row(opened, 0, tape, opened)[0]
    assert first[1:6].tolist() == [tape.price[0]] * 4 + [tape.lots[0]]
    assert running_row(opened, 0, tape, opened + MINUTE - 1)[0].tolist() == minute_rows(symbol)[1].tolist()

"""Quantities stand on the venue's grid and never round towards more risk."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.contracts.market import Instrument
from huracan_platform.contracts.order import Side
from huracan_platform.decision.risk.sizing import quantity_for_target, round_quantity, round_stop, to_decimal
from huracan_platform.errors import PermanentError

D = Decimal
BTC = Instrument("v", "BTC/USDT:USDT", D("0.1"), D("0.001"), D("0.001"), D(5), D(2))


@given(st.decimals(min_value=0, max_value=1000, places=6), st.sampled_from([D("0.001"), D("0.05"), D(1)]))
def test_quantities_round_down_to_the_lot(quantity: Decimal, lot: Decimal) -> None:
    rounded = round_quantity(quantity, lot)
    assert rounded % lot == 0
    assert 0 <= quantity - rounded < lot


def test_a_stop_rounds_to_the_tick_that_fires_earlier() -> None:
    assert round_stop(D("100.01"), D("0.1"), Side.SELL) == D("100.1")
    assert round_stop(D("100.09"), D("0.1"), Side.BUY) == D("100.0")


def test_a_target_becomes_a_quantity_of_equity_over_price() -> None:
    assert quantity_for_target(0.5, D(10000), D(50000), BTC) == D("0.100")
    assert quantity_for_target(-0.5, D(10000), D(50000), BTC) == D("0.100")
    assert quantity_for_target(1000.0, D(10000), D(50000), BTC) == D("2")


def test_a_quantity_below_the_venues_minimum_is_none_at_all() -> None:
    assert quantity_for_target(0.0001, D(10000), D(50000), BTC) == 0
    assert quantity_for_target(0.0004, D(10000), D(1000), BTC) == 0  # 0.004 worth 4 USD, minimum 5


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "NaN", "abc"])
def test_what_is_no_finite_number_is_refused(bad: float | str) -> None:
    with pytest.raises(PermanentError, match="expected"):
        to_decimal(bad, "price")


def test_sizing_without_equity_or_price_is_refused() -> None:
    with pytest.raises(PermanentError, match="expected positive equity and price, got 0 and 1"):
        quantity_for_target(0.1, D(0), D(1), BTC)

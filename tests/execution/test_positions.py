"""Positions from fills: exact, each trade once, whatever the order of arrival."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_platform.contracts.order import Fill, Side
from huracan_platform.execution.positions import PositionBook, fold_fills

D = Decimal
BTC = "BTC/USDT:USDT"


def fill(number: int, side: str, quantity: object, price: object, fee: object = "0.1", ours: bool = True) -> Fill:
    return Fill("v", "a", BTC, str(number), "c" if ours else None, "9", Side(side), D(str(quantity)), D(str(price)), D(str(fee)),
                "USDT", False, 1000 + number)


FILLS = st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 5), st.integers(90, 110)), max_size=12).map(
    lambda rows: [fill(i, *row) for i, row in enumerate(rows)]
)


@pytest.mark.parametrize(
    ("fills", "quantity", "entry", "realised"),
    [
        ([("buy", 1, 100), ("buy", 3, 104)], 4, 103, 0),
        ([("buy", 4, 100), ("sell", 1, 110)], 3, 100, 10),
        ([("buy", 2, 100), ("sell", 2, 90)], 0, 0, -20),
        ([("sell", 2, 100), ("buy", 1, 90)], -1, 100, 10),
        ([("buy", 2, 100), ("sell", 5, 110)], -3, 110, 20),
        ([("sell", 2, 100), ("buy", 5, 110)], 3, 110, -20),
    ],
)
def test_entry_and_realised_pnl_follow_the_fills(fills: list, quantity: int, entry: int, realised: int) -> None:
    position = fold_fills(BTC, [fill(i, *row) for i, row in enumerate(fills)])
    assert (position.quantity, position.entry_price, position.realised_pnl) == (quantity, entry, realised)
    assert position.fees == D("0.1") * len(fills)


@given(FILLS, st.randoms())
def test_duplicated_and_shuffled_fills_make_the_same_position(fills: list[Fill], random: object) -> None:
    twice = [*fills, *fills]
    random.shuffle(twice)  # type: ignore[attr-defined]
    book = PositionBook()
    for one in twice:
        book.add([one])
    assert book.position(BTC) == fold_fills(BTC, fills)


@given(FILLS)
def test_money_is_conserved(fills: list[Fill]) -> None:
    position = fold_fills(BTC, fills)
    cash = sum((-f.side.sign * f.quantity * f.price for f in fills), D(0))
    assert position.quantity == sum((f.side.sign * f.quantity for f in fills), D(0))
    assert abs(position.realised_pnl + position.unrealised_pnl(D(100)) - (cash + position.quantity * 100)) < D("1e-20")


def test_trades_of_no_order_of_ours_mark_the_position_until_it_is_flat() -> None:
    book = PositionBook([fill(1, "buy", 1, 100), fill(2, "buy", 1, 100, ours=False)])
    assert book.with_foreign_part() == [BTC]
    book.add([fill(3, "sell", 2, 100), fill(4, "buy", 1, 100)])
    assert book.with_foreign_part() == []


def test_the_next_trade_to_ask_for_follows_the_newest() -> None:
    assert PositionBook().next_trade_id(BTC) is None
    assert PositionBook([fill(9, "buy", 1, 100), fill(10, "buy", 1, 100)]).next_trade_id(BTC) == 11

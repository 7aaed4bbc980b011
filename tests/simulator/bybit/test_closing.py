"""What closing orders have brought: parts, flips, and the fees of opening."""

from __future__ import annotations

from decimal import Decimal

import pytest

from huracan_platform.simulator.bybit.closing import closed_sizes, closings
from tests.simulator.markets import Floor, flat, listed, open_floor


def traded(*orders: tuple[str, str]) -> Floor:
    """A floor on which market orders (side, quantity) were filled one minute after the other, the price 1,000.0 and then 1,100.0
    from the third minute on."""
    floor = open_floor(listed(flat(10_000, 3, 400_000) + flat(11_000, 10, 400_000)))
    for minute, (side, quantity) in enumerate(orders, start=1):
        floor.go_to(minute + 0.5)
        floor.order(side=side, type="MARKET", quantity=quantity)
    return floor


def test_an_opening_order_closes_nothing() -> None:
    floor = traded(("BUY", "2"), ("BUY", "1"))
    assert closed_sizes(floor.fills) == [0, 0]
    assert closings(floor.fills) == []


def test_a_part_carries_its_share_of_the_fees_of_opening() -> None:
    floor = traded(("BUY", "2"), ("BUY", "2"), ("SELL", "1"))
    paid = [fill.commission for fill in floor.fills]
    closing = closings(floor.fills)[0]
    assert (closing.size, closing.fills) == (Decimal(1), 1)
    assert closing.open_fee == (paid[0] + paid[1]) / 4
    assert closing.close_fee == paid[2]
    assert closing.profit == closing.realised - closing.open_fee - closing.close_fee
    assert closing.entry_value == pytest.approx(floor.account.positions["BTCUSDT"].entry)


def test_a_flip_closes_only_what_was_held() -> None:
    floor = traded(("BUY", "2"), ("SELL", "5"), ("BUY", "3"))
    assert closed_sizes(floor.fills) == [0, 2, 3]
    first, second = closings(floor.fills)
    paid = [fill.commission for fill in floor.fills]
    assert first.close_fee == pytest.approx(paid[1] * 2 / 5)
    assert second.open_fee == pytest.approx(paid[1] * 3 / 5)
    assert second.realised == -3 * (second.exit_value / 3 - second.entry_value / 3)
    assert second.realised < -290


def test_profits_after_fees_add_up_to_what_the_wallet_has_gained() -> None:
    floor = traded(("BUY", "2"), ("SELL", "1"), ("SELL", "4"), ("BUY", "1"), ("BUY", "2"))
    assert floor.account.position("BTCUSDT").amount == 0
    assert sum(c.profit for c in closings(floor.fills)) == pytest.approx(floor.account.wallet - 100_000)

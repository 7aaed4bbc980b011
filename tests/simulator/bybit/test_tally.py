"""What positions and orders have brought, kept up as fills come."""

from __future__ import annotations

from decimal import Decimal

from huracan_platform.simulator.bybit.tally import Tally
from tests.simulator.bybit.test_closing import traded


def test_all_that_a_symbol_has_brought_is_what_the_wallet_has_gained() -> None:
    floor = traded(("BUY", "2"), ("SELL", "1"), ("SELL", "4"), ("BUY", "1"))
    earned = Tally(floor.account).symbol("BTCUSDT")
    assert earned.total == floor.account.wallet - 100_000
    assert earned.amount == floor.account.position("BTCUSDT").amount == -2
    assert (earned.first_ms, earned.last_trade) == (floor.fills[0].time_ms, floor.fills[-1].trade_id)


def test_the_present_position_begins_where_the_last_one_was_turned_over() -> None:
    floor = traded(("BUY", "2"), ("SELL", "5"), ("BUY", "1"))
    paid = [fill.commission for fill in floor.fills]
    assert Tally(floor.account).symbol("BTCUSDT").present == -paid[1] - paid[2] + floor.fills[2].realised


def test_looking_early_and_often_changes_nothing() -> None:
    floor = traded(("BUY", "2"))
    often = Tally(floor.account)
    first = often.symbol("BTCUSDT").total
    floor.order(side="SELL", type="MARKET", quantity="2")
    assert often.symbol("BTCUSDT").total == Tally(floor.account).symbol("BTCUSDT").total < first < 0
    assert often.realised() == floor.fills[1].realised
    order = floor.fills[1].order
    assert often.fees(order) == floor.fills[1].commission > Decimal(0)

"""Orders against the tape and the book, and the account that follows, in exact decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from huracan_platform.simulator.exchange.orders import AlgoStatus, Status
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import MINUTE, START_MS, Floor, flat, listed, open_floor

PRICE = 1_000_000  # ticks: 100,000.0 USDT
D = Decimal


def assert_refused(code: int, place: object, **sent: object) -> str:
    with pytest.raises(VenueRefusal) as caught:
        place(**sent)  # type: ignore[operator]
    assert caught.value.code == code, caught.value
    return caught.value.message


def steady(minutes: int = 30) -> Floor:
    return open_floor(listed(flat(PRICE, minutes)))


def test_a_market_order_walks_the_book_level_by_level() -> None:
    floor = steady()
    book = floor.book()
    beyond_best = int(book.ask_lots[0]) + 500
    order = floor.order(side="BUY", type="MARKET", quantity=D(beyond_best) / 1000)
    assert [(f.price, f.lots) for f in floor.fills] == [
        (int(book.ask_ticks[0]), int(book.ask_lots[0])), (int(book.ask_ticks[1]), 500)
    ]
    assert order.status is Status.FILLED
    assert order.average_price > D(int(book.ask_ticks[0])) / 10


def test_fee_realised_profit_and_wallet_add_up_exactly() -> None:
    floor = steady()
    bought = floor.order(side="BUY", type="MARKET")
    sold = floor.order(side="SELL", type="MARKET")
    fees = (bought.quote + sold.quote) * D("0.0005")
    assert sum(f.commission for f in floor.fills) == fees
    assert floor.account.wallet == D(100_000) + (sold.quote - bought.quote) - fees
    assert floor.account.position("BTCUSDT").amount == 0


def test_a_position_turned_around_enters_anew_at_the_turning_price() -> None:
    floor = steady()
    floor.order(side="BUY", type="MARKET", quantity=1)
    sold = floor.order(side="SELL", type="MARKET", quantity=2)
    position = floor.account.position("BTCUSDT")
    assert position.amount == -1
    assert position.entry == sold.instrument.price(floor.fills[-1].price)


def test_a_passive_order_waits_behind_the_queue_and_is_filled_as_maker() -> None:
    floor = steady()
    while floor.book().best_bid != PRICE:  # until the last trade was a sale: it stands at the bid
        floor.go_to((floor.matching.cursor_ms - START_MS) / MINUTE + 0.05)
    order = floor.order(side="BUY", type="LIMIT", timeInForce="GTX", price="100000", quantity="0.5")
    ahead, placed = order.queue_ahead, floor.matching.cursor_ms
    assert ahead > 0
    floor.go_to(20)
    assert order.status is Status.FILLED
    assert order.update_ms > placed
    assert all(f.maker for f in floor.fills)
    assert floor.account.fees_paid == order.quote * D("0.0002")


def test_a_trade_through_the_price_fills_whatever_stands_ahead() -> None:
    fall = [*flat(PRICE, 2), (PRICE, PRICE, PRICE - 5_000, PRICE - 5_000, 8_000), *flat(PRICE - 5_000, 3)]
    floor = open_floor(listed(fall))
    order = floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="99900", quantity=1)
    floor.go_to(1.99)
    assert order.status is Status.NEW
    floor.go_to(3)
    assert order.status is Status.FILLED
    assert order.average_price == 99_900


def test_an_order_is_not_filled_by_trades_before_it_was_placed() -> None:
    dip = [(PRICE, PRICE, PRICE - 9_000, PRICE, 8_000), *flat(PRICE, 10)]
    floor = open_floor(listed(dip), minute=0.999)
    order = floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="99500", quantity=1)
    floor.go_to(9)
    assert order.status is Status.NEW


def test_immediate_or_cancel_takes_what_crosses_and_expires() -> None:
    floor = steady()
    book = floor.book()
    order = floor.order(side="BUY", type="LIMIT", timeInForce="IOC", price=D(book.best_ask) / 10, quantity=15)
    assert order.executed == int(book.ask_lots[0])
    assert order.status is Status.EXPIRED


def test_fill_or_kill_fills_whole_or_leaves_nothing() -> None:
    floor = steady()
    ask = D(floor.book().best_ask) / 10
    assert_refused(-5021, floor.order, side="BUY", type="LIMIT", timeInForce="FOK", price=ask, quantity=19)
    assert floor.desk.records.orders == {}
    assert floor.order(side="BUY", type="LIMIT", timeInForce="FOK", price=ask, quantity="0.1").status is Status.FILLED


def test_post_only_is_refused_where_it_would_take() -> None:
    floor = steady()
    ask = D(floor.book().best_ask) / 10
    assert_refused(-5022, floor.order, side="BUY", type="LIMIT", timeInForce="GTX", price=ask)
    assert not floor.desk.records.accepts


def test_reduce_only_never_goes_beyond_the_position() -> None:
    floor = steady()
    assert_refused(-2022, floor.order, side="SELL", type="MARKET", reduceOnly="true")
    floor.order(side="BUY", type="MARKET", quantity="0.4")
    order = floor.order(side="SELL", type="MARKET", reduceOnly="true", quantity=1)
    assert floor.account.position("BTCUSDT").amount == 0
    assert order.executed == 400
    assert order.status is Status.EXPIRED


@pytest.mark.parametrize("speed_step", [0.05, 1.0, 9.0])
def test_a_stop_fires_on_a_spike_inside_a_minute_at_any_speed_of_the_clock(speed_step: float) -> None:
    spike = [*flat(PRICE, 3), (PRICE, PRICE, PRICE - 20_000, PRICE, 8_000), *flat(PRICE, 10)]
    floor = open_floor(listed(spike))
    floor.order(side="BUY", type="MARKET", quantity="0.5")
    stop = floor.stop(side="SELL", triggerPrice="99000", quantity="0.5", reduceOnly="true")
    minute = 0.5
    while minute < 10:
        minute += speed_step
        floor.go_to(minute)
    assert stop.status is AlgoStatus.FINISHED
    assert 3 <= (stop.triggered_ms - floor.venue.market.start_ms) / 60_000 < 4
    assert stop.order is not None
    assert stop.order.status is Status.FILLED
    assert floor.account.position("BTCUSDT").amount == 0
    assert floor.fills[-1].price < 990_000 + 200


def test_a_close_position_stop_takes_the_whole_position_and_expires_without_one() -> None:
    fall = [*flat(PRICE, 3), (PRICE, PRICE, PRICE - 20_000, PRICE - 20_000, 8_000), *flat(PRICE - 20_000, 5)]
    floor = open_floor(listed(fall))
    floor.order(side="BUY", type="MARKET", quantity="0.7")
    stop = floor.stop(side="SELL", triggerPrice="99500", closePosition="true")
    assert_refused(-4130, floor.stop, side="SELL", triggerPrice="99400", closePosition="true")
    floor.go_to(5)
    assert floor.account.position("BTCUSDT").amount == 0
    assert stop.status is AlgoStatus.FINISHED
    lonely = floor.stop(side="SELL", triggerPrice="97000", closePosition="true")
    assert lonely.open


def test_a_take_profit_fires_on_the_other_side() -> None:
    rise = [*flat(PRICE, 2), (PRICE, PRICE + 9_000, PRICE, PRICE + 9_000, 8_000), *flat(PRICE + 9_000, 4)]
    floor = open_floor(listed(rise))
    floor.order(side="BUY", type="MARKET", quantity="0.5")
    target = floor.stop(side="SELL", type="TAKE_PROFIT_MARKET", triggerPrice="100500", quantity="0.5", reduceOnly="true")
    floor.go_to(4)
    assert target.status is AlgoStatus.FINISHED
    assert floor.account.position("BTCUSDT").realised > 0


def test_a_stop_that_would_fire_at_once_is_refused() -> None:
    assert_refused(-2021, steady().stop, side="SELL", triggerPrice="100000", quantity="0.5")


def test_funding_is_paid_by_longs_at_each_settlement_they_hold() -> None:
    floor = open_floor(listed(flat(PRICE, 30), funding=[(5, 0.0001), (10, -0.0003), (15, 0.5)]))
    floor.order(side="BUY", type="MARKET", quantity="0.5")
    wallet = floor.account.wallet
    floor.go_to(12)
    assert floor.account.wallet - wallet == D("-5") + D("15")
    floor.order(side="SELL", type="MARKET", quantity="0.5")
    flat_wallet = floor.account.wallet
    floor.go_to(20)
    assert floor.account.wallet == flat_wallet


def test_funding_is_settled_once_when_the_clock_moves_in_small_steps() -> None:
    floor = open_floor(listed(flat(PRICE, 30), funding=[(5, 0.0001)]))
    floor.order(side="BUY", type="MARKET", quantity="0.5")
    for step in range(200):
        floor.go_to(0.5 + step * 0.05)
    assert floor.account.funding_paid == 5


@pytest.mark.parametrize(("code", "sent"), [
    (-1102, {"type": "MARKET"}),
    (-1117, {"side": "UP", "type": "MARKET"}),
    (-1116, {"side": "BUY", "type": "MAGIC"}),
    (-4120, {"side": "BUY", "type": "STOP_MARKET", "stopPrice": "99000"}),
    (-1102, {"side": "BUY", "type": "LIMIT", "price": "99000"}),
    (-1102, {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}),
    (-1111, {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "99000.05"}),
    (-1111, {"side": "BUY", "type": "MARKET", "quantity": "0.0005"}),
    (-4003, {"side": "BUY", "type": "MARKET", "quantity": "0"}),
    (-1130, {"side": "BUY", "type": "MARKET", "quantity": "NaN"}),
    (-1130, {"side": "BUY", "type": "MARKET", "quantity": "many"}),
    (-4164, {"side": "BUY", "type": "MARKET", "quantity": "0.001", "symbol": "BTCUSDT", "reduceOnly": "false", "price": ""}),
    (-4016, {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "106000"}),
    (-4024, {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "94000"}),
    (-2019, {"side": "BUY", "type": "MARKET", "quantity": "21"}),
    (-1121, {"side": "BUY", "type": "MARKET", "symbol": "NOPEUSDT"}),
    (-1100, {"side": "BUY", "type": "MARKET", "newClientOrderId": "with space"}),
    (-4061, {"side": "BUY", "type": "MARKET", "positionSide": "LONG"}),
])
def test_a_wrong_order_gets_the_code_that_says_so(code: int, sent: dict[str, str]) -> None:
    floor = open_floor(listed(flat(PRICE // 10 if code == -4164 else PRICE, 5)))
    assert_refused(code, floor.order, **sent)
    assert floor.desk.records.orders == {}


def test_a_client_order_id_is_refused_while_its_order_is_open_and_free_afterwards() -> None:
    floor = steady()
    resting = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "99000", "newClientOrderId": "mine"}
    floor.order(**resting)
    assert_refused(-4116, floor.order, **resting)
    assert_refused(-4116, floor.stop, side="SELL", triggerPrice="98000", quantity="0.5", clientAlgoId="mine")
    floor.desk.cancel({"symbol": "BTCUSDT", "origClientOrderId": "mine"})
    floor.order(**resting)
    assert floor.desk.records.accepts["mine"] == 2


def test_cancelling_what_is_not_open_and_asking_for_what_never_was() -> None:
    floor = steady()
    floor.order(side="BUY", type="MARKET", newClientOrderId="done")
    assert_refused(-2011, lambda **sent: floor.desk.cancel(sent), symbol="BTCUSDT", origClientOrderId="done")
    assert_refused(-2013, lambda **sent: floor.desk.find(sent), symbol="BTCUSDT", origClientOrderId="never")
    assert_refused(-2013, lambda **sent: floor.desk.find_conditional(sent), clientAlgoId="never")
    assert_refused(-2011, lambda **sent: floor.desk.cancel_conditional(sent), algoId="1")


def test_resting_orders_bind_margin() -> None:
    floor = steady()
    before = floor.desk.available()
    floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="99000", quantity=10)
    assert before - floor.desk.available() == D(10) * 99_000 / 20
    floor.desk.cancel_all("BTCUSDT")
    assert floor.desk.available() == before


def test_the_user_stream_tells_each_step_in_order() -> None:
    fall = [*flat(PRICE, 3), (PRICE, PRICE, PRICE - 20_000, PRICE - 20_000, 8_000), *flat(PRICE - 20_000, 5)]
    floor = open_floor(listed(fall))
    floor.order(side="BUY", type="MARKET", quantity="0.5", newClientOrderId="in")
    floor.stop(side="SELL", triggerPrice="99500", quantity="0.5", clientAlgoId="out", reduceOnly="true")
    floor.go_to(5)
    told = [m for m in floor.told if m["e"] != "TRADE_LITE"]
    steps = [(m["e"], m["o"].get("x", m["o"]["X"]), m["o"]["X"]) for m in told]
    assert steps == [
        ("ORDER_TRADE_UPDATE", "NEW", "NEW"), ("ORDER_TRADE_UPDATE", "TRADE", "FILLED"), ("ALGO_UPDATE", "NEW", "NEW"),
        ("ALGO_UPDATE", "TRIGGERING", "TRIGGERING"), ("ALGO_UPDATE", "TRIGGERED", "TRIGGERED"),
        ("ORDER_TRADE_UPDATE", "NEW", "NEW"), ("ORDER_TRADE_UPDATE", "TRADE", "FILLED"), ("ALGO_UPDATE", "FINISHED", "FINISHED"),
    ]
    assert [m["o"].get("c", m["o"].get("caid")) for m in told] == ["in", "in"] + ["out"] * 6

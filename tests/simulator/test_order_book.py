"""One book of the market's levels and the clients' orders: by price, then by time, and never crossed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from huracan_platform.simulator.exchange.orders import Status
from tests.simulator.markets import Floor, flat, listed, open_floor
from tests.simulator.test_matching import assert_refused

PRICE = 1_000_000  # ticks: 100,000.0 USDT
SPREAD = 100  # of the market's book, ticks
D = Decimal


def two_clients(bars: list[tuple[int, int, int, int, int]] | None = None) -> tuple[Floor, Any, Any]:
    """A floor where the market stands at the ask or bid of 100,000, and what places limit orders for two accounts."""
    floor = open_floor(listed(bars or flat(PRICE, 30)))
    other = floor.open_account("other").desk

    def placing(desk: Any) -> Any:
        def place(side: str, ticks: int, lots: int, force: str = "GTC", **more: str) -> Any:
            return desk.place({
                "symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": force, "price": str(D(ticks) / 10),
                "quantity": str(D(lots) / 1_000), **more,
            })
        return place

    return floor, placing(floor.desk), placing(other)


def middle(floor: Floor) -> int:
    book = floor.book()
    return (book.best_bid + book.best_ask) // 2


def test_a_resting_order_is_part_of_the_public_book_and_leaves_it() -> None:
    floor, mine, _ = two_clients()
    before, price = floor.book(), middle(floor)
    order = mine("BUY", price, 700)
    shown = floor.book()
    assert (shown.best_bid, int(shown.bid_lots[0])) == (price, 700)
    assert shown.bid_ticks[1:].tolist() == before.bid_ticks[:-1].tolist()
    deep = mine("BUY", int(before.bid_ticks[4]), 300)
    assert int(floor.book().bid_lots[5]) == int(before.bid_lots[4]) + 300
    numbers = [before.update_id, shown.update_id, floor.book().update_id]
    for placed in (order, deep):
        floor.desk.cancel({"symbol": "BTCUSDT", "orderId": str(placed.order_id)})
        numbers.append(floor.book().update_id)
    assert numbers == sorted(set(numbers))
    assert floor.book().bid_lots.tolist() == before.bid_lots.tolist()


def test_clients_meet_at_the_price_of_who_waited_first_by_price_and_then_by_time() -> None:
    floor, mine, theirs = two_clients()
    price = middle(floor)
    first, second, better = mine("SELL", price, 400), mine("SELL", price, 400), mine("SELL", price - 10, 100)
    taker = theirs("BUY", price + 5, 700)
    assert [(f.order.order_id, f.price, f.lots, f.maker) for f in floor.fills] == [
        (better.order_id, price - 10, 100, True), (first.order_id, price, 400, True), (second.order_id, price, 200, True),
    ]
    assert (taker.status, second.status, second.remaining) == (Status.FILLED, Status.PARTIALLY_FILLED, 200)
    assert [(f.trade_id, f.price, f.lots, f.maker) for f in taker.account.records.fills] == [
        (f.trade_id, f.price, f.lots, False) for f in floor.fills
    ]
    assert floor.account.position("BTCUSDT").amount == -taker.account.position("BTCUSDT").amount == D("-0.7")
    assert floor.account.fees_paid == first.quote * D("0.0002") + better.quote * D("0.0002") + second.quote * D("0.0002")
    assert taker.account.fees_paid == taker.quote * D("0.0005")


def test_the_market_quantity_that_stood_there_before_trades_before() -> None:
    floor, mine, theirs = two_clients()
    book = floor.book()
    price, ahead = book.best_bid, int(book.bid_lots[0])
    order = mine("BUY", price, 500)
    assert order.queue_ahead == ahead
    seller = theirs("SELL", price, ahead + 200)
    assert [(f.lots, f.order is seller) for f in seller.account.records.fills] == [(ahead, True), (200, True)]
    assert (order.executed, order.queue_ahead) == (200, 0)
    assert seller.status is Status.FILLED


def test_market_quantity_that_came_later_trades_after() -> None:
    floor, mine, theirs = two_clients()
    price, lots = floor.book().best_bid, int(floor.book().bid_lots[0])
    order = mine("BUY", price, 500)
    order.queue_ahead = 100
    seller = theirs("SELL", price, lots + 500, "IOC")
    assert [f.lots for f in seller.account.records.fills] == [100, 500, lots - 100]
    assert order.status is Status.FILLED


def test_what_an_order_took_and_still_crosses_is_hidden_while_it_stands() -> None:
    floor, mine, theirs = two_clients()
    before = floor.book()
    third = int(before.ask_ticks[2])
    lots = int(before.ask_lots[:3].sum())
    order = mine("BUY", third, lots + 50)
    assert (order.executed, order.remaining) == (lots, 50)
    shown = floor.book()
    assert (shown.best_bid, int(shown.bid_lots[0]), shown.best_ask) == (third, 50, int(before.ask_ticks[3]))
    assert_refused(-5022, lambda: theirs("SELL", third, 10, "GTX"))
    theirs("SELL", third, 50)
    assert order.status is Status.FILLED
    assert floor.book().best_ask == before.best_ask


@pytest.mark.parametrize(("mode", "mine", "taker"), [
    ("NONE", Status.FILLED, Status.FILLED), ("EXPIRE_MAKER", Status.EXPIRED, Status.NEW),
    ("EXPIRE_TAKER", Status.NEW, Status.EXPIRED), ("EXPIRE_BOTH", Status.EXPIRED, Status.EXPIRED),
])
def test_who_meets_himself_trades_or_loses_what_he_said(mode: str, mine: Status, taker: Status) -> None:
    floor, place, _ = two_clients()
    price = middle(floor)
    resting = place("SELL", price, 300)
    incoming = place("BUY", price, 300, selfTradePreventionMode=mode)
    assert (resting.status, incoming.status) == (mine, taker)
    assert floor.account.position("BTCUSDT").amount == 0
    assert len(floor.fills) == (2 if mode == "NONE" else 0)


def test_fill_or_kill_counts_what_clients_offer_and_not_ones_own_that_would_expire() -> None:
    floor, mine, theirs = two_clients()
    price = middle(floor)
    mine("SELL", price, 300)
    assert_refused(-5021, lambda: theirs("BUY", price, 301, "FOK"))
    assert_refused(-5021, lambda: mine("BUY", price, 300, "FOK", selfTradePreventionMode="EXPIRE_MAKER"))
    assert theirs("BUY", price, 300, "FOK").status is Status.FILLED


def test_a_reducing_order_that_has_nothing_left_to_reduce_steps_aside() -> None:
    floor, mine, theirs = two_clients()
    floor.order(side="BUY", type="MARKET", quantity="0.3")
    price = middle(floor)
    reducing, next_one = mine("SELL", price, 500, reduceOnly="true"), mine("SELL", price, 100)
    taker = theirs("BUY", price, 400)
    assert (reducing.executed, reducing.status) == (300, Status.EXPIRED)
    assert (next_one.status, taker.status) == (Status.FILLED, Status.FILLED)


def test_a_trade_of_the_market_is_shared_in_the_order_of_time_and_gives_no_more_than_it_has() -> None:
    floor, mine, theirs = two_clients()
    book = floor.matching.book("BTCUSDT")
    one, two = mine("BUY", book.best_bid, 60), theirs("BUY", book.best_bid, 60)
    one.queue_ahead, two.queue_ahead = 10, 20
    floor.matching.meet("BTCUSDT", book.best_bid, 100, bought=False, moment=floor.matching.cursor_ms)
    assert (one.executed, two.executed) == (60, 20)  # 100 less 10 ahead; of the 40 after the first, 20 stand ahead of the second
    assert (one.queue_ahead, two.queue_ahead) == (0, 0)


def test_a_trade_that_leaves_the_other_best_price_at_an_order_fills_it_first() -> None:
    rising = [*flat(PRICE, 2), (PRICE, PRICE + 40, PRICE, PRICE + 40, 40_000), *flat(PRICE + 40, 3)]
    floor, mine, _ = two_clients(rising)
    while floor.book().best_bid != PRICE:
        floor.go_to((floor.matching.cursor_ms - floor.venue.market.start_ms) / 60_000 + 0.02)
    order = mine("BUY", PRICE + 40, 5)  # within the spread of 100 ticks; the market comes up to it with buyers' trades
    while order.open:
        book = floor.book()
        assert book.best_bid < book.best_ask
        floor.go_to((floor.matching.cursor_ms - floor.venue.market.start_ms) / 60_000 + 0.02)
    assert order.average_price == D("100004.0")
    assert floor.fills[0].maker


@pytest.mark.parametrize(("bought", "executed"), [(True, 60), (False, 0)])
def test_a_buyers_trade_at_a_buyers_order_fills_all_of_it_a_sellers_waits_for_the_queue(bought: bool, executed: int) -> None:
    floor, mine, _ = two_clients()
    order = mine("BUY", floor.book().best_bid, 60)
    order.queue_ahead = 100
    floor.matching.meet("BTCUSDT", order.limit, 1, bought=bought, moment=floor.matching.cursor_ms)
    assert order.executed == executed


def test_who_came_later_to_a_price_is_never_served_before_though_less_stands_there_now() -> None:
    floor, mine, theirs = two_clients()
    price = floor.book().best_bid
    first = mine("BUY", price, 100)
    first.queue_ahead += 5_000  # the market's quantity was larger then
    second = theirs("BUY", price, 100)
    floor.matching.meet("BTCUSDT", price, first.queue_ahead, bought=False, moment=floor.matching.cursor_ms)
    assert (first.executed, second.executed) == (0, 0)
    floor.matching.meet("BTCUSDT", price, 150, bought=False, moment=floor.matching.cursor_ms)
    assert (first.executed, second.executed) == (100, 50)


def test_reducing_orders_end_as_soon_as_the_position_is_closed_or_turned() -> None:
    for quantity in ("1", "2"):
        floor, mine, _ = two_clients()
        floor.order(side="BUY", type="MARKET", quantity="1")
        before, price = floor.book(), middle(floor)
        reducing = [mine("SELL", price + i, 1_000, reduceOnly="true") for i in range(2)]
        floor.order(side="SELL", type="MARKET", quantity=quantity)
        assert [o.status for o in reducing] == [Status.EXPIRED] * 2
        assert floor.book().ask_ticks.tolist() == before.ask_ticks.tolist()
        assert not floor.account.records.working_in("BTCUSDT").orders


def test_reducing_orders_that_one_taker_meets_end_once_with_the_first_that_closes() -> None:
    floor, mine, theirs = two_clients()
    floor.order(side="BUY", type="MARKET", quantity="1")
    price = middle(floor)
    first, second = (mine("SELL", price, 1_000, reduceOnly="true") for _ in range(2))
    floor.told.clear()
    taker = theirs("BUY", price, 3_000)
    assert (first.executed, second.executed, taker.executed) == (1_000, 0, 1_000)
    ended = [m["o"]["i"] for m in floor.told if m["e"] == "ORDER_TRADE_UPDATE" and m["o"]["x"] == "EXPIRED"]
    assert ended == [second.order_id]

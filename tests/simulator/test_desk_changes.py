"""Amending, batches and the dead man's switch, on the desk and over HTTP."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import ccxt
import orjson
import pytest

from huracan_platform.simulator.exchange.orders import Status
from tests.simulator.markets import Floor, flat, listed, open_floor
from tests.simulator.pointing import BTC, keys, point
from tests.simulator.raw import get, signed
from tests.simulator.test_matching import assert_refused

PRICE = 1_000_000  # ticks: 100,000.0 USDT
D = Decimal


def steady() -> Floor:
    return open_floor(listed(flat(PRICE, 30)))


def resting(floor: Floor, name: str = "mine", price: str = "99000") -> Any:
    return floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price=price, quantity="0.5", newClientOrderId=name)


def amend(floor: Floor, **sent: str) -> Any:
    return floor.changes.amend({"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "mine", **sent})


def test_an_amended_order_keeps_its_id_and_goes_to_the_end_of_its_new_queue() -> None:
    floor = steady()
    order = resting(floor)
    changed = amend(floor, price="99500", quantity="0.7")
    assert (changed.order_id, changed.status) == (order.order_id, Status.NEW)
    assert (changed.request.price, changed.request.lots) == (995_000, 700)
    book = floor.book()
    assert changed.queue_ahead == int(book.bid_lots[book.bid_ticks == 995_000].sum()) - 700  # it is shown itself
    assert [m["o"]["x"] for m in floor.told] == ["NEW", "AMENDMENT"]
    assert floor.desk.records.accepts == {"mine": 1}
    assert [(a.before, a.after, a.count) for a in floor.changes.amendments] == [((990_000, 500), (995_000, 700), 1)]
    assert floor.desk.resting("BTCUSDT") == [order]


def test_an_order_amended_to_cross_takes_at_once() -> None:
    floor = steady()
    order = resting(floor)
    assert amend(floor, price="100100", quantity="0.5").status is Status.FILLED
    assert order.executed == 500
    assert floor.account.position("BTCUSDT").amount == D("0.5")
    assert floor.desk.resting("BTCUSDT") == []


def test_a_post_only_order_amended_to_cross_is_cancelled() -> None:
    floor = steady()
    floor.order(side="BUY", type="LIMIT", timeInForce="GTX", price="99000", newClientOrderId="mine")
    assert amend(floor, price="100100", quantity="1").status is Status.CANCELED
    assert not floor.fills


def test_amending_what_cannot_be_amended_changes_nothing() -> None:
    floor = steady()
    order = resting(floor)
    assert_refused(-5027, lambda **sent: amend(floor, **sent), price="99000", quantity="0.5")
    assert_refused(-1102, lambda **sent: amend(floor, **sent), price="99000")
    assert_refused(-1130, lambda **sent: amend(floor, **sent), price="99100", quantity="0.5", side="SELL")
    assert_refused(-1111, lambda **sent: amend(floor, **sent), price="99000.05", quantity="0.5")
    assert_refused(-4016, lambda **sent: amend(floor, **sent), price="106000", quantity="0.5")
    assert_refused(-2019, lambda **sent: amend(floor, **sent), price="99000", quantity="50")
    assert_refused(-2013, lambda **sent: amend(floor, **sent), price="99000", quantity="1", origClientOrderId="never")
    assert (order.request.price, order.request.lots, order.open) == (990_000, 500, True)
    assert floor.desk.resting("BTCUSDT") == [order]
    floor.desk.cancel({"symbol": "BTCUSDT", "origClientOrderId": "mine"})
    assert_refused(-2013, lambda **sent: amend(floor, **sent), price="99100", quantity="0.5")


def batch(*orders: dict[str, Any]) -> dict[str, str]:
    return {"batchOrders": orjson.dumps([{"symbol": "BTCUSDT", "side": "BUY", **o} for o in orders]).decode()}


def test_each_order_of_a_batch_is_taken_or_refused_by_itself() -> None:
    floor = steady()
    limit = {"type": "LIMIT", "timeInForce": "GTC", "price": "99000", "quantity": "0.1"}
    market = {"type": "MARKET", "quantity": 0.2}
    outcomes = floor.changes.place_several(batch(limit, market | {"quantity": "99"}, market))
    assert [getattr(o, "code", getattr(o, "status", None)) for o in outcomes] == [Status.NEW, -2019, Status.FILLED]
    assert len(floor.desk.records.orders) == 2
    assert_refused(-4082, lambda: floor.changes.place_several(batch(*[limit] * 6)))
    assert_refused(-1130, lambda: floor.changes.place_several({"batchOrders": "not json"}))
    assert_refused(-1130, lambda: floor.changes.place_several({"batchOrders": "[]"}))
    assert_refused(-1102, lambda: floor.changes.place_several({}))


def test_several_orders_are_cancelled_by_either_kind_of_id() -> None:
    floor = steady()
    one, two, three = (resting(floor, name) for name in ("a", "b", "c"))
    outcomes = floor.changes.cancel_several({"symbol": "BTCUSDT", "orderIdList": f"[{one.order_id},1]"})
    assert [getattr(o, "code", getattr(o, "status", None)) for o in outcomes] == [Status.CANCELED, -2011]
    floor.changes.cancel_several({"symbol": "BTCUSDT", "origclientorderidlist": '["b","c"]'})
    assert (two.status, three.status) == (Status.CANCELED, Status.CANCELED)
    assert_refused(-1102, lambda: floor.changes.cancel_several({"symbol": "BTCUSDT"}))


def test_the_countdown_cancels_unless_it_is_renewed() -> None:
    floor = steady()
    order, countdown = resting(floor), {"symbol": "BTCUSDT", "countdownTime": "1000"}
    assert floor.changes.start_countdown(countdown) == ("BTCUSDT", 1_000)
    floor.wire.advance(900)
    floor.changes.start_countdown(countdown)
    floor.wire.advance(900)
    floor.changes.expire_countdowns()
    assert order.open
    floor.wire.advance(100)
    floor.changes.expire_countdowns()
    assert order.status is Status.CANCELED
    later = resting(floor, "later")
    floor.changes.start_countdown(countdown)
    floor.changes.start_countdown(countdown | {"countdownTime": "0"})
    floor.wire.advance(5_000)
    floor.changes.expire_countdowns()
    assert later.open
    assert_refused(-1102, lambda: floor.changes.start_countdown({"symbol": "BTCUSDT"}))
    assert_refused(-1130, lambda: floor.changes.start_countdown(countdown | {"countdownTime": "-1"}))


@pytest.fixture
def client(fresh: str) -> Any:
    exchange = point(ccxt.binanceusdm(keys()), fresh)
    exchange.load_markets()
    return exchange


def test_ccxt_edits_an_order_and_places_and_cancels_several(client: Any) -> None:
    last = client.fetch_ticker(BTC)["last"]
    price, other = (float(client.price_to_precision(BTC, last * share)) for share in (0.98, 0.985))
    order = client.create_order(BTC, "limit", "buy", 0.1, price)
    edited = client.edit_order(order["id"], BTC, "limit", "buy", 0.2, other)
    assert (edited["id"], edited["amount"], edited["price"], edited["status"]) == (order["id"], 0.2, other, "open")
    several = client.create_orders([
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.1, "price": price},
        {"symbol": BTC, "type": "market", "side": "buy", "amount": 0.3},
    ])
    assert [(o["status"], o["filled"]) for o in several] == [("open", 0.0), ("closed", 0.3)]
    cancelled = client.cancel_orders([order["id"], several[0]["id"]], BTC)
    assert [o["status"] for o in cancelled] == ["canceled", "canceled"]
    assert client.fetch_open_orders(BTC) == []


def test_ccxt_reads_tiers_income_and_the_liquidation_price(client: Any) -> None:
    tiers = client.fetch_leverage_tiers([BTC])[BTC]
    assert [(t["maxLeverage"], t["maxNotional"], t["maintenanceMarginRate"]) for t in tiers[:2]] == [
        (125.0, 300_000.0, 0.004), (100.0, 800_000.0, 0.005),
    ]
    bought = client.create_order(BTC, "market", "buy", 5)
    row = client.fapiPrivateV2GetPositionRisk({"symbol": "BTCUSDT"})[0]
    cost = bought["cost"]
    wallet = 100_000 - cost * 0.0005
    bracket = (0.004, 0) if cost - wallet < 300_000 else (0.005, 300)
    assert float(row["liquidationPrice"]) == pytest.approx((wallet + bracket[1] - cost) / (5 * bracket[0] - 5), rel=1e-6)
    client.create_order(BTC, "market", "sell", 5)
    income = client.fapiPrivateGetIncome({"symbol": "BTCUSDT", "limit": 1_000})
    balance = client.fetch_balance()["USDT"]["total"]
    assert 100_000 + sum(float(i["income"]) for i in income) == pytest.approx(balance, abs=1e-6)
    assert {i["incomeType"] for i in income} == {"COMMISSION", "REALIZED_PNL"}
    assert client.fapiPrivateGetIncome({"incomeType": "FUNDING_FEE"}) == []


def test_the_dead_mans_switch_works_over_http(fresh: str) -> None:
    price = f"{float(get(fresh, '/fapi/v1/ticker/price?symbol=BTCUSDT')['price']) * 0.98:.1f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": price}
    assert signed(fresh, "POST", "/fapi/v1/order", **order, newClientOrderId="dead")[0] == 200
    status, answer = signed(fresh, "POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=300)
    assert (status, answer) == (200, {"symbol": "BTCUSDT", "countdownTime": "300"})
    assert signed(fresh, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="dead")[1]["status"] == "NEW"
    time.sleep(0.5)
    assert signed(fresh, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="dead")[1]["status"] == "CANCELED"


def test_lowering_the_leverage_needs_the_margin_and_raising_it_the_bracket(fresh: str) -> None:
    assert signed(fresh, "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="6")[0] == 200
    assert signed(fresh, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=2)[1]["code"] == -2028
    assert signed(fresh, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=125)[1]["code"] == -2027
    assert signed(fresh, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=126)[1]["code"] == -4028
    status, answer = signed(fresh, "POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=50)
    assert (status, answer) == (200, {"leverage": 50, "maxNotionalValue": "12000000", "symbol": "BTCUSDT"})

"""The life of orders through ccxt and python-binance, each test with an account of its own."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import ccxt
import pytest
from binance import Client
from binance.exceptions import BinanceAPIException

from tests.simulator.known import Known
from tests.simulator.pointing import BTC, ETH, keys, open_account, point
from tests.simulator.raw import post

LAST = {s: float(Known(name, 2).last()) for s, name in ((BTC, "BTCUSDT"), (ETH, "ETHUSDT"))}
LOW, HIGH = 0.97, 1.03  # far from the best prices, well inside the band


@pytest.fixture(scope="module")
def rules(floor: str) -> Any:
    """A client whose loaded markets the others share."""
    exchange = point(ccxt.binanceusdm(keys()), floor)
    exchange.load_markets()
    return exchange


@pytest.fixture
def client(floor: str, rules: Any) -> Any:
    exchange = point(ccxt.binanceusdm(keys(*open_account(floor))), floor)
    exchange.set_markets(rules.markets)
    return exchange


@pytest.fixture
def native(floor: str) -> Any:
    """python-binance."""
    name, secret = open_account(floor)
    exchange = Client(name, secret, ping=False)
    exchange.FUTURES_URL = floor + "/fapi"
    return exchange


def away(client: Any, symbol: str, share: float) -> float:
    """A price on the grid at a share of the last one."""
    return float(client.price_to_precision(symbol, LAST[symbol] * share))


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_resting_limit_order_is_reported_alike_by_every_question(client: Any, side: str) -> None:
    price = away(client, BTC, LOW if side == "buy" else HIGH)
    placed = client.create_order(BTC, "limit", side, 0.123, price)
    seen = [
        placed, client.fetch_order(placed["id"], BTC), client.fetch_open_orders(BTC)[0], client.fetch_orders(BTC)[0],
        client.fetch_open_order(placed["id"], BTC),
    ]
    for order in seen:
        assert (order["id"], order["status"], order["side"], order["price"]) == (placed["id"], "open", side, price)
        assert (order["amount"], order["filled"], order["remaining"]) == (0.123, 0, 0.123)
        assert (order["type"], order["timeInForce"]) == ("limit", "GTC")


def test_an_immediate_or_cancel_order_takes_what_is_there_and_expires(client: Any) -> None:
    price, amount = client.fetch_order_book(BTC, 5)["asks"][0]
    order = client.create_order(BTC, "limit", "buy", round(amount + 1, 3), price, {"timeInForce": "IOC"})
    assert (order["status"], order["filled"], order["average"]) == ("expired", amount, price)
    assert client.fetch_open_orders(BTC) == []
    assert client.fetch_positions([BTC])[0]["contracts"] == amount


def test_an_immediate_or_cancel_order_that_meets_nothing_expires_empty(client: Any) -> None:
    order = client.create_order(BTC, "limit", "buy", 0.1, away(client, BTC, LOW), {"timeInForce": "IOC"})
    assert (order["status"], order["filled"]) == ("expired", 0)
    assert client.fetch_positions([BTC]) == []


def test_a_fill_or_kill_order_that_fits_is_filled_whole(client: Any) -> None:
    price, amount = client.fetch_order_book(BTC, 5)["asks"][0]
    order = client.create_order(BTC, "limit", "buy", amount, price, {"timeInForce": "FOK"})
    assert (order["status"], order["filled"], order["average"]) == ("closed", amount, price)


def test_a_post_only_order_rests_below_the_book(client: Any) -> None:
    order = client.create_order(ETH, "limit", "buy", 1, away(client, ETH, LOW), {"postOnly": True})
    assert (order["status"], order["info"]["timeInForce"], order["postOnly"]) == ("open", "GTX", True)


def test_a_limit_order_through_the_book_takes_its_levels_best_first(client: Any) -> None:
    book = client.fetch_order_book(ETH, 10)["asks"]
    amount = round(book[0][1] + book[1][1] + book[2][1] / 2, 3)
    order = client.create_order(ETH, "limit", "buy", amount, book[2][0])
    assert (order["status"], order["filled"]) == ("closed", amount)
    trades = client.fetch_my_trades(ETH)
    assert [t["price"] for t in trades] == [level[0] for level in book[:3]]
    assert [t["amount"] for t in trades[:2]] == [level[1] for level in book[:2]]
    assert order["cost"] == pytest.approx(sum(t["cost"] for t in trades))
    assert all(t["takerOrMaker"] == "taker" and t["order"] == order["id"] for t in trades)


def test_a_market_order_pays_the_taker_fee_on_what_it_cost(client: Any) -> None:
    order = client.create_order(BTC, "market", "sell", 0.2)
    trades = client.fetch_my_trades(BTC, params={"orderId": order["id"]})
    assert sum(t["amount"] for t in trades) == pytest.approx(0.2)
    assert sum(t["fee"]["cost"] for t in trades) == pytest.approx(order["cost"] * 0.0005)
    assert client.fetch_balance()["USDT"]["total"] == pytest.approx(100_000 - order["cost"] * 0.0005)


def test_a_reduce_only_order_never_turns_the_position(client: Any) -> None:
    client.create_order(BTC, "market", "buy", 0.3)
    order = client.create_order(BTC, "market", "sell", 1, None, {"reduceOnly": True})
    assert order["filled"] == 0.3
    assert client.fetch_positions([BTC]) == []


def test_a_position_turned_over_is_entered_at_the_price_of_its_turn(client: Any) -> None:
    client.create_order(ETH, "market", "buy", 1)
    turned = client.create_order(ETH, "market", "sell", 3)
    position = client.fetch_positions([ETH])[0]
    assert (position["side"], position["contracts"]) == ("short", 2)
    assert position["entryPrice"] == pytest.approx(turned["average"])


def test_an_edited_order_keeps_its_id_and_moves(client: Any) -> None:
    placed = client.create_order(BTC, "limit", "buy", 0.1, away(client, BTC, LOW))
    edited = client.edit_order(placed["id"], BTC, "limit", "buy", 0.2, away(client, BTC, 0.98))
    assert (edited["id"], edited["amount"], edited["price"]) == (placed["id"], 0.2, away(client, BTC, 0.98))
    assert [o["price"] for o in client.fetch_open_orders(BTC)] == [away(client, BTC, 0.98)]


def test_a_batch_is_placed_edited_and_cancelled_one_by_one(client: Any) -> None:
    def wanted(share: float) -> dict[str, Any]:
        return {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": away(client, BTC, share)}

    placed = client.create_orders([wanted(0.96), wanted(0.97), wanted(0.98)])
    assert [o["price"] for o in placed] == [away(client, BTC, s) for s in (0.96, 0.97, 0.98)]
    edited = client.edit_orders([{"id": placed[0]["id"], **wanted(0.965)}])
    assert (edited[0]["id"], edited[0]["price"]) == (placed[0]["id"], away(client, BTC, 0.965))
    gone = client.cancel_orders([o["id"] for o in placed[:2]], BTC)
    assert [o["status"] for o in gone] == ["canceled", "canceled"]
    assert [o["id"] for o in client.fetch_open_orders(BTC)] == [placed[2]["id"]]


def test_in_a_batch_the_wrong_order_is_refused_and_the_right_one_placed(native: Any) -> None:
    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
            "price": f"{LAST[BTC] * LOW:.1f}"}
    answers = native.futures_place_batch_order(batchOrders=[good, good | {"quantity": "0.0001"}, good | {"side": "HOLD"}])
    assert [a.get("code", a.get("status")) for a in answers] == ["NEW", -1111, -1117]
    assert len(native.futures_get_open_orders(symbol="BTCUSDT")) == 1


def test_cancelling_is_told_once_and_the_order_stays_known(client: Any) -> None:
    placed = client.create_order(BTC, "limit", "buy", 0.1, away(client, BTC, LOW), {"newClientOrderId": "once"})
    assert client.cancel_order(placed["id"], BTC)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        client.cancel_order(placed["id"], BTC)
    found = client.fetch_order(None, BTC, {"origClientOrderId": "once"})
    assert (found["id"], found["status"], found["filled"]) == (placed["id"], "canceled", 0)
    assert [o["id"] for o in client.fetch_canceled_orders(BTC)] == [placed["id"]]
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        client.fetch_open_order(placed["id"], BTC)


def test_a_filled_order_cannot_be_cancelled(client: Any) -> None:
    filled = client.create_order(BTC, "market", "buy", 0.01)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        client.cancel_order(filled["id"], BTC)
    assert [o["id"] for o in client.fetch_closed_orders(BTC)] == [filled["id"]]


def test_cancelling_all_spares_the_other_symbol_and_the_stops(client: Any) -> None:
    client.create_order(BTC, "limit", "buy", 0.1, away(client, BTC, LOW))
    kept = client.create_order(ETH, "limit", "buy", 1, away(client, ETH, LOW))
    stop = client.create_order(BTC, "STOP_MARKET", "sell", 0.1, None, {"stopPrice": away(client, BTC, LOW)})
    client.cancel_all_orders(BTC)
    client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    assert [o["id"] for o in client.fetch_open_orders()] == [kept["id"]]
    assert [o["id"] for o in client.fetch_open_orders(BTC, params={"trigger": True})] == [stop["id"]]
    client.cancel_all_orders(BTC, {"trigger": True})
    assert client.fetch_open_orders(BTC, params={"trigger": True}) == []


@pytest.mark.parametrize(("kind", "side", "share", "limit"), [
    ("STOP_MARKET", "sell", LOW, None), ("STOP_MARKET", "buy", HIGH, None),
    ("TAKE_PROFIT_MARKET", "sell", HIGH, None), ("TAKE_PROFIT_MARKET", "buy", LOW, None),
    ("STOP", "sell", LOW, 0.96), ("TAKE_PROFIT", "sell", HIGH, 1.02),
])
def test_conditional_orders_wait_on_their_side_of_the_market(
    client: Any, kind: str, side: str, share: float, limit: float | None
) -> None:
    price = None if limit is None else away(client, BTC, limit)
    trigger = away(client, BTC, share)
    order = client.create_order(BTC, kind, side, 0.05, price, {"stopPrice": trigger})
    assert (order["status"], order["side"], order["amount"], order["triggerPrice"]) == ("open", side, 0.05, trigger)
    waiting = client.fetch_open_orders(BTC, params={"trigger": True})[0]
    assert (waiting["id"], waiting["info"]["orderType"], waiting["price"]) == (order["id"], kind, price)
    assert client.cancel_order(order["id"], BTC, {"trigger": True})["id"] == order["id"]
    found = client.fetch_order(order["id"], BTC, {"trigger": True})
    assert found["status"] == "canceled"


def test_stop_loss_and_take_profit_by_their_unified_names(client: Any) -> None:
    client.create_order(ETH, "market", "buy", 1)
    stop = client.create_order(ETH, "market", "sell", 1, None, {"stopLossPrice": away(client, ETH, LOW), "reduceOnly": True})
    profit = client.create_order(ETH, "market", "sell", 1, None, {"takeProfitPrice": away(client, ETH, HIGH), "reduceOnly": True})
    kinds = {o["id"]: o["info"]["orderType"] for o in client.fetch_open_orders(ETH, params={"trigger": True})}
    assert kinds == {stop["id"]: "STOP_MARKET", profit["id"]: "TAKE_PROFIT_MARKET"}


def test_only_one_stop_closes_the_whole_position(client: Any) -> None:
    client.create_order(BTC, "market", "buy", 0.1)
    sent = {"stopPrice": away(client, BTC, LOW), "closePosition": True}
    client.create_order(BTC, "STOP_MARKET", "sell", None, None, sent)
    with pytest.raises(ccxt.ExchangeError, match="-4130"):
        client.create_order(BTC, "STOP_MARKET", "sell", None, None, sent)


def test_a_dead_mans_switch_that_is_called_off_cancels_nothing(native: Any) -> None:
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    native.futures_create_order(**sent, price=f"{LAST[BTC] * LOW:.1f}")
    armed = native.futures_countdown_cancel_all(symbol="BTCUSDT", countdownTime=60_000)
    assert (armed["symbol"], int(armed["countdownTime"])) == ("BTCUSDT", 60_000)
    assert int(native.futures_countdown_cancel_all(symbol="BTCUSDT", countdownTime=0)["countdownTime"]) == 0
    assert len(native.futures_get_open_orders(symbol="BTCUSDT")) == 1


def test_a_test_order_is_checked_and_not_placed(native: Any) -> None:
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": f"{LAST[BTC] * LOW:.1f}"}
    answer = native.futures_create_test_order(**sent, quantity="0.01", newClientOrderId="rehearsed")
    assert (answer["clientOrderId"], answer["status"], answer["executedQty"]) == ("rehearsed", "NEW", "0.000")
    assert native.futures_get_all_orders(symbol="BTCUSDT") == []
    for quantity, code in (("0.0001", -1111), ("30", -2019)):
        with pytest.raises(BinanceAPIException) as refused:
            native.futures_create_test_order(**sent, quantity=quantity)
        assert refused.value.code == code


def test_all_orders_are_paged_by_their_number(native: Any) -> None:
    sent = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}
    ids = [native.futures_create_order(**sent, price=f"{LAST[ETH] * LOW:.2f}")["orderId"] for _ in range(5)]
    assert [o["orderId"] for o in native.futures_get_all_orders(symbol="ETHUSDT")] == ids
    assert [o["orderId"] for o in native.futures_get_all_orders(symbol="ETHUSDT", limit=2)] == ids[-2:]
    assert [o["orderId"] for o in native.futures_get_all_orders(symbol="ETHUSDT", orderId=ids[1], limit=2)] == ids[1:3]
    assert native.futures_get_all_orders(symbol="BTCUSDT") == []


def test_user_trades_are_paged_by_their_number(native: Any) -> None:
    for _ in range(3):
        native.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.002")
    trades = native.futures_account_trades(symbol="BTCUSDT")
    assert [t["qty"] for t in trades] == ["0.002"] * 3
    assert native.futures_account_trades(symbol="BTCUSDT", fromId=trades[1]["id"]) == trades[1:]
    assert native.futures_account_trades(symbol="BTCUSDT", limit=1) == trades[-1:]
    assert native.futures_account_trades(symbol="BTCUSDT", orderId=trades[0]["orderId"]) == trades[:1]


@pytest.mark.parametrize(("mode", "again_while_open", "again_after_cancel"), [
    ("open-only", False, True), ("permanent", False, False), ("none", True, True),
])
def test_client_order_ids_are_refused_as_the_mode_says(
    floor: str, client: Any, mode: str, again_while_open: bool, again_after_cancel: bool
) -> None:
    post(floor, "/control/faults", {"kind": "id_reuse", "mode": mode, "client": client.apiKey})

    def place(accepted: bool) -> None:
        outcome = nullcontext() if accepted else pytest.raises(ccxt.InvalidOrder, match="-4116")
        with outcome:
            client.create_order(BTC, "limit", "buy", 0.01, away(client, BTC, LOW), {"newClientOrderId": "mine"})

    place(accepted=True)
    place(accepted=again_while_open)
    client.cancel_all_orders(BTC)
    place(accepted=again_after_cancel)


def test_another_account_neither_sees_nor_cancels_the_orders(floor: str, rules: Any, client: Any) -> None:
    other = point(ccxt.binanceusdm(keys(*open_account(floor))), floor)
    other.set_markets(rules.markets)
    mine = client.create_order(BTC, "limit", "buy", 0.1, away(client, BTC, LOW))
    assert other.fetch_open_orders(BTC) == []
    with pytest.raises(ccxt.OrderNotFound):
        other.cancel_order(mine["id"], BTC)
    assert client.fetch_open_orders(BTC)[0]["id"] == mine["id"]


async def test_the_asynchronous_client_places_edits_and_cancels(floor: str) -> None:
    import ccxt.async_support

    exchange = point(ccxt.async_support.binanceusdm(keys(*open_account(floor))), floor)
    try:
        await exchange.load_markets()
        price = float(exchange.price_to_precision(BTC, LAST[BTC] * LOW))
        placed = await exchange.create_order(BTC, "limit", "buy", 0.05, price)
        edited = await exchange.edit_order(placed["id"], BTC, "limit", "buy", 0.06, price)
        assert (edited["id"], edited["amount"]) == (placed["id"], 0.06)
        assert (await exchange.cancel_order(placed["id"], BTC))["status"] == "canceled"
        assert await exchange.fetch_open_orders(BTC) == []
    finally:
        await exchange.close()

"""Unmodified ccxt, sync and async, over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.simulator.pointing import BTC, ETH, keys, point
from tests.simulator.raw import post
from tests.venue_process import running_venue

START = 1_735_689_600_000
MINUTE = 60_000


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """A venue whose market only this module's tests move."""
    with running_venue(days=2, symbols="BTCUSDT,ETHUSDT") as url:
        yield url


@pytest.fixture(scope="module")
def client(venue: str) -> Any:
    """One client with its markets loaded."""
    exchange = point(ccxt.binanceusdm(keys()), venue)
    exchange.load_markets()
    return exchange


def test_markets_carry_the_filters(client: Any) -> None:
    assert sorted(client.symbols) == [BTC, ETH]
    market = client.market(BTC)
    assert market["swap"] is True
    assert market["linear"] is True
    assert market["precision"]["price"] == 0.1
    assert market["precision"]["amount"] == 0.001
    assert market["limits"]["cost"]["min"] == 100
    assert market["limits"]["market"]["min"] == 0.001


def test_candles_trades_book_ticker_and_funding(client: Any) -> None:
    candles = client.fetch_ohlcv(BTC, "1m", since=START, limit=1_000)
    assert [c[0] for c in candles] == [START + i * MINUTE for i in range(1_000)]
    assert all(low <= min(o, c) and high >= max(o, c) for _, o, high, low, c, _ in candles)
    trades = client.fetch_trades(BTC, since=START, limit=20)
    assert trades[0]["price"] == candles[0][1]
    assert trades[0]["timestamp"] == START
    book = client.fetch_order_book(BTC, 20)
    assert len(book["bids"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = client.fetch_ticker(BTC)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    rates = client.fetch_funding_rate_history(BTC, since=START)
    assert [r["timestamp"] for r in rates] == [START + i * 28_800_000 for i in range(1, 7)]
    assert client.fetch_funding_rate(BTC)["fundingRate"] == rates[-1]["fundingRate"]
    assert client.fetch_funding_rate(BTC)["markPrice"] == ticker["last"]
    assert abs(client.fetch_time() - client.milliseconds()) < 2_000


def test_a_round_trip_with_a_stop_from_entry_to_flat(client: Any) -> None:
    before = client.fetch_balance()["USDT"]["total"]
    bought = client.create_order(BTC, "market", "buy", 0.5, None, {"newClientOrderId": "round-in"})
    assert (bought["status"], bought["filled"], bought["clientOrderId"]) == ("closed", 0.5, "round-in")
    trigger = client.price_to_precision(BTC, bought["average"] * 0.98)
    stop = client.create_order(
        BTC, "STOP_MARKET", "sell", 0.5, None, {"stopPrice": float(trigger), "reduceOnly": True, "newClientOrderId": "round-stop"}
    )
    assert (stop["status"], stop["triggerPrice"], stop["clientOrderId"]) == ("open", float(trigger), "round-stop")
    assert client.fetch_open_orders(BTC) == []
    assert [o["id"] for o in client.fetch_open_orders(BTC, params={"trigger": True})] == [stop["id"]]
    position = client.fetch_positions([BTC])[0]
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.5, bought["average"])
    client.cancel_order(stop["id"], BTC, {"trigger": True})
    sold = client.create_order(BTC, "market", "sell", 0.5, None, {"reduceOnly": True})
    assert client.fetch_positions([BTC]) == []
    trades = client.fetch_my_trades(BTC)
    fees = sum(t["fee"]["cost"] for t in trades)
    assert fees == pytest.approx((bought["cost"] + sold["cost"]) * 0.0005)
    after = client.fetch_balance()["USDT"]["total"]
    assert after == pytest.approx(before + sold["cost"] - bought["cost"] - fees, abs=1e-6)


def test_a_limit_order_rests_is_found_and_cancelled(client: Any) -> None:
    price = float(client.price_to_precision(ETH, client.fetch_ticker(ETH)["last"] * 0.98))
    order = client.create_order(ETH, "limit", "buy", 1, price, {"newClientOrderId": "resting"})
    assert (order["status"], order["price"], order["timeInForce"]) == ("open", price, "GTC")
    assert [o["id"] for o in client.fetch_open_orders(ETH)] == [order["id"]]
    found = client.fetch_order(None, ETH, {"origClientOrderId": "resting"})
    assert (found["id"], found["status"]) == (order["id"], "open")
    assert client.cancel_order(order["id"], ETH)["status"] == "canceled"
    assert client.fetch_order(order["id"], ETH)["status"] == "canceled"
    client.create_order(ETH, "limit", "buy", 1, price, {"postOnly": True})
    client.cancel_all_orders(ETH)
    assert client.fetch_open_orders(ETH) == []


def test_a_fired_stop_is_found_by_its_own_id_with_the_order_it_became(venue: str, client: Any) -> None:
    client.create_order(ETH, "market", "buy", 1)
    client.create_order(
        ETH, "STOP_MARKET", "sell", 1, None,
        {"stopPrice": float(client.price_to_precision(ETH, client.fetch_ticker(ETH)["last"] * 0.999)), "reduceOnly": True,
         "newClientOrderId": "fires"},
    )
    now = client.fetch(venue + "/control/clock")["market_ms"]
    post(venue, "/control/clock", {"market_ms": now + 12 * 3_600_000})
    fired = client.fetch_order(None, ETH, {"trigger": True, "clientAlgoId": "fires"})["info"]
    assert fired["algoStatus"] == "FINISHED"
    made = client.fetch_order(fired["actualOrderId"], ETH)
    assert (made["status"], made["filled"], made["clientOrderId"]) == ("closed", 1.0, "fires")
    assert client.fetch_positions([ETH]) == []


@pytest.mark.parametrize(("error", "arguments"), [
    (ccxt.InsufficientFunds, (BTC, "market", "buy", 50)),
    (ccxt.InvalidOrder, (BTC, "market", "sell", 0.1, None, {"reduceOnly": True})),
    (ccxt.InvalidOrder, (BTC, "market", "buy", 0.001)),
    (ccxt.BadRequest, (BTC, "limit", "buy", 0.1, 2e5)),
    (ccxt.OrderImmediatelyFillable, (BTC, "STOP_MARKET", "buy", 0.1, None, {"stopPrice": 1_000})),
])
def test_refusals_arrive_as_the_errors_they_are(client: Any, error: type[Exception], arguments: tuple[Any, ...]) -> None:
    with pytest.raises(error):
        client.create_order(*arguments)


@pytest.mark.parametrize(("parameters", "amount"), [({"postOnly": True}, 0.1), ({"timeInForce": "FOK"}, 19)])
def test_an_order_that_cannot_be_filled_as_asked_arrives_as_not_fillable(
    client: Any, parameters: dict[str, Any], amount: float
) -> None:
    ask = client.fetch_order_book(BTC, 5)["asks"][0][0]
    with pytest.raises(ccxt.OrderNotFillable):
        client.create_order(BTC, "limit", "buy", amount, ask, parameters)


def test_unknown_orders_symbols_and_keys_arrive_as_the_errors_they_are(venue: str, client: Any) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("99", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("99", BTC)
    with pytest.raises(ccxt.BadSymbol):
        client.fapiPublicGetKlines({"symbol": "NOPEUSDT", "interval": "1m"})
    stranger = point(ccxt.binanceusdm(keys() | {"secret": "wrong"}), venue)
    with pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()


def test_account_settings(client: Any) -> None:
    assert client.set_leverage(10, BTC)["leverage"] == 10
    assert client.fetch_leverage(BTC)["longLeverage"] == 10
    assert client.fetch_trading_fee(BTC)["taker"] == 0.0005
    assert client.fetch_position_mode()["hedged"] is False
    tiers = client.fetch_leverage_tiers([BTC])[BTC]
    assert tiers[0]["maintenanceMarginRate"] == 0.004


async def test_the_async_client_trades_too(venue: str) -> None:
    exchange = point(ccxt.async_support.binanceusdm(keys()), venue)
    try:
        await exchange.load_markets()
        candles = await exchange.fetch_ohlcv(ETH, "1h", since=START, limit=24)
        assert [c[0] for c in candles] == [START + i * 60 * MINUTE for i in range(24)]
        order = await exchange.create_order(ETH, "market", "sell", 2)
        assert (order["status"], order["filled"]) == ("closed", 2.0)
        position = (await exchange.fetch_positions([ETH]))[0]
        assert (position["side"], position["contracts"]) == ("short", 2.0)
        assert (await exchange.create_order(ETH, "market", "buy", 2, None, {"reduceOnly": True}))["filled"] == 2.0
    finally:
        await exchange.close()

"""Several accounts in one venue: each with its own orders, money, keys, limits and faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.binance.limits import OrderLimits, RateLimits
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import WIRE_MS
from tests.simulator.raw import fetch, get, post, signed
from tests.simulator.test_streams import collect, listen
from tests.venue_process import running_venue

SECOND = {"key": "second", "secret": "other"}
BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """A venue with a second account of 5,000 USDT."""
    with running_venue(days=1, symbols="BTC/USDT:USDT,ETH/USDT:USDT") as url:
        made = {"api_key": "second", "api_secret": "other", "balance": "5000"}
        assert post(url, "/control/accounts", made) == (200, {"api_key": "second", "wallet": "5000"})
        yield url


def resting(url: str, name: str, **who: str) -> tuple[int, Any]:
    price = f"{float(get(url, '/fapi/v1/ticker/price?symbol=BTCUSDT')['price']) * 0.97:.1f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02", "price": price}
    return signed(url, "POST", "/fapi/v1/order", newClientOrderId=name, **order, **who)


def listen_key(url: str, key: str) -> str:
    return str(json.loads(fetch(url + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": key})[1])["listenKey"])


def test_accounts_are_listed_and_a_key_has_one_only(shared: str) -> None:
    assert post(shared, "/control/accounts", {"api_key": "second", "api_secret": "x"})[0] == 409
    assert [a["api_key"] for a in get(shared, "/control/accounts")] == ["k", "second"]


@pytest.mark.parametrize("wrong", [
    {}, {"api_key": "a"}, {"api_key": "", "api_secret": "b"}, {"api_key": 7, "api_secret": "b"},
    {"api_key": "a", "api_secret": "b", "x": 1},
    {"api_key": "a", "api_secret": "b", "balance": "-1"}, {"api_key": "a", "api_secret": "b", "balance": "much"},
    {"api_key": "a", "api_secret": "b", "balance": "1e-9"},
    {"api_key": "a", "api_secret": "b", "balance": "1e30"},
])
def test_a_wrong_account_is_refused(shared: str, wrong: dict[str, Any]) -> None:
    status, answer = post(shared, "/control/accounts", wrong)
    assert (status, answer["code"]) == (400, -1130)


def test_a_secret_signs_for_its_own_key_only(shared: str) -> None:
    assert signed(shared, "GET", "/fapi/v2/balance", **SECOND)[1][0]["balance"] != "100000"
    assert signed(shared, "GET", "/fapi/v2/balance", key="second", secret="s")[1]["code"] == -1022
    assert signed(shared, "GET", "/fapi/v2/balance", key="third", secret="s")[1]["code"] == -2015


def test_orders_trades_and_money_are_each_accounts_own(shared: str) -> None:
    assert resting(shared, "same", **SECOND)[0] == 200
    assert resting(shared, "same")[0] == 200
    assert signed(shared, "POST", "/fapi/v1/order", **BUY, quantity="0.01", **SECOND)[0] == 200
    mine, theirs = (signed(shared, "GET", "/fapi/v1/openOrders", **who)[1] for who in ({}, SECOND))
    assert [o["clientOrderId"] for o in mine] == [o["clientOrderId"] for o in theirs] == ["same"]
    assert mine[0]["orderId"] != theirs[0]["orderId"]
    status, answer = signed(shared, "DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=mine[0]["orderId"], **SECOND)
    assert (status, answer["code"]) == (400, -2011)
    assert signed(shared, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")[1] == []
    assert len(signed(shared, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT", **SECOND)[1]) == 1
    assert signed(shared, "GET", "/fapi/v3/positionRisk")[1] == []
    books, other = get(shared, "/control/ledger"), get(shared, "/control/ledger?client=second")
    assert (books["accepts"], other["accepts"]["same"]) == ({"same": 1}, 1)
    assert books["balances"]["USDT"]["wallet"] == "100000"
    assert float(other["balances"]["USDT"]["wallet"]) < 5_000
    assert fetch(shared + "/control/ledger?client=nobody")[0] == 400
    assert signed(shared, "DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")[0] == 200
    assert len(signed(shared, "GET", "/fapi/v1/openOrders", **SECOND)[1]) == 1


async def test_a_user_stream_tells_of_its_own_account_only(shared: str) -> None:
    ready = {who: asyncio.Event() for who in ("k", "second")}
    sources = [listen(shared, f"/private/ws?listenKey={listen_key(shared, who)}", ready=r) for who, r in ready.items()]
    hearing = asyncio.gather(*(collect(source, 4) for source in sources))
    for connected in ready.values():
        await connected.wait()
    for name, who in (("one", {}), ("two", SECOND)):
        order = {**BUY, "quantity": "0.01", "newClientOrderId": name, **who}
        assert (await asyncio.to_thread(signed, shared, "POST", "/fapi/v1/order", **order))[0] == 200
    for name, events in zip(("one", "two"), await hearing, strict=True):
        assert [e["e"] for e in events] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE"]
        assert {e["o"]["c"] for e in events if "o" in e} == {name}


async def test_account_wide_faults_strike_the_account_of_their_key(shared: str) -> None:
    mine, theirs = listen_key(shared, "k"), listen_key(shared, "second")
    for fault in ({"kind": "expire_listen_key"}, {"kind": "id_reuse", "mode": "permanent"}):
        assert (await asyncio.to_thread(post, shared, "/control/faults", {**fault, "client": "second"}))[0] == 200
    await asyncio.sleep(0.2)
    assert listen_key(shared, "k") == mine
    assert listen_key(shared, "second") != theirs
    for who, again in (({}, 200), (SECOND, 400)):
        order = {**BUY, "quantity": "0.01", "newClientOrderId": "reused", **who}
        answers = [(await asyncio.to_thread(signed, shared, "POST", "/fapi/v1/order", **order))[0] for _ in range(2)]
        assert answers == [200, again]
    fetch(shared + "/control/faults", "DELETE")


def test_order_limits_are_counted_for_each_account_and_weight_for_all() -> None:
    limits, mine, theirs = RateLimits(ManualClock(WIRE_MS).wire_ms, enforced=True), OrderLimits(), OrderLimits()
    for _ in range(300):
        limits.spend(1)
        limits.spend_orders(mine, 1)
    assert limits.spend(1) == {"X-MBX-USED-WEIGHT-1M": "301"}
    assert limits.spend_orders(theirs, 1) == {"X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1M": "1"}
    with pytest.raises(VenueRefusal) as caught:
        limits.spend_orders(mine, 1)
    assert (caught.value.status, caught.value.code) == (429, -1015)
    assert limits.spend_orders(theirs, 1)["X-MBX-ORDER-COUNT-10S"] == "2"

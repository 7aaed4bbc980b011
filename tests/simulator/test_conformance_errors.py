"""Errors as third parties meet them: the venue's codes, what ccxt makes of them, and what bad input is answered with.

ccxt is pointed as everywhere: its own table of linear contracts laid over the general one, since it picks the table by host.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import ccxt
import pytest
import requests

from tests.simulator.known import Known
from tests.simulator.pointing import BTC, ETH, keys, open_account, point
from tests.simulator.raw import fetch, post

LAST = float(Known("BTCUSDT", 2).last())
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
         "price": f"{LAST * 0.97:.1f}"}
STOP = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "quantity": "0.01",
        "triggerPrice": f"{LAST * 0.97:.1f}"}


@pytest.fixture(scope="module")
def client(floor: str) -> Any:
    """A ccxt client of an account that trades nothing but what its tests let it."""
    exchange = point(ccxt.binanceusdm(keys(*open_account(floor))), floor)
    exchange.load_markets()
    return exchange


@pytest.fixture
def faults(floor: str) -> Iterator[Callable[..., None]]:
    """Arms a refusal for the next request; disarmed afterwards."""
    def arm(client: Any, code: int, status: int) -> None:
        fault = {"kind": "refusal", "code": code, "status": status, "when": "before", "client": client.apiKey, "count": 10}
        assert post(floor, "/control/faults", fault)[0] == 200

    yield arm
    fetch(floor + "/control/faults", "DELETE")


def stranger(client: Any, **other: Any) -> Any:
    """Another client for the same venue, with the markets of the first."""
    exchange = point(ccxt.binanceusdm(keys(client.apiKey, client.secret) | other), client.urls["api"]["public"])
    exchange.set_markets(client.markets)
    return exchange


def order(client: Any, **changed: str) -> Any:
    return client.fapiPrivatePostOrder({**LIMIT, **changed})


def late(client: Any) -> Any:
    slow = stranger(client)
    slow.nonce = lambda: slow.milliseconds() - 60_000
    return slow.fetch_balance()


def twice(client: Any) -> None:
    order(client, newClientOrderId="twice")
    try:
        order(client, newClientOrderId="twice")
    finally:
        client.cancel_all_orders(BTC)


def too_large(client: Any) -> Any:
    client.set_leverage(125, BTC)
    try:
        return client.create_order(BTC, "market", "buy", 100)
    finally:
        client.set_leverage(20, BTC)


def ask(client: Any) -> float:
    return float(client.fetch_order_book(BTC, 5)["asks"][0][0])


# What a client does of itself that the venue answers with the code, and the exception in which ccxt passes it on.
PROVOKED: list[tuple[int, type[Exception], Callable[[Any], Any]]] = [
    (-2019, ccxt.InsufficientFunds, lambda c: c.create_order(BTC, "market", "buy", 30)),
    (-2021, ccxt.OrderImmediatelyFillable, lambda c: c.fapiPrivatePostAlgoOrder({**STOP, "triggerPrice": "999999.9"})),
    (-2022, ccxt.InvalidOrder, lambda c: order(c, side="SELL", reduceOnly="true", price=f"{LAST * 1.02:.1f}")),
    (-4116, ccxt.InvalidOrder, twice),
    (-4120, ccxt.InvalidOrder, lambda c: order(c, type="STOP_MARKET", stopPrice=LIMIT["price"])),
    (-4164, ccxt.InvalidOrder, lambda c: order(c, quantity="0.001")),
    (-5021, ccxt.OrderNotFillable, lambda c: order(c, timeInForce="FOK")),
    (-5022, ccxt.OrderNotFillable, lambda c: c.create_order(BTC, "limit", "buy", 0.01, ask(c), {"postOnly": True})),
    (-2011, ccxt.OrderNotFound, lambda c: c.cancel_order("99", BTC)),
    (-2013, ccxt.OrderNotFound, lambda c: c.fetch_order("99", BTC)),
    (-1021, ccxt.InvalidNonce, late),
    (-1022, ccxt.AuthenticationError, lambda c: stranger(c, secret="wrong").fetch_balance()),
    (-2014, ccxt.AuthenticationError, lambda c: stranger(c, apiKey="", requiredCredentials={"apiKey": False}).fetch_balance()),
    (-2015, ccxt.AuthenticationError, lambda c: stranger(c, apiKey="nobodys").fetch_balance()),
    (-1121, ccxt.BadSymbol, lambda c: c.fapiPublicGetKlines({"symbol": "NOPEUSDT", "interval": "1m"})),
    (-1102, ccxt.BadRequest, lambda c: c.fapiPublicGetKlines({"interval": "1m"})),
    (-1111, ccxt.BadRequest, lambda c: order(c, quantity="0.01234")),
    (-1130, ccxt.BadRequest, lambda c: c.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 0})),
    (-4016, ccxt.BadRequest, lambda c: order(c, price=f"{LAST * 1.06:.1f}")),
    (-4024, ccxt.BadRequest, lambda c: order(c, side="SELL", price=f"{LAST * 0.94:.1f}")),
    (-2027, ccxt.OperationRejected, too_large),
]
# What only the exchange's own trouble brings about, by an armed fault: code, HTTP status, exception.
ARMED: list[tuple[int, int, type[Exception]]] = [
    (-2018, 400, ccxt.InsufficientFunds), (-2024, 400, ccxt.InsufficientFunds), (-1006, 503, ccxt.OperationFailed),
    (-1007, 503, ccxt.RequestTimeout), (-1003, 429, ccxt.DDoSProtection), (-1003, 418, ccxt.DDoSProtection),
    (-1003, 400, ccxt.RateLimitExceeded), (-1015, 429, ccxt.DDoSProtection),
]


@pytest.mark.parametrize(("code", "error", "provoke"), PROVOKED, ids=[str(code) for code, _, _ in PROVOKED])
def test_a_code_arrives_in_ccxt_as_the_exception_it_is(
    client: Any, code: int, error: type[Exception], provoke: Callable[[Any], Any]
) -> None:
    with pytest.raises(error, match=str(code)) as caught:
        provoke(client)
    assert type(caught.value) is error


@pytest.mark.parametrize(("code", "status", "error"), ARMED, ids=[f"{code} with {status}" for code, status, _ in ARMED])
def test_an_armed_code_arrives_in_ccxt_as_the_exception_it_is(
    client: Any, faults: Callable[..., None], code: int, status: int, error: type[Exception]
) -> None:
    faults(client, code, status)
    with pytest.raises(error, match=str(code)) as caught:
        client.fetch_balance()
    assert type(caught.value) is error


def test_after_an_armed_fault_a_refused_order_was_never_placed(client: Any, faults: Callable[..., None]) -> None:
    faults(client, -1007, 503)
    with pytest.raises(ccxt.NetworkError):
        client.create_order(ETH, "market", "buy", 1)
    fetch(client.urls["api"]["public"] + "/control/faults", "DELETE")
    assert client.fetch_orders(ETH) == []


# Bad input as a stranger would send it by hand: path, what is changed of a good order (None: left out), code.
BAD_ORDERS: list[tuple[dict[str, str | None], int]] = [
    ({"symbol": "NOPEUSDT"}, -1121), ({"symbol": None}, -1102), ({"symbol": ""}, -1102), ({"symbol": "btcusdt"}, -1121),
    ({"side": None}, -1102), ({"side": "HOLD"}, -1117), ({"side": "buy"}, -1117),
    ({"type": None}, -1102), ({"type": "ICEBERG"}, -1116), ({"type": "TRAILING_STOP_MARKET"}, -4120),
    ({"timeInForce": None}, -1102), ({"timeInForce": "DAY"}, -1115),
    ({"quantity": None}, -1102), ({"quantity": "0"}, -4003), ({"quantity": "-1"}, -4003), ({"quantity": "NaN"}, -1130),
    ({"quantity": "Infinity"}, -1130), ({"quantity": "1e-2"}, -1130), ({"quantity": "one"}, -1130), ({"quantity": "1_0"}, -1130),
    ({"quantity": "0.0123"}, -1111), ({"quantity": "2000000"}, -4005), ({"quantity": "0.001"}, -4164),
    ({"price": None}, -1102), ({"price": "0"}, -4001), ({"price": "-5"}, -4001), ({"price": "NaN"}, -1130),
    ({"price": f"{LAST:.1f}5"}, -1111), ({"price": "20000000", "side": "SELL"}, -4002), ({"price": "1000000"}, -4016),
    ({"price": "1000", "side": "SELL"}, -4024),
    ({"newClientOrderId": "with space"}, -1100), ({"newClientOrderId": "naïve"}, -1100), ({"newClientOrderId": "a" * 37}, -4015),
    ({"newClientOrderId": "trailing\n"}, -1100), ({"newClientOrderId": "semi;colon"}, -1100),
    ({"reduceOnly": "maybe"}, -1130), ({"positionSide": "LONG"}, -4061),
    ({"type": "MARKET"}, -1106), ({"type": "MARKET", "timeInForce": None}, -1106),
    ({"timestamp": None}, -1102), ({"timestamp": "soon"}, -1130), ({"timestamp": "1"}, -1021), ({"recvWindow": "60001"}, -1131),
    ({"recvWindow": "0"}, -1131),
    ({"signature": "0" * 64}, -1022), ({"signature": None}, -1102), ({"signature": "ünsigned"}, -1022),
]


def by_hand(url: str, client: Any, method: str, path: str, sent: dict[str, str | None]) -> Any:
    """A request as a newcomer with `requests` and `hmac` would write it."""
    wanted = {"timestamp": str(int(time.time() * 1_000)), **sent}
    signature = wanted.pop("signature", "")
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    if signature == "":
        signature = hmac.new(client.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    query += "" if signature is None else "&" + urlencode({"signature": signature})
    return requests.request(method, f"{url}{path}?{query}", headers={"X-MBX-APIKEY": client.apiKey}, timeout=20)


@pytest.mark.parametrize(("changed", "code"), BAD_ORDERS, ids=[f"{c} {code}" for c, code in BAD_ORDERS])
def test_a_wrong_order_is_refused_with_the_code_that_says_why(
    floor: str, client: Any, changed: dict[str, str | None], code: int
) -> None:
    answer = by_hand(floor, client, "POST", "/fapi/v1/order", {**LIMIT, **changed})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert set(answer.json()) == {"code", "msg"}
    assert client.fetch_open_orders(BTC) == []


@pytest.mark.parametrize("name", [".-_:/aZ09", "a", "a" * 36])
def test_client_order_ids_may_have_every_legal_character(floor: str, client: Any, name: str) -> None:
    placed = by_hand(floor, client, "POST", "/fapi/v1/order", {**LIMIT, "newClientOrderId": name}).json()
    assert placed["clientOrderId"] == name
    gone = by_hand(floor, client, "DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "origClientOrderId": name}).json()
    assert (gone["orderId"], gone["status"]) == (placed["orderId"], "CANCELED")


@pytest.mark.parametrize(("changed", "code"), [
    ({"algoType": None}, -1102), ({"algoType": "TWAP"}, -1130), ({"type": "LIMIT"}, -1116), ({"triggerPrice": None}, -1102),
    ({"triggerPrice": "-1"}, -4001), ({"triggerPrice": f"{LAST * 0.97:.3f}"}, -1111), ({"workingType": "GUESS"}, -1130),
    ({"closePosition": "true"}, -4136), ({"type": "STOP"}, -1102), ({"quantity": "0.001"}, -4164),
    ({"triggerPrice": f"{LAST * 1.1:.1f}"}, -2021), ({"clientAlgoId": "no spaces"}, -1100),
], ids=str)
def test_a_wrong_conditional_order_is_refused_with_the_code_that_says_why(
    floor: str, client: Any, changed: dict[str, str | None], code: int
) -> None:
    answer = by_hand(floor, client, "POST", "/fapi/v1/algoOrder", {**STOP, **changed})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(("method", "path", "sent", "code"), [
    ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT"}, -1102),
    ("GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "x"}, -1130),
    ("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "1"}, -2011), ("GET", "/fapi/v1/allOrders", {}, -1102),
    ("GET", "/fapi/v1/allOrders", {"symbol": "BTCUSDT", "limit": "1001"}, -1130),
    ("GET", "/fapi/v1/userTrades", {"symbol": "NOPE"}, -1121),
    ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
    ("DELETE", "/fapi/v1/allOpenOrders", {}, -1102), ("DELETE", "/fapi/v1/batchOrders", {"symbol": "BTCUSDT"}, -1102),
    ("POST", "/fapi/v1/batchOrders", {"batchOrders": "[]"}, -1130), ("POST", "/fapi/v1/batchOrders", {"batchOrders": "{"}, -1130),
    ("POST", "/fapi/v1/batchOrders", {"batchOrders": "[{},{},{},{},{},{}]"}, -4082),
    ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "0"}, -4028),
    ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "126"}, -4028),
    ("POST", "/fapi/v1/leverage", {"symbol": "BTCUSDT", "leverage": "2.5"}, -1130),
    ("POST", "/fapi/v1/marginType", {"symbol": "BTCUSDT", "marginType": "CROSSED"}, -4046),
    ("POST", "/fapi/v1/positionSide/dual", {"dualSidePosition": "false"}, -4059),
    ("POST", "/fapi/v1/multiAssetsMargin", {"multiAssetsMargin": "false"}, -4171),
    ("POST", "/fapi/v1/countdownCancelAll", {"symbol": "BTCUSDT"}, -1102),
    ("POST", "/fapi/v1/countdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": "-1"}, -1130),
    ("PUT", "/fapi/v1/order", {**LIMIT, "orderId": "1"}, -2013), ("GET", "/fapi/v1/algoOrder", {"algoId": "1"}, -2013),
    ("DELETE", "/fapi/v1/algoOrder", {"algoId": "1"}, -2011), ("GET", "/fapi/v1/forceOrders", {"autoCloseType": "X"}, -1130),
    ("GET", "/fapi/v3/positionRisk", {"symbol": "NOPE"}, -1121), ("GET", "/fapi/v1/commissionRate", {}, -1102),
], ids=str)
def test_a_wrong_signed_request_is_refused_with_the_code_that_says_why(
    floor: str, client: Any, method: str, path: str, sent: dict[str, str | None], code: int
) -> None:
    answer = by_hand(floor, client, method, path, sent)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(("path", "code"), [
    ("/fapi/v1/klines?symbol=BTCUSDT", -1102), ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", -1120),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1M", -1120), ("/fapi/v1/klines?symbol=BTC/USDT&interval=1m", -1121),
    *((f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit={n}", -1130) for n in ("0", "-1", "1501", "abc", "1.5", "1_0")),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=%C2%B2", -1130),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=yesterday", -1130),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&endTime=1e12", -1130),
    (f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={10**25}", -1130),
    ("/fapi/v1/continuousKlines?pair=BTCUSDT&contractType=CURRENT_QUARTER&interval=1m", -1130),
    ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", -4021), ("/fapi/v1/depth?symbol=BTCUSDT&limit=5000", -1130),
    ("/fapi/v1/depth?symbol=BTCUSDT&limit=%C2%B2", -1130), ("/fapi/v1/depth", -1102),
    ("/fapi/v1/trades?symbol=BTCUSDT&limit=1001", -1130), ("/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=x", -1130),
    ("/fapi/v1/historicalTrades?limit=5", -1102), ("/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1001", -1130),
    ("/fapi/v1/premiumIndex?symbol=NOPE", -1121), ("/fapi/v1/ticker/24hr?symbol=NOPE", -1121), ("/fapi/v1/openInterest", -1102),
    ("/futures/data/openInterestHist?symbol=BTCUSDT&period=1m", -1130),
    ("/futures/data/openInterestHist?symbol=BTCUSDT&period=5m&limit=501", -1130),
    ("/futures/data/openInterestHist?symbol=BTCUSDT", -1102), ("/futures/data/basis?pair=BTCUSDT&period=5m", -1102),
])
def test_a_wrong_public_request_is_refused_with_the_code_that_says_why(floor: str, path: str, code: int) -> None:
    answer = requests.get(floor + path, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/fapi/v1/nothing"), ("POST", "/fapi/v1/klines"), ("GET", "/fapi/v9/account"), ("GET", "/api/v3/account"),
    ("GET", "/"),
])
def test_an_unknown_path_or_method_is_not_found(floor: str, method: str, path: str) -> None:
    answer = requests.request(method, floor + path, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (404, -5000)


def test_parameters_in_the_body_and_split_between_query_and_body_are_signed_as_they_are_sent(floor: str, client: Any) -> None:
    headers, sent = {"X-MBX-APIKEY": client.apiKey}, {**LIMIT, "timestamp": int(time.time() * 1_000)}

    def signature(text: str) -> str:
        return hmac.new(client.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    body = urlencode(sent)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(
        floor + "/fapi/v1/order", data=f"{body}&signature={signature(body)}", headers=headers | form, timeout=20
    )
    assert answer.json()["status"] == "NEW"
    query, rest = urlencode({"symbol": "BTCUSDT"}), urlencode({k: v for k, v in sent.items() if k != "symbol"})
    answer = requests.post(
        f"{floor}/fapi/v1/order?{query}", data=f"{rest}&signature={signature(query + rest)}", headers=headers | form, timeout=20
    )
    assert answer.json()["status"] == "NEW"
    assert len(client.fetch_open_orders(BTC)) == 2
    client.cancel_all_orders(BTC)


@pytest.mark.parametrize("name", ["a:b", "a%3ab", "a%3Ab"])
def test_the_signature_covers_the_bytes_as_they_were_sent_however_they_are_quoted(floor: str, client: Any, name: str) -> None:
    query = urlencode(LIMIT) + f"&newClientOrderId={name}&timestamp={int(time.time() * 1_000)}"
    signature = hmac.new(client.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    connection = http.client.HTTPConnection(floor.removeprefix("http://"), timeout=20)
    connection.request("POST", f"/fapi/v1/order?{query}&signature={signature}", headers={"X-MBX-APIKEY": client.apiKey})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert (answer["status"], answer["clientOrderId"]) == ("NEW", "a:b")
    client.cancel_all_orders(BTC)


def test_no_more_orders_rest_than_the_filter_allows(floor: str) -> None:
    many = point(ccxt.binanceusdm(keys(*open_account(floor))), floor)
    def batch() -> list[dict[str, str]]:
        return [{**LIMIT, "quantity": "0.002"} for _ in range(5)]

    for _ in range(40):
        placed = many.fapiPrivatePostBatchOrders({"batchOrders": batch()})
        assert [o.get("status", o.get("code")) for o in placed] == ["NEW"] * 5
    with pytest.raises(ccxt.OperationRejected, match="-2025"):
        order(many)
    for i in range(10):
        many.fapiPrivatePostAlgoOrder({**STOP, "clientAlgoId": f"stop{i}"})
    with pytest.raises(ccxt.OperationRejected, match="-4045"):
        many.fapiPrivatePostAlgoOrder(STOP)
    many.fapiPrivateDeleteAllOpenOrders({"symbol": "BTCUSDT"})

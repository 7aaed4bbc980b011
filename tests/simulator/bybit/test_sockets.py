"""The protocol's sockets by hand: acknowledgements, snapshots, differences, bars, liquidations, private topics, faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.simulator.bybit.known import DAY, HOUR, MINUTE, START, Known
from tests.simulator.bybit.raw import LINEAR, call, code, result, sign_on
from tests.simulator.raw import fetch, get, post
from tests.venue_process import running_venue

PUBLIC, PRIVATE = "/v5/public/linear", "/v5/private"
Socket = aiohttp.ClientWebSocketResponse


@asynccontextmanager
async def opened(url: str, path: str, *topics: str, signed_on: bool = False) -> AsyncIterator[Socket]:
    """A socket with its topics acknowledged."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url.replace("http", "ws", 1) + path) as socket:
        if signed_on:
            await socket.send_json(sign_on())
            assert (await socket.receive_json(timeout=20))["success"] is True
        if topics:
            assert (await asked(socket, {"op": "subscribe", "args": list(topics), "req_id": "first"}))["success"] is True
        yield socket


async def asked(socket: Socket, request: dict[str, Any]) -> Any:
    """The answer to a request; what topics tell in between is passed over."""
    await socket.send_json(request)
    return await heard(socket, lambda m: "topic" not in m)


async def heard(socket: Socket, wanted: Callable[[Any], bool]) -> Any:
    """The next message of a kind."""
    async with asyncio.timeout(30):
        while True:
            message = await socket.receive_json()
            if wanted(message):
                return message


async def test_requests_are_acknowledged(still: str) -> None:
    async with opened(still, PUBLIC) as socket:
        answer = await asked(socket, {"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "a1"})
        number = answer.pop("conn_id")
        assert answer == {"success": True, "ret_msg": "subscribe", "req_id": "a1", "op": "subscribe"}
        pong = await asked(socket, {"op": "ping", "req_id": "a2"})
        assert pong == {"success": True, "ret_msg": "pong", "req_id": "a2", "op": "ping", "conn_id": number}
        left = await asked(socket, {"op": "unsubscribe", "args": ["tickers.BTCUSDT"], "req_id": "a3"})
        assert (left["success"], left["op"], left["req_id"]) == (True, "unsubscribe", "a3")


@pytest.mark.parametrize(("request_", "message"), [
    ({"op": "subscribe", "args": ["nothing.BTCUSDT"]}, "error:handler not found,topic:nothing.BTCUSDT"),
    ({"op": "subscribe", "args": ["kline.7.BTCUSDT"]}, "error:handler not found,topic:kline.7.BTCUSDT"),
    ({"op": "subscribe", "args": ["orderbook.20.BTCUSDT"]}, "error:handler not found,topic:orderbook.20.BTCUSDT"),
    ({"op": "subscribe", "args": ["publicTrade.NOPEUSDT"]}, "Invalid symbol :[publicTrade.NOPEUSDT]"),
    ({"op": "dance"}, "error:invalid op"),
    ({"op": "subscribe", "args": "tickers.BTCUSDT"}, "error:invalid op"),
])
async def test_what_cannot_be_done_is_told(still: str, request_: dict[str, Any], message: str) -> None:
    async with opened(still, PUBLIC) as socket:
        answer = await asked(socket, request_)
        assert (answer["success"], answer["ret_msg"], answer["request"]["op"]) == (False, message, request_["op"])


async def test_no_topic_of_a_list_is_joined_where_one_is_wrong(still: str) -> None:
    async with opened(still, PUBLIC) as socket:
        assert (await asked(socket, {"op": "subscribe", "args": ["tickers.BTCUSDT", "nothing.X"]}))["success"] is False
        await socket.send_json({"op": "ping"})
        assert (await socket.receive_json(timeout=20))["ret_msg"] == "pong"


async def test_a_book_is_a_snapshot_for_whoever_joins(still: str) -> None:
    book = result(still, "GET", "/v5/market/orderbook", {**LINEAR, "limit": 200}, sign=False)
    async with opened(still, PUBLIC, "orderbook.200.BTCUSDT") as first:
        snapshot = await heard(first, lambda m: m.get("topic") == "orderbook.200.BTCUSDT")
        assert snapshot["type"] == "snapshot"
        assert (snapshot["data"]["b"], snapshot["data"]["a"], snapshot["data"]["seq"]) == (book["b"], book["a"], book["seq"])
        async with opened(still, PUBLIC, "orderbook.200.BTCUSDT") as second:
            assert (await heard(second, lambda m: "topic" in m))["data"]["b"] == book["b"]


async def test_differences_lead_from_one_book_to_the_next(fast: str) -> None:
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    numbers: list[int] = []
    async with opened(fast, PUBLIC, "orderbook.50.ETHUSDT") as socket:
        for _ in range(60):
            message = await heard(socket, lambda m: "topic" in m)
            data = message["data"]
            for name, side in sides.items():
                if message["type"] == "snapshot":
                    side.clear()
                for price, quantity in data[name]:
                    assert message["type"] == "snapshot" or float(quantity) or price in side
                    side[price] = quantity
                sides[name] = {p: q for p, q in side.items() if float(q)}
            numbers.append(data["u"])
            assert (len(sides["b"]), len(sides["a"])) == (50, 50)
            assert max(map(float, sides["b"])) < min(map(float, sides["a"]))
    assert numbers == list(range(numbers[0], numbers[0] + 60))


async def test_bars_of_every_interval_are_streamed(still: str, known: Known) -> None:
    names = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
    async with opened(still, PUBLIC, *(f"kline.{name}.BTCUSDT" for name in names)) as socket:
        seen: dict[str, Any] = {}
        while len(seen) < len(names):
            message = await heard(socket, lambda m: "topic" in m)
            seen[message["data"][0]["interval"]] = message["data"][0]
    assert {name: bar["confirm"] for name, bar in seen.items()} == dict.fromkeys(names, False)
    assert (seen["1"]["start"], seen["1"]["end"]) == (known.now, known.now + MINUTE - 1)
    assert (seen["M"]["start"], seen["M"]["end"]) == (known.now - 2 * DAY, known.now + 29 * DAY - 1)
    assert seen["M"]["open"] == "95000.0"


async def test_months_turn() -> None:
    with running_venue(days=30, symbols="BTCUSDT", protocol="bybit") as url:
        async with opened(url, PUBLIC, "kline.M.BTCUSDT") as socket:
            running = (await heard(socket, lambda m: "topic" in m))["data"][0]
            post(url, "/control/clock", {"market_ms": running["end"] + 1 + HOUR})
            closed = (await heard(socket, lambda m: "topic" in m and m["data"][0]["confirm"]))["data"][0]
            begun = (await heard(socket, lambda m: "topic" in m and not m["data"][0]["confirm"]))["data"][0]
        month = result(url, "GET", "/v5/market/kline", {**LINEAR, "interval": "M"}, sign=False)["list"]
    assert (closed["start"], closed["end"]) == (running["start"], START + 31 * DAY - 1)
    assert (begun["start"], begun["open"]) == (START + 31 * DAY, closed["close"])
    assert [closed[name] for name in ("open", "high", "low", "close", "volume", "turnover")] == month[1][1:]


async def test_a_liquidation_of_an_account_is_told_with_the_side_of_its_position(own: str) -> None:
    assert post(own, "/control/accounts", {"api_key": "poor", "api_secret": "p", "balance": "20000"})[0] == 200
    how = {"key": "poor", "secret": "p"}
    assert code(own, "POST", "/v5/position/set-leverage", {**LINEAR, "buyLeverage": "50", "sellLeverage": "50"}, **how) == 0
    last = float(result(own, "GET", "/v5/market/tickers", LINEAR, sign=False)["list"][0]["lastPrice"])
    quantity = f"{900_000 / last:.3f}"
    result(own, "POST", "/v5/order/create", {**LINEAR, "side": "Sell", "orderType": "Market", "qty": quantity}, **how)
    async with opened(own, PUBLIC, "allLiquidation.BTCUSDT") as socket:
        told: list[Any] = []
        moved = get(own, "/control/clock")["market_ms"]
        while not (ledger := get(own, "/control/ledger?client=poor"))["liquidations"]:
            moved += 6 * HOUR
            assert post(own, "/control/clock", {"market_ms": moved})[0] == 200
        mine = ledger["liquidations"][0]
        while not any(row["T"] == mine["market_ms"] and row["S"] == "Sell" and row["v"] == quantity for row in told):
            message = await heard(socket, lambda m: m.get("topic") == "allLiquidation.BTCUSDT")
            assert (message["type"], set(message)) == ("snapshot", {"topic", "type", "ts", "data"})
            assert all(set(row) == {"T", "s", "S", "v", "p"} for row in message["data"])
            told += message["data"]
    sent = {"category": "linear", "execType": "BustTrade", "endTime": moved}
    rows = result(own, "GET", "/v5/execution/list", sent, **how)["list"]
    assert sum(float(row["execQty"]) for row in rows) == pytest.approx(float(quantity))
    assert result(own, "GET", "/v5/position/list", LINEAR, **how)["list"][0]["side"] == ""


async def test_a_private_socket_is_silent_until_it_has_signed_on(own: str) -> None:
    async with opened(own, PRIVATE) as socket:
        refused = await asked(socket, {"op": "subscribe", "args": ["order"]})
        assert (refused["success"], refused["ret_msg"]) == (False, "Request not authorized")
        for wrong in (sign_on(secret="wrong"), sign_on(key="nobody"), sign_on(seconds=-1), {"op": "auth", "args": []}):
            assert (await asked(socket, wrong))["success"] is False
        answer = await asked(socket, sign_on())
        assert (answer["success"], answer["op"], answer["ret_msg"]) == (True, "auth", "")
        assert (await asked(socket, {"op": "subscribe", "args": ["order", "execution.linear"]}))["success"] is True
        assert (await asked(socket, {"op": "ping", "req_id": "p"}))["op"] == "pong"


async def test_accounts_hear_only_of_themselves(own: str) -> None:
    assert post(own, "/control/accounts", {"api_key": "other", "api_secret": "o", "balance": "50000"})[0] == 200
    async with opened(own, PRIVATE, "order", "wallet", signed_on=True) as socket:
        order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01"}
        result(own, "POST", "/v5/order/create", order | {"orderLinkId": "theirs"}, key="other", secret="o")
        result(own, "POST", "/v5/order/create", order | {"orderLinkId": "mine"})
        message = await heard(socket, lambda m: m.get("topic") == "order")
        assert [row["orderLinkId"] for row in message["data"]] == ["mine"]
    wallet = result(own, "GET", "/v5/account/wallet-balance", {"accountType": "UNIFIED"}, key="other", secret="o")["list"][0]
    assert 49_999 < float(wallet["totalWalletBalance"]) < 50_000
    assert {a["api_key"] for a in get(own, "/control/accounts")} >= {"k", "other"}
    assert get(own, "/control/ledger?client=other")["accepts"] == {"theirs": 1}


async def test_what_an_account_rests_is_in_the_public_book(own: str) -> None:
    book = result(own, "GET", "/v5/market/orderbook", {**LINEAR, "limit": 1}, sign=False)
    bid, ask = float(book["b"][0][0]), float(book["a"][0][0])
    between = f"{bid + 0.1:.1f}"
    assert bid < float(between) < ask
    async with opened(own, PUBLIC, "orderbook.1.BTCUSDT") as socket:
        await heard(socket, lambda m: m.get("type") == "snapshot")
        order = result(own, "POST", "/v5/order/create", {
            **LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.123", "price": between, "timeInForce": "PostOnly",
        })
        delta = await heard(socket, lambda m: m.get("type") == "delta")
        assert [between, "0.123"] in delta["data"]["b"]
        result(own, "POST", "/v5/order/cancel", {**LINEAR, "orderId": order["orderId"]})
        back = await heard(socket, lambda m: m.get("type") == "delta")
        assert [between, "0.000"] in back["data"]["b"]
        assert book["b"][0] in back["data"]["b"]


async def test_faults_meet_its_paths_and_topics(own: str) -> None:
    opens = result(own, "GET", "/v5/market/kline", {**LINEAR, "interval": "60", "limit": 5}, sign=False)["list"]
    for fault in (
        {"kind": "missing_candle", "path": "/v5/market/kline", "candle_ms": int(opens[2][0])},
        {"kind": "http_error", "path": "/v5/account/info", "body": "limit_429", "client": "k"},
        {"kind": "refusal", "path": "/v5/user/query-api", "code": 10016, "message": "Server error.", "when": "before"},
        {"kind": "clock_skew", "delay_ms": 60_000, "client": "pybit-skewed"},
    ):
        assert post(own, "/control/faults", fault)[0] == 200
    try:
        left = result(own, "GET", "/v5/market/kline", {**LINEAR, "interval": "60", "limit": 5}, sign=False)["list"]
        assert left == opens[:2] + opens[3:]
        assert code(own, "GET", "/v5/account/info") == 10006
        assert code(own, "GET", "/v5/account/info") == 0
        assert code(own, "GET", "/v5/user/query-api") == 10016
        _, body = fetch(own + "/v5/market/time", headers={"User-Agent": "pybit-skewed"})
        plain = call(own, "GET", "/v5/market/time", sign=False)[2]["time"]
        assert json.loads(body)["time"] - plain == pytest.approx(60_000, abs=5_000)
        assert [strike["kind"] for strike in get(own, "/control/ledger")["faults"]][-4:] == [
            "missing_candle", "http_error", "refusal", "clock_skew",
        ]
    finally:
        fetch(own + "/control/faults", "DELETE")


async def test_a_revised_bar_and_a_gap_in_the_book_are_streamed(fast: str) -> None:
    post(fast, "/control/faults", {"kind": "revised_candle", "stream": "kline.1.BTCUSDT"})
    post(fast, "/control/faults", {"kind": "book_gap", "stream": "orderbook.50.BTCUSDT"})
    try:
        async with opened(fast, PUBLIC, "kline.1.BTCUSDT", "orderbook.50.BTCUSDT") as socket:
            bars: list[Any] = []
            numbers: list[int] = []
            while len(bars) < 2 or len(numbers) < 10:
                message = await heard(socket, lambda m: "topic" in m)
                if message["topic"].startswith("orderbook"):
                    numbers.append(message["data"]["u"])
                elif message["data"][0]["confirm"]:
                    bars.append(message["data"][0])
    finally:
        fetch(fast + "/control/faults", "DELETE")
    steps = [b - a for a, b in pairwise(numbers)]
    assert sorted(set(steps)) == [1, 2]
    assert steps.count(2) == 1
    asked_for = [{**LINEAR, "interval": "1", "start": b["start"], "limit": 1} for b in bars]
    told = [result(fast, "GET", "/v5/market/kline", sent, sign=False)["list"][0] for sent in asked_for]
    assert [bars[0]["close"] == told[0][4], bars[1]["close"] == told[1][4]] == [False, True]
    assert bars[0]["close"] in told[0][2:4]


async def test_a_silenced_account_hears_nothing(own: str) -> None:
    post(own, "/control/faults", {"kind": "silent_user_stream", "client": "k"})
    try:
        async with opened(own, PRIVATE, "order", signed_on=True) as socket:
            result(own, "POST", "/v5/order/create", {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01"})
            await socket.send_json({"op": "ping"})
            assert (await socket.receive_json(timeout=20))["op"] == "pong"
    finally:
        fetch(own + "/control/faults", "DELETE")


def test_the_venue_has_a_name_of_its_own_and_the_same_prices(still: str, known: Known) -> None:
    identity = get(still, "/control/identity")
    assert identity["venue"] == f"{known.market.identity}-bybit"
    assert identity["symbols"] == ["BTCUSDT", "ETHUSDT"]

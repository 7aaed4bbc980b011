"""Unmodified python-binance over TCP: its first steps, its sockets, and its manager that lives in a thread."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager, Client, ThreadedWebsocketManager
from binance.exceptions import BinanceAPIException

from tests.simulator.known import MINUTE, START, Known
from tests.simulator.pointing import open_account
from tests.simulator.raw import get


def build(url: str) -> Any:
    name, secret = open_account(url)
    client = Client(name, secret, ping=False)
    client.FUTURES_URL = url + "/fapi"
    return client


@pytest.fixture
async def manager(fast: str) -> AsyncIterator[Any]:
    """A socket manager with an account of its own; how long its sockets wait for a message once they are to close is one
    second."""
    client = AsyncClient(*open_account(fast))
    client.FUTURES_URL = fast + "/fapi"
    made = BinanceSocketManager(client)
    made.FSTREAM_URL = fast.replace("http", "ws", 1) + "/"
    yield made
    await client.close_connection()


async def heard(socket: Any, count: int = 1) -> list[dict[str, Any]]:
    """The first messages of a socket."""
    socket.TIMEOUT = 1
    async with asyncio.timeout(20), socket as messages:
        return [await messages.recv() for _ in range(count)]


def test_market_data(floor: str) -> None:
    client = build(floor)
    assert client.futures_ping() == {}
    assert [s["symbol"] for s in client.futures_exchange_info()["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    rows = client.futures_klines(symbol="BTCUSDT", interval="1m", startTime=START, limit=5)
    assert [[r[0], *(float(x) for x in r[1:6])] for r in rows] == Known("BTCUSDT", 2).candles(START, 5)
    assert len(rows[0]) == 12
    assert client.futures_mark_price(symbol="BTCUSDT")["markPrice"] == str(Known("BTCUSDT", 2).last())
    assert [r["fundingTime"] for r in client.futures_funding_rate(symbol="BTCUSDT")] == [
        START + i * 480 * MINUTE for i in range(1, 7)
    ]


def test_orders_stops_and_account(floor: str) -> None:
    client = build(floor)
    order = client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1", newOrderRespType="RESULT")
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.100")
    mark = float(client.futures_mark_price(symbol="BTCUSDT")["markPrice"])
    stop = client.futures_create_order(
        symbol="BTCUSDT", side="SELL", type="STOP_MARKET", quantity="0.1", stopPrice=f"{mark * 0.98:.1f}", reduceOnly="true"
    )
    assert (stop["algoStatus"], stop["orderType"]) == ("NEW", "STOP_MARKET")
    assert [o["algoId"] for o in client.futures_get_open_algo_orders(symbol="BTCUSDT")] == [stop["algoId"]]
    assert client.futures_cancel_algo_order(symbol="BTCUSDT", algoId=stop["algoId"])["msg"] == "success"
    position = client.futures_position_information(symbol="BTCUSDT")[0]
    assert position["positionAmt"] == "0.100"
    assert [t["orderId"] for t in client.futures_account_trades(symbol="BTCUSDT")] == [order["orderId"]]
    assert float(client.futures_account_balance()[0]["balance"]) == pytest.approx(100_000 - float(order["cumQuote"]) * 0.0005)
    with pytest.raises(BinanceAPIException) as refused:
        client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="99")
    assert (refused.value.code, refused.value.status_code) == (-2019, 400)


def test_settings_and_status_of_the_account(floor: str) -> None:
    client = build(floor)
    assert client.futures_change_leverage(symbol="ETHUSDT", leverage=11)["leverage"] == 11
    assert [c["leverage"] for c in client.futures_symbol_config(symbol="ETHUSDT")] == [11]
    assert client.futures_get_position_mode() == {"dualSidePosition": False}
    assert client.futures_get_multi_assets_mode() == {"multiAssetsMargin": False}
    assert client.futures_commission_rate(symbol="ETHUSDT")["makerCommissionRate"] == "0.0002"
    assert client.futures_account_config()["canTrade"] is True
    assert client.futures_api_trading_status()["indicators"] == {}
    assert client.futures_liquidation_orders() == []
    assert client.futures_adl_quantile_estimate() == []
    assert client.futures_leverage_bracket(symbol="ETHUSDT")[0]["brackets"][0]["initialLeverage"] == 125
    assert client.futures_income_history() == []
    account = client.futures_account()
    assert (account["totalWalletBalance"], account["availableBalance"]) == ("100000", "100000.00000000")


def test_a_listen_key_is_made_prolonged_and_closed(floor: str) -> None:
    client = build(floor)
    key = client.futures_stream_get_listen_key()
    assert client.futures_stream_get_listen_key() == key
    assert client.futures_stream_keepalive(key) in ({}, {"listenKey": key})
    assert client.futures_stream_close(key) == {}
    assert client.futures_stream_get_listen_key() != key


def test_the_constructor_pings_and_its_clock_is_the_venues(floor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "API_URL", floor + "/api")
    client = Client("k", "s")
    assert client.get_server_time()["serverTime"] == pytest.approx(get(floor, "/fapi/v1/time")["serverTime"], abs=2_000)


async def test_a_trade_that_is_told_is_the_one_that_is_fetched(fast: str, manager: Any) -> None:
    messages = await heard(manager.aggtrade_futures_socket("BTCUSDT"), 3)
    for message in messages:
        assert message["stream"] == "btcusdt@aggTrade"
        trade = message["data"]
        fetched = get(fast, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={trade['a']}&limit=1")[0]
        assert {name: trade[name] for name in fetched if name in trade} == {n: v for n, v in fetched.items() if n in trade}
        assert trade["p"] == fetched["p"]


def whole_book(data: dict[str, Any]) -> bool:
    """Ten levels a side that do not cross."""
    return len(data["b"]) == len(data["a"]) == 10 and float(data["b"][0][0]) < float(data["a"][0][0])


SOCKETS: list[tuple[str, Callable[[Any], Any], Callable[[Any], bool]]] = [
    ("bars of a contract", lambda m: m.kline_futures_socket("BTCUSDT"),
     lambda d: (d["e"], d["ps"], d["ct"], d["k"]["i"]) == ("continuous_kline", "BTCUSDT", "PERPETUAL", "1m")),
    ("best prices", lambda m: m.symbol_ticker_futures_socket("ETHUSDT"),
     lambda d: (d["e"], d["s"]) == ("bookTicker", "ETHUSDT") and float(d["b"]) < float(d["a"])),
    ("best prices of all", lambda m: m.all_ticker_futures_socket("!bookTicker"), lambda d: d["e"] == "bookTicker"),
    ("a day of a symbol", lambda m: m.individual_symbol_ticker_futures_socket("BTCUSDT"),
     lambda d: (d["e"], d["s"]) == ("24hrTicker", "BTCUSDT") and float(d["l"]) <= float(d["c"]) <= float(d["h"])),
    ("a day of all", lambda m: m.futures_ticker_socket(),
     lambda d: all(t["e"] == "24hrTicker" and t["s"].endswith("USDT") for t in d)),
    ("a part of the book", lambda m: m.futures_depth_socket("BTCUSDT", depth="10"), whole_book),
    ("several at once", lambda m: m.futures_multiplex_socket(["btcusdt@markPrice@1s", "ethusdt@kline_1m"]),
     lambda d: d["e"] in ("markPriceUpdate", "kline")),
]


@pytest.mark.parametrize(("open_socket", "holds"), [s[1:] for s in SOCKETS], ids=[s[0] for s in SOCKETS])
async def test_a_socket_says_what_it_is_asked_for(
    manager: Any, open_socket: Callable[[Any], Any], holds: Callable[[Any], bool]
) -> None:
    message = (await heard(open_socket(manager)))[0]
    data = message.get("data", message) if isinstance(message, dict) else message
    assert holds(data), message


async def test_the_user_socket_tells_an_order_from_its_acceptance_to_its_fill(manager: Any) -> None:
    socket = manager.futures_user_socket()
    socket.TIMEOUT = 1
    async with asyncio.timeout(20), socket as events:
        order = await manager._client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        heard = [await events.recv()]
        while heard[-1].get("o", {}).get("X") != "FILLED":
            heard.append(await events.recv())
    told = [e["o"] for e in heard if e["e"] == "ORDER_TRADE_UPDATE"]
    assert {o["i"] for o in told} == {order["orderId"]}
    assert [(o["x"], o["X"], o["z"]) for o in (told[0], told[-1])] == [("NEW", "NEW", "0.000"), ("TRADE", "FILLED", "0.100")]
    assert sum(float(o["l"]) for o in told) == pytest.approx(0.1)
    update = [e["a"] for e in heard if e["e"] == "ACCOUNT_UPDATE" and e["a"]["m"] == "ORDER"][-1]
    assert [(p["s"], p["pa"]) for p in update["P"]] == [("BTCUSDT", "0.100")]
    assert float(update["B"][0]["wb"]) == pytest.approx(100_000 - float(order["cumQuote"]) * 0.0005)


@pytest.fixture
def present_loop() -> Iterator[None]:
    """An event loop of this thread that does not run yet, as a script has it: the manager takes it into its own thread."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)


@pytest.mark.usefixtures("present_loop")
def test_the_manager_in_a_thread_passes_bars_to_its_callback(fast: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncClient, "API_URL", fast + "/api")
    monkeypatch.setattr(AsyncClient, "FUTURES_URL", fast + "/fapi")
    monkeypatch.setattr(BinanceSocketManager, "FSTREAM_URL", fast.replace("http", "ws", 1) + "/")
    told: queue.Queue[dict[str, Any]] = queue.Queue()
    manager = ThreadedWebsocketManager(*open_account(fast))
    manager.daemon = True  # it may outlive its stop
    manager.start()
    try:
        manager.start_futures_multiplex_socket(told.put, ["btcusdt@kline_1m", "ethusdt@aggTrade"])
        messages = [told.get(timeout=20) for _ in range(40)]
    finally:
        manager.stop()
        manager.join(timeout=10)
    assert {m["stream"] for m in messages} == {"btcusdt@kline_1m", "ethusdt@aggTrade"}
    closed = [m["data"]["k"] for m in messages if m["stream"].endswith("kline_1m") and m["data"]["k"]["x"]]
    for bar in closed:
        row = get(fast, f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={bar['t']}&limit=1")[0]
        assert row[:6] == [bar[name] for name in "tohlcv"]


async def test_the_asynchronous_client_reads_and_trades(floor: str) -> None:
    client = AsyncClient(*open_account(floor))
    client.FUTURES_URL = floor + "/fapi"
    try:
        rows = await client.futures_klines(symbol="ETHUSDT", interval="1h", startTime=START, limit=3)
        assert [[r[0], *(float(x) for x in r[1:6])] for r in rows] == Known("ETHUSDT", 2).candles(START, 3, 60)
        order = await client.futures_create_order(symbol="ETHUSDT", side="SELL", type="MARKET", quantity="1")
        position = (await client.futures_position_information(symbol="ETHUSDT"))[0]
        assert (position["positionAmt"], float(position["entryPrice"])) == ("-1.000", float(order["avgPrice"]))
    finally:
        await client.close_connection()

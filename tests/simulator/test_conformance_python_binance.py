"""Unmodified python-binance over TCP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

START = 1_735_689_600_000
MINUTE = 60_000


def build(url: str) -> Any:
    client = Client("k", "s", ping=False)
    client.FUTURES_URL = url + "/fapi"
    return client


def test_market_data(fresh: str) -> None:
    client = build(fresh)
    assert client.futures_ping() == {}
    assert [s["symbol"] for s in client.futures_exchange_info()["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    rows = client.futures_klines(symbol="BTCUSDT", interval="1m", startTime=START, limit=5)
    assert [r[0] for r in rows] == [START + i * MINUTE for i in range(5)]
    assert len(rows[0]) == 12
    book = client.futures_order_book(symbol="BTCUSDT", limit=5)
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert client.futures_mark_price(symbol="BTCUSDT")["symbol"] == "BTCUSDT"
    assert len(client.futures_funding_rate(symbol="BTCUSDT")) == 3


def test_orders_stops_and_account(fresh: str) -> None:
    client = build(fresh)
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
    assert float(client.futures_account_balance()[0]["balance"]) < 100_000
    with pytest.raises(BinanceAPIException) as refused:
        client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="99")
    assert refused.value.code == -2019


async def test_market_and_user_sockets(fast: str) -> None:
    client = AsyncClient("k", "s")
    client.FUTURES_URL = fast + "/fapi"
    manager = BinanceSocketManager(client)
    manager.FSTREAM_URL = fast.replace("http", "ws", 1) + "/"
    try:
        async with asyncio.timeout(30):
            async with manager.aggtrade_futures_socket("BTCUSDT") as trades:
                message = await trades.recv()
            assert message["data"]["s"] == "BTCUSDT"
            async with manager.futures_user_socket() as events:
                order = await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
                heard = [await events.recv() for _ in range(3)]
        assert {e["e"] for e in heard} == {"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"}
        assert heard[-1]["o"]["i"] == order["orderId"]
        assert heard[-1]["o"]["X"] == "FILLED"
    finally:
        await client.close_connection()

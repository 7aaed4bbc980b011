"""Unmodified ccxt.pro over TCP: streams and the user stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest

from tests.simulator.pointing import BTC, ETH, keys, point

MINUTE = 60_000


@pytest.fixture
async def client(fast: str) -> AsyncIterator[Any]:
    """A pro client, closed afterwards."""
    exchange = point(ccxt.pro.binanceusdm(keys()), fast)
    await exchange.load_markets()
    yield exchange
    await exchange.close()


async def test_watched_candles_equal_the_fetched_ones(client: Any) -> None:
    seen: dict[int, list[float]] = {}
    async with asyncio.timeout(20):
        while len(seen) < 12:
            for candle in await client.watch_ohlcv(BTC, "1m"):
                seen[candle[0]] = candle
    opens = sorted(seen)
    assert opens == [opens[0] + i * MINUTE for i in range(len(opens))]
    complete = opens[:-1]
    fetched = await client.fetch_ohlcv(BTC, "1m", since=complete[0], limit=len(complete))
    assert [seen[t] for t in complete] == fetched


async def test_watched_trades_equal_the_fetched_ones(client: Any) -> None:
    async with asyncio.timeout(20):
        trades = await client.watch_trades(ETH)
    fetched = await client.fetch_trades(ETH, params={"fromId": trades[0]["id"]}, limit=len(trades))
    assert [(t["id"], t["price"], t["amount"], t["side"]) for t in trades] == [
        (t["id"], t["price"], t["amount"], t["side"]) for t in fetched
    ]


async def test_the_watched_book_stays_in_step_and_never_crosses(client: Any) -> None:
    async with asyncio.timeout(20):
        for _ in range(15):
            book = await client.watch_order_book(BTC)
            assert book["bids"][0][0] < book["asks"][0][0]


async def test_best_prices_and_marks_are_watched(client: Any) -> None:
    async with asyncio.timeout(20):
        best = (await client.watch_bids_asks([BTC]))[BTC]
        mark = await client.watch_mark_price(BTC)
    assert best["bid"] < best["ask"]
    assert mark["markPrice"] == pytest.approx(best["bid"], rel=0.05)


async def test_own_orders_trades_positions_and_balance_are_watched(client: Any) -> None:
    await client.watch_positions([ETH])  # answers with the positions so far; the next call with the next change
    watchers = {
        name: asyncio.create_task(getattr(client, name)(*arguments))
        for name, arguments in (
            ("watch_orders", (ETH,)), ("watch_my_trades", (ETH,)), ("watch_positions", ([ETH],)), ("watch_balance", ()),
        )
    }
    await asyncio.sleep(1.0)
    order = await client.create_order(ETH, "market", "buy", 1, None, {"newClientOrderId": "watched"})
    async with asyncio.timeout(20):
        heard = {name: await task for name, task in watchers.items()}
        while heard["watch_orders"][-1]["status"] != "closed":
            heard["watch_orders"] = await client.watch_orders(ETH)
    assert heard["watch_orders"][-1]["clientOrderId"] == "watched"
    assert heard["watch_my_trades"][-1]["order"] == order["id"]
    assert heard["watch_my_trades"][-1]["fee"]["cost"] == pytest.approx(heard["watch_my_trades"][-1]["cost"] * 0.0005)
    assert heard["watch_positions"][-1]["contracts"] == 1.0
    assert heard["watch_balance"]["USDT"]["total"] < 100_000

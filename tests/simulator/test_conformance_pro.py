"""Unmodified ccxt.pro over TCP: streams and the user stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest

from tests.simulator.pointing import BTC, ETH, keys, point
from tests.simulator.watching import watch_an_order_of_one

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
    order, heard = await watch_an_order_of_one(client, ETH, "watched")
    assert heard["watch_orders"][-1]["clientOrderId"] == "watched"
    assert heard["watch_my_trades"][-1]["order"] == order["id"]
    assert heard["watch_my_trades"][-1]["fee"]["cost"] == pytest.approx(heard["watch_my_trades"][-1]["cost"] * 0.0005)
    assert heard["watch_positions"][-1]["contracts"] == 1.0
    assert heard["watch_balance"]["USDT"]["total"] < 100_000


async def test_a_watched_ticker_sums_up_the_day_of_its_symbol(client: Any) -> None:
    async with asyncio.timeout(20):
        ticker = await client.watch_ticker(BTC)
    assert ticker["symbol"] == BTC
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["change"] == pytest.approx(ticker["last"] - ticker["open"])


async def test_several_symbols_are_watched_at_once(client: Any) -> None:
    async with asyncio.timeout(30):
        seen: set[str] = set()
        while len(seen) < 2:
            seen |= {t["symbol"] for t in await client.watch_trades_for_symbols([BTC, ETH])}
        bars: dict[str, Any] = {}
        while len(bars) < 2:
            bars |= await client.watch_ohlcv_for_symbols([[BTC, "1m"], [ETH, "5m"]])
        books = {(await client.watch_order_book_for_symbols([BTC, ETH]))["symbol"] for _ in range(10)}
        best = await client.watch_bids_asks([BTC, ETH])
    assert seen == {BTC, ETH}
    assert {(symbol, *intervals) for symbol, intervals in bars.items()} == {(BTC, "1m"), (ETH, "5m")}
    assert books <= {BTC, ETH}
    assert all(t["bid"] < t["ask"] for t in best.values())


async def test_a_watched_bar_of_five_minutes_is_the_fetched_one(client: Any) -> None:
    seen: dict[int, list[float]] = {}
    async with asyncio.timeout(20):
        while len(seen) < 4:
            for candle in await client.watch_ohlcv(ETH, "5m"):
                seen[candle[0]] = candle
    complete = sorted(seen)[:-1]
    assert [seen[t] for t in complete] == await client.fetch_ohlcv(ETH, "5m", since=complete[0], limit=len(complete))


async def test_a_cancelled_order_is_watched_to_its_end(client: Any) -> None:
    watching = asyncio.create_task(client.watch_orders(BTC))
    await asyncio.sleep(1.0)
    price = float(client.price_to_precision(BTC, (await client.fetch_ticker(BTC))["last"] * 0.96))
    placed = await client.create_order(BTC, "limit", "buy", 0.01, price, {"newClientOrderId": "passing"})
    await client.cancel_order(placed["id"], BTC)
    states = []
    async with asyncio.timeout(20):
        orders = await watching
        while True:
            states += [(o["clientOrderId"], o["status"]) for o in orders if o["id"] == placed["id"]]
            if states[-1][1] != "open":
                break
            orders = await client.watch_orders(BTC)
    assert states[-1] == ("passing", "canceled")


async def test_unwatched_streams_are_told_no_more(client: Any) -> None:
    async with asyncio.timeout(20):
        await client.watch_trades(BTC)
        await client.un_watch_trades(BTC)
    assert BTC not in client.trades

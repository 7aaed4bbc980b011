"""Unmodified ccxt.pro for Bybit over TCP: public and private topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest

from tests.simulator.bybit.known import HOUR, MINUTE, Known, known_market
from tests.simulator.bybit.pointing import BTC, ETH, keys, point
from tests.simulator.raw import post
from tests.simulator.watching import watch_an_order_of_one


@pytest.fixture(scope="module")
def day() -> Known:
    """The market of the fast venue, which goes on from the end of its first day."""
    return known_market(days=1)


@pytest.fixture
async def client(fast: str) -> AsyncIterator[Any]:
    """A pro client, closed afterwards."""
    exchange = point(ccxt.pro.bybit(keys()), fast)
    await exchange.load_markets()
    yield exchange
    await exchange.close()


def row_of(day: Known, symbol: str, opened: int) -> int:
    """Row of a minute."""
    return day.listed(symbol).bars.row_at(opened)


async def test_watched_candles_equal_the_market_and_the_fetched_ones(client: Any, day: Known) -> None:
    seen: dict[int, list[float]] = {}
    async with asyncio.timeout(20):
        while len(seen) < 12:
            for candle in await client.watch_ohlcv(BTC, "1m"):
                seen[candle[0]] = candle
    opens = sorted(seen)
    assert opens == [opens[0] + i * MINUTE for i in range(len(opens))]
    complete = opens[:-1]
    assert [seen[t] for t in complete] == day.candles("BTCUSDT", "1m", row_of(day, "BTCUSDT", complete[0]), len(complete))
    assert [seen[t] for t in complete] == await client.fetch_ohlcv(BTC, "1m", since=complete[0], limit=len(complete))


async def test_watched_hours_turn_with_their_last_minute(client: Any, day: Known) -> None:
    seen: dict[int, list[float]] = {}
    async with asyncio.timeout(30):
        while len(seen) < 3:
            for candle in await client.watch_ohlcv(ETH, "1h"):
                seen[candle[0]] = candle
    second = sorted(seen)[1]
    hours = day.history("ETHUSDT").series("1h").rows[:, 0].tolist()
    assert seen[second] == day.candles("ETHUSDT", "1h", hours.index(second), 1)[0]


async def test_every_trade_of_a_minute_is_watched(client: Any, day: Known) -> None:
    seen: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(20):
        while not seen or max(t["timestamp"] for t in seen.values()) - min(t["timestamp"] for t in seen.values()) < 3 * MINUTE:
            seen |= {t["id"]: t for t in await client.watch_trades(ETH)}
    trades = sorted(seen.values(), key=lambda t: t["timestamp"])
    opened = (trades[0]["timestamp"] // MINUTE + 1) * MINUTE
    minute = [t for t in trades if opened <= t["timestamp"] < opened + MINUTE]
    row = row_of(day, "ETHUSDT", opened)
    tape, instrument = day.history("ETHUSDT").tape(row), day.listed("ETHUSDT").instrument
    assert [(t["price"], t["amount"], t["side"]) for t in minute] == [
        (float(instrument.price(int(p))), float(instrument.quantity(int(q))), "buy" if b else "sell")
        for p, q, b in zip(tape.price, tape.lots, tape.buyer, strict=True)
    ]


async def test_the_watched_book_stays_in_step_and_never_crosses(client: Any) -> None:
    async with asyncio.timeout(20):
        for _ in range(30):
            book = await client.watch_order_book(BTC, 50)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (len(book["bids"]), len(book["asks"])) == (50, 50)


async def test_best_prices_are_watched(client: Any) -> None:
    async with asyncio.timeout(20):
        best = (await client.watch_bids_asks([BTC]))[BTC]
    assert best["bid"] < best["ask"] <= best["bid"] * 1.001


async def test_the_watched_ticker_is_kept_whole_by_its_differences(client: Any) -> None:
    async with asyncio.timeout(20):
        tickers = [await client.watch_ticker(BTC) for _ in range(8)]
    assert len({t["last"] for t in tickers}) > 1
    for ticker in tickers:
        assert ticker["bid"] < ticker["ask"]
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        assert float(ticker["info"]["nextFundingTime"]) % (8 * HOUR) == 0


async def test_own_orders_trades_positions_and_balance_are_watched(client: Any) -> None:
    order, heard = await watch_an_order_of_one(client, ETH, "watched")
    told = heard["watch_orders"][-1]
    assert (told["id"], told["clientOrderId"], told["filled"], told["remaining"]) == (order["id"], "watched", 1.0, 0.0)
    trade = heard["watch_my_trades"][-1]
    assert (trade["order"], trade["amount"], trade["side"], trade["takerOrMaker"]) == (order["id"], 1.0, "buy", "taker")
    assert trade["fee"]["cost"] == pytest.approx(trade["cost"] * 0.0005)
    position = heard["watch_positions"][-1]
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 1.0, trade["price"])
    assert float(heard["watch_balance"]["info"][0]["totalWalletBalance"]) == pytest.approx(100_000 - trade["fee"]["cost"])


async def test_a_conditional_order_is_watched_until_it_is_filled(client: Any, fast: str) -> None:
    first = asyncio.create_task(client.watch_orders(BTC))
    await asyncio.sleep(1.0)
    post(fast, "/control/clock", {"speed": 0})  # else the price may be past the trigger before the order is there
    last = (await client.fetch_ticker(BTC))["last"]
    trigger = float(client.price_to_precision(BTC, last * 1.0005))
    order = await client.create_order(BTC, "market", "buy", 0.1, None, {"triggerPrice": trigger, "triggerDirection": "ascending"})
    post(fast, "/control/clock", {"speed": 720})
    statuses: list[str] = []
    async with asyncio.timeout(60):
        heard = await first
        while "Filled" not in statuses:
            statuses += [o["info"]["orderStatus"] for o in heard if o["id"] == order["id"]]
            heard = await client.watch_orders(BTC) if "Filled" not in statuses else heard
    assert statuses[0] == "Untriggered"
    assert statuses[-1] == "Filled"
    await client.create_order(BTC, "market", "sell", 0.1, None, {"reduceOnly": True})


async def test_liquidations_of_others_are_watched_as_sides_of_positions(client: Any, day: Known) -> None:
    forced = day.listed("BTCUSDT").liquidations
    assert forced is not None
    instrument = day.listed("BTCUSDT").instrument
    all_of_them = {
        (int(forced.ts_ms[i]), "buy" if forced.long[i] else "sell", float(instrument.price(int(forced.price_ticks[i]))),
         float(instrument.quantity(int(forced.lots[i]))))
        for i in range(len(forced))
    }
    async with asyncio.timeout(120):
        heard = await client.watch_liquidations(BTC)
    told = [(q["timestamp"], q["side"], q["price"], q["contracts"]) for q in heard]
    assert told
    assert set(told) <= all_of_them


async def test_a_wrong_sign_on_is_told(fast: str) -> None:
    stranger = point(ccxt.pro.bybit(keys(secret="wrong")), fast)
    try:
        stranger.options |= {"enableUnifiedMargin": False, "enableUnifiedAccount": True}
        with pytest.raises(ccxt.AuthenticationError):
            await asyncio.wait_for(stranger.watch_orders(), 20)
    finally:
        await stranger.close()

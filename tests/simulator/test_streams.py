"""What is streamed is what is fetched afterwards: bars, trades and books, with a market far faster than the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.simulator.raw import fetch, get, post, signed
from tests.venue_process import running_venue

MINUTE = 60_000


async def listen(
    url: str, path: str, subscribe: list[str] | None = None, *, ready: asyncio.Event | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Messages of a socket; the answer to SUBSCRIBE is checked and left out. `ready` is set once it is connected."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url.replace("http", "ws", 1) + path) as socket:
        if ready:
            ready.set()
        if subscribe:
            await socket.send_json({"method": "SUBSCRIBE", "params": subscribe, "id": 1})
            assert await socket.receive_json() == {"result": None, "id": 1}
        async for message in socket:
            yield json.loads(message.data)


async def collect(source: AsyncIterator[dict[str, Any]], enough: int, seconds: float = 20.0) -> list[dict[str, Any]]:
    """The first `enough` messages."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(seconds):
        async for message in source:
            found.append(message)
            if len(found) >= enough:
                break
    return found


async def test_streamed_bars_follow_without_a_hole_and_equal_the_fetched_ones(fast: str) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    messages = await collect(listen(fast, "/market/ws", [f"{s.lower()}@kline_1m" for s in symbols]), 240)
    for symbol in symbols:
        bars = [m["k"] for m in messages if m["s"] == symbol]
        closed = [b for b in bars if b["x"]]
        opens = [b["t"] for b in closed]
        assert len(opens) > 20
        assert opens == [opens[0] + i * MINUTE for i in range(len(opens))]
        fetched = get(fast, f"/fapi/v1/klines?symbol={symbol}&interval=1m&startTime={opens[0]}&limit={len(opens)}")
        streamed = [[b["t"], b["o"], b["h"], b["l"], b["c"], b["v"], b["T"], b["q"], b["n"], b["V"], b["Q"], "0"] for b in closed]
        assert streamed == fetched
        for before, after in pairwise(bars):
            assert after["t"] == (before["t"] + MINUTE if before["x"] else before["t"])


async def test_a_new_bar_begins_directly_after_the_end_of_the_one_before(fast: str) -> None:
    messages = await collect(listen(fast, "/ws/btcusdt@kline_1m"), 60)
    ends = [i for i, m in enumerate(messages[:-1]) if m["k"]["x"]]
    assert len(ends) > 10
    for i in ends:
        first = messages[i + 1]["k"]
        assert (first["x"], first["o"], first["n"]) == (False, first["c"], 1)
        assert messages[i + 1]["E"] == first["t"] == messages[i]["k"]["T"] + 1


async def test_longer_bars_close_when_their_last_minute_does(fast: str) -> None:
    messages = await collect(listen(fast, "/market/ws", ["ethusdt@kline_5m"]), 30)
    closed = [m["k"] for m in messages if m["k"]["x"]]
    assert len(closed) >= 3
    fetched = get(fast, f"/fapi/v1/klines?symbol=ETHUSDT&interval=5m&startTime={closed[0]['t']}&limit={len(closed)}")
    assert [[b["t"], b["o"], b["h"], b["l"], b["c"], b["v"]] for b in closed] == [row[:6] for row in fetched]


async def test_streamed_trades_equal_the_fetched_ones(fast: str) -> None:
    messages = await collect(listen(fast, "/market/stream?streams=solusdt@aggTrade"), 150)
    assert {m["stream"] for m in messages} == {"solusdt@aggTrade"}
    trades = [m["data"] for m in messages]
    fetched = get(fast, f"/fapi/v1/aggTrades?symbol=SOLUSDT&fromId={trades[0]['a']}&limit=150")
    assert [(t["a"], t["p"], t["q"], t["T"], t["m"]) for t in trades] == [
        (t["a"], t["p"], t["q"], t["T"], t["m"]) for t in fetched
    ]


async def test_book_differences_join_up(fast: str) -> None:
    events = await collect(listen(fast, "/public/ws", ["btcusdt@depth@100ms"]), 10)
    for before, after in pairwise(events):
        assert after["pu"] == before["u"]
        assert after["U"] <= after["u"]


async def test_partial_books_tickers_and_marks_are_streamed(fast: str) -> None:
    names = ["btcusdt@depth5", "btcusdt@bookTicker", "btcusdt@markPrice@1s", "btcusdt@trade"]
    messages = await collect(listen(fast, "/ws", names), 120)
    by_kind = {m["e"]: m for m in messages}
    assert set(by_kind) == {"depthUpdate", "bookTicker", "markPriceUpdate", "trade"}
    assert len(by_kind["depthUpdate"]["b"]) == 5
    assert float(by_kind["bookTicker"]["b"]) < float(by_kind["bookTicker"]["a"])
    assert by_kind["markPriceUpdate"]["T"] % 28_800_000 == 0


async def test_unsubscribed_streams_fall_silent_and_unknown_ones_are_refused(fast: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(fast.replace("http", "ws", 1) + "/ws") as socket:
        async def ask(method: str, *params: str) -> Any:
            await socket.send_json({"method": method, "params": list(params), "id": 7})
            while True:
                answer = await socket.receive_json(timeout=10)
                if answer.get("id") == 7:
                    return answer

        assert (await ask("SUBSCRIBE", "btcusdt@trade"))["result"] is None
        assert (await ask("LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade"]
        assert (await ask("UNSUBSCRIBE", "btcusdt@trade"))["result"] is None
        with pytest.raises(TimeoutError):
            await socket.receive_json(timeout=0.5)
        for wrong in ("nope@trade", "btcusdt@magic", "btcusdt@kline_7m"):
            assert (await ask("SUBSCRIBE", wrong))["error"]["code"] == 2
        await socket.send_str("not json")
        assert (await socket.receive_json(timeout=10))["error"]["code"] == 3


async def test_a_jump_of_the_market_clock_leaves_no_bar_out() -> None:
    with running_venue(days=1, symbols="BTCUSDT") as url:
        now = get(url, "/control/clock")["market_ms"]
        source = listen(url, "/market/ws", ["btcusdt@kline_1m"])
        first = await anext(source)
        assert first["k"]["t"] == now
        await asyncio.to_thread(post, url, "/control/clock", {"market_ms": now + 600 * MINUTE})
        closed = [m["k"]["t"] for m in await collect(source, 1_200) if m["k"]["x"]]
        assert closed == [now + i * MINUTE for i in range(600)]


async def test_a_private_socket_needs_a_listen_key(fast: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await collect(listen(fast, "/private/ws?listenKey=wrong"), 1)


async def test_a_silent_user_stream_stays_connected_and_says_nothing(fresh: str) -> None:
    status, body = fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})
    assert status == 200
    path, ready = f"/private/ws?listenKey={json.loads(body)['listenKey']}", asyncio.Event()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}

    async def send() -> None:
        await ready.wait()
        assert (await asyncio.to_thread(signed, fresh, "POST", "/fapi/v1/order", **order))[0] == 200

    sending = asyncio.create_task(send())
    events = await collect(listen(fresh, path, ready=ready), 4)
    await sending
    assert [e["e"] for e in events] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE"]
    assert post(fresh, "/control/faults", {"kind": "silent_user_stream"})[0] == 200
    ready.clear()
    sending = asyncio.create_task(send())
    with pytest.raises(TimeoutError):
        await collect(listen(fresh, path, ready=ready), 1, seconds=1.5)
    await sending

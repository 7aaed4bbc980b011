"""What Binance USD-M told on 2021-07-22, served again over HTTP and a WebSocket to the parts that read it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from huracan_platform.clock import ManualClock, SystemClock
from huracan_platform.contracts.market import ClosedBar
from huracan_platform.settings import Settings, VenueSettings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.live_feed import LiveFeed
from huracan_platform.venues.retry import ReadRetry
from huracan_platform.venues.wires import WIRES
from huracan_platform.venues.wires.contracts import Contract
from tests.recorded import recording

FOLDER = "payloads/BINANCE_FUTURES"
OPENED = 1_626_992_700_000  # of the minute that closed while it was recorded
SYMBOLS = {"SUSHIUSDT": "SUSHI/USDT:USDT", "CTKUSDT": "CTK/USDT:USDT", "AKROUSDT": "AKRO/USDT:USDT", "KEEPUSDT": "KEEP/USDT:USDT"}


@cache
def exchange_info() -> str:
    first = recording(f"{FOLDER}.0").read_text().partition("\n")[0]
    return first.partition(": ")[2]


@cache
def kline_frames() -> tuple[dict[str, Any], ...]:
    found = []
    for line in recording(f"{FOLDER}.ws.1.0").read_text().splitlines():
        _, _, text = line.partition(": ")
        if text.startswith("{") and "@kline_1m" in text:
            found.append(json.loads(text)["data"])
    return tuple(found)


@asynccontextmanager
async def served() -> AsyncIterator[Settings]:
    """The recording under the venue's paths: rules over REST, frames over the socket; REST has no bars."""
    async def rules(_request: web.Request) -> web.Response:
        return web.Response(text=exchange_info(), content_type="application/json")

    async def klines(_request: web.Request) -> web.Response:
        return web.json_response([])

    async def time(_request: web.Request) -> web.Response:
        return web.json_response({"serverTime": SystemClock().wire_ms()})

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_json({"result": None, "id": json.loads(message.data).get("id")})
            for frame in kline_frames():
                await socket.send_json(frame)
        return socket

    app = web.Application()
    app.add_routes([
        web.get("/fapi/v1/exchangeInfo", rules), web.get("/fapi/v1/klines", klines), web.get("/fapi/v1/time", time),
        web.get("/market/ws{rest:.*}", stream),
    ])
    server = TestServer(app)
    await server.start_server()
    try:
        yield Settings(venue=VenueSettings(url=str(server.make_url("/")).rstrip("/"), rate_limit=False))
    finally:
        await server.close()


@pytest.fixture(scope="module")
def catalogue() -> list[Contract]:
    """The recorded rules as the wire reads them."""
    async def read() -> list[Contract]:
        async with served() as settings:
            wire = WIRES["binanceusdm"](build_client(settings), ReadRetry(1))
            return await asyncio.to_thread(wire.contracts, "recorded")

    return asyncio.run(read())


def test_every_perpetual_of_the_recorded_rules_is_read_and_no_quarterly_one(catalogue) -> None:
    assert Counter(one.listed.symbol.partition("/")[2] for one in catalogue) == {"USDT:USDT": 118, "BUSD:BUSD": 2}
    assert Counter(one.listed.status for one in catalogue) == {"trading": 119, "pending": 1}
    assert not [one.market_id for one in catalogue if "_" in one.market_id]
    assert {one.listed.delisted_ms for one in catalogue} == {None}


def test_one_of_them_value_by_value(catalogue) -> None:
    btc = next(one for one in catalogue if one.market_id == "BTCUSDT").listed
    assert (btc.symbol, btc.status, btc.listed_ms) == ("BTC/USDT:USDT", "trading", 1_569_398_400_000)
    told = btc.instrument
    assert (told.tick_size, told.lot_size, told.min_quantity) == (Decimal("0.01"), Decimal("0.001"), Decimal("0.001"))
    assert (told.min_notional, told.max_quantity, told.venue) == (Decimal(5), Decimal(1000), "recorded")
    pending = next(one for one in catalogue if one.listed.status == "pending")
    assert (pending.market_id, pending.listed.symbol) == ("BTCSTUSDT", "BTCST/USDT:USDT")


def test_all_of_them_as_ccxt_reads_the_same_answer(catalogue) -> None:
    client = build_client(Settings())
    parsed = {m["id"]: m for m in client.parse_markets(json.loads(exchange_info())["symbols"]) if m["swap"]}
    assert {one.market_id for one in catalogue} == set(parsed)
    for one in catalogue:
        market, told = parsed[one.market_id], one.listed.instrument
        assert (one.listed.symbol, one.listed.listed_ms) == (market["symbol"], market["created"])
        assert float(told.tick_size) == market["precision"]["price"]
        assert float(told.lot_size) == market["precision"]["amount"]
        limits = market["limits"]
        assert (float(told.min_quantity), float(told.max_quantity)) == (limits["amount"]["min"], limits["amount"]["max"])
        assert float(told.min_notional) == limits["cost"]["min"]


async def test_the_bars_that_closed_in_the_recorded_stream_are_handed_on_once_each() -> None:
    assert len(kline_frames()) == 67
    clock = ManualClock(OPENED + 30_000)
    async with served() as settings:
        feed = LiveFeed(
            build_client(settings, "market", "pro"), clock, dict.fromkeys(SYMBOLS.values(), OPENED), settle_ms=2_000,
        )
        await feed.start()
        bars: dict[str, ClosedBar] = {}
        try:
            for _ in range(50):
                for bar in await feed.next_bars(0.2):
                    assert bar.symbol not in bars, "twice"
                    bars[bar.symbol] = bar
                if len(bars) == len(SYMBOLS):
                    break
        finally:
            await feed.close()
    assert len(feed.take_delays()) == len(SYMBOLS)
    assert {bar.ts_ms for bar in bars.values()} == {OPENED}
    assert {symbol: bar.values for symbol, bar in bars.items()} == {
        "SUSHI/USDT:USDT": (7.608, 7.618, 7.607, 7.617, 3005.0),
        "CTK/USDT:USDT": (1.01, 1.012, 1.01, 1.012, 11074.0),
        "AKRO/USDT:USDT": (0.01731, 0.01733, 0.01731, 0.01733, 235736.0),
        "KEEP/USDT:USDT": (0.2463, 0.2466, 0.2458, 0.2466, 8464.0),
    }

"""The streams beside bars, trades and books: all-symbol ones, liquidations, expired listen keys, balance changes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.problems import VenueRefusal
from huracan_platform.simulator.streams import MarketStreams
from huracan_platform.simulator.subscriptions import read_stream
from huracan_platform.simulator.user_stream import LISTEN_KEY_MS, ListenKeys, UserEvents
from tests.simulator.markets import WIRE_MS, Floor, flat, listed, open_floor
from tests.simulator.raw import fetch, get, post, signed
from tests.simulator.test_margin import PRICE, fall, leveraged
from tests.simulator.test_streams import MINUTE, collect, listen

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


async def test_continuous_klines_are_those_of_the_perpetual(fast: str) -> None:
    messages = await collect(listen(fast, "/market/ws", ["btcusdt_perpetual@continuousKline_1m"]), 60)
    assert {(m["e"], m["ps"], m["ct"]) for m in messages} == {("continuous_kline", "BTCUSDT", "PERPETUAL")}
    bars = [m["k"] for m in messages if m["k"]["x"]]
    assert [b["t"] for b in bars] == [bars[0]["t"] + i * MINUTE for i in range(len(bars))]
    path = f"continuousKlines?pair=BTCUSDT&contractType=PERPETUAL&interval=1m&startTime={bars[0]['t']}&limit={len(bars)}"
    fetched = get(fast, f"/fapi/v1/{path}")
    assert [[b["t"], b["o"], b["h"], b["l"], b["c"], b["v"]] for b in bars] == [row[:6] for row in fetched]


async def test_one_mark_stream_tells_of_every_symbol_each_second(fast: str) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    messages: list[Any] = await collect(listen(fast, "/market/stream?streams=!markPrice@arr@1s"), 3)
    assert 1.5 < loop.time() - began < 6
    assert {m["stream"] for m in messages} == {"!markPrice@arr@1s"}
    for message in messages:
        assert tuple(row["s"] for row in message["data"]) == SYMBOLS
        assert {row["e"] for row in message["data"]} == {"markPriceUpdate"}


async def test_one_ticker_stream_tells_of_every_book_that_moved(fast: str) -> None:
    messages = await collect(listen(fast, "/public/ws/!bookTicker"), 40)
    assert {m["s"] for m in messages} == set(SYMBOLS)
    for symbol in SYMBOLS:
        updates = [m["u"] for m in messages if m["s"] == symbol]
        assert updates == sorted(set(updates))
    assert all(float(m["b"]) < float(m["a"]) for m in messages)


@pytest.mark.parametrize("text", ["!magic", "!markPrice@arr@2s", "btcusdt@continuousKline_1m", "btcusdt_perpetual@kline_1m",
                                  "btcusdt@forceOrder@1s", "btcusdt_perpetual@continuousKline_7m"])
def test_streams_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(VenueRefusal):
        read_stream(text, SYMBOLS)


def overheard(floor: Floor, *names: str) -> tuple[MarketStreams, list[tuple[str, Any]]]:
    """Streams over a floor, and what their listener hears of the named ones."""
    streams, heard = MarketStreams(floor.venue, floor.matching), []
    for name in names:
        streams.subscribe(read_stream(name, floor.venue.symbols), lambda n, message: heard.append((n, orjson.loads(message))))
    return streams, heard


def test_a_liquidation_is_told_as_a_force_order_at_most_once_a_second_for_a_symbol() -> None:
    floor = leveraged(fall(PRICE - 70_000))
    streams, heard = overheard(floor, "btcusdt@forceOrder", "!forceOrder@arr")
    floor.go_to(6)
    streams.publish_liquidations()
    forced = floor.matching.liquidations[0]
    assert [name for name, _ in heard] == ["btcusdt@forceOrder", "!forceOrder@arr"]
    assert heard[0][1] == heard[1][1] == {
        "e": "forceOrder", "E": forced.time_ms,
        "o": {
            "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "1.000", "p": f"{forced.bankruptcy:f}",
            "ap": f"{forced.order.average_price:.1f}", "X": "FILLED", "l": "1.000", "z": "1.000", "T": forced.time_ms,
        },
    }
    assert 93_900 < float(forced.bankruptcy) < 94_100  # entry near 100,000 less 6,000 of wallet, both after the spread and fees
    floor.matching.liquidations += [forced, forced]
    streams.publish_liquidations()
    assert len(heard) == 2
    floor.wire.advance(1_000)
    streams.publish_liquidations()
    assert len(heard) == 4


def test_a_listen_key_expires_once_and_its_listeners_hear_it_last() -> None:
    wire, heard = ManualClock(WIRE_MS), []
    keys = ListenKeys("venue", wire.wire_ms)
    events = UserEvents(lambda: False, [lambda _name, message: heard.append(json.loads(message))])
    key = keys.open()
    wire.advance(LISTEN_KEY_MS - 1)
    assert keys.expired() == ""
    wire.advance(1)
    assert keys.expired() == key
    assert keys.expired() == ""
    events.key_expired(key, wire.wire_ms())
    assert heard == [{"e": "listenKeyExpired", "E": str(wire.wire_ms()), "listenKey": key}]
    assert events.listeners == []
    assert keys.open() != key


async def test_an_expired_key_is_told_on_its_socket(fresh: str) -> None:
    key = json.loads(fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})[1])["listenKey"]
    source = listen(fresh, f"/private/ws?listenKey={key}")
    waiting = asyncio.create_task(collect(source, 1))
    await asyncio.sleep(0.3)
    assert (await asyncio.to_thread(post, fresh, "/control/faults", {"kind": "expire_listen_key"}))[0] == 200
    event = (await waiting)[0]
    assert (event["e"], event["listenKey"]) == ("listenKeyExpired", key)
    assert json.loads(fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})[1])["listenKey"] != key


async def test_funding_is_told_as_a_balance_change_and_a_fill_as_none(fresh: str) -> None:
    key = json.loads(fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})[1])["listenKey"]
    waiting = asyncio.create_task(collect(listen(fresh, f"/private/ws?listenKey={key}"), 4))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(signed, fresh, "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    now = get(fresh, "/control/clock")["market_ms"]
    await asyncio.to_thread(post, fresh, "/control/clock", {"market_ms": now + 9 * 3_600_000})
    updates = [m["a"] for m in await waiting if m["e"] == "ACCOUNT_UPDATE"]
    income = signed(fresh, "GET", "/fapi/v1/income", incomeType="FUNDING_FEE")[1]
    assert [(u["m"], len(u["P"]), u["B"][0]["bc"]) for u in updates] == [
        ("ORDER", 1, "0"), ("FUNDING_FEE", 0, income[0]["income"]),
    ]


def test_a_flat_floor_tells_of_no_liquidation() -> None:
    floor = open_floor(listed(flat(PRICE, 5)))
    streams, heard = overheard(floor, "!forceOrder@arr")
    floor.go_to(4)
    streams.publish_liquidations()
    assert heard == []

"""The streams beside bars, trades and books: all-symbol ones, liquidations, expired listen keys, balance changes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.binance.stream_events import mark_event
from huracan_platform.simulator.binance.streams import MarketStreams
from huracan_platform.simulator.binance.subscriptions import read_stream
from huracan_platform.simulator.binance.user_stream import LISTEN_KEY_MS, ListenKeys, UserEvents
from huracan_platform.simulator.exchange.day_statistics import day_statistics
from huracan_platform.simulator.market.bars import Liquidations
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.markets import START_MS, WIRE_MS, Floor, flat, listed, open_floor
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


async def test_tickers_and_small_tickers_are_what_the_day_statistics_answer(fast: str) -> None:
    post(fast, "/control/clock", {"speed": 0})
    names = ["ethusdt@ticker", "ethusdt@miniTicker", "!ticker@arr", "!miniTicker@arr"]
    messages: list[Any] = await collect(listen(fast, "/market/stream?streams=" + "/".join(names)), 4)
    told = {m["stream"]: m["data"] for m in messages}
    day = get(fast, "/fapi/v1/ticker/24hr?symbol=ETHUSDT")
    post(fast, "/control/clock", {"speed": 720})
    full, small = told["ethusdt@ticker"], told["ethusdt@miniTicker"]
    assert full == {
        "e": "24hrTicker", "E": day["closeTime"], "s": "ETHUSDT", "p": day["priceChange"], "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"], "c": day["lastPrice"], "Q": day["lastQty"], "o": day["openPrice"], "h": day["highPrice"],
        "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"], "O": day["openTime"], "C": day["closeTime"],
        "F": day["firstId"], "L": day["lastId"], "n": day["count"],
    }
    assert small == {name: full[name] for name in "Escohlvq"} | {"e": "24hrMiniTicker"}
    assert [row["s"] for row in told["!ticker@arr"]] == [row["s"] for row in told["!miniTicker@arr"]] == list(SYMBOLS)
    assert told["!ticker@arr"][1] == full


def test_trade_ids_of_the_day_join_those_of_its_trades() -> None:
    floor = open_floor(listed(flat(PRICE, 5)), minute=2.5)
    day = day_statistics(floor.venue.history("BTCUSDT"), floor.venue.clock.market_ms())
    assert day is not None
    tapes = [floor.venue.history("BTCUSDT").tape(row) for row in range(3)]
    assert (day.first_id, day.open_ms) == (int(tapes[0].ids[0]), START_MS)
    running = tapes[2].offset_ms <= 30_000
    assert day.last_id == int(tapes[2].ids[running][-1])
    assert day.trades == len(tapes[0]) + len(tapes[1]) + int(running.sum())


PACES = {
    "btcusdt@kline_1m": 250, "btcusdt@depth": 250, "btcusdt@depth@100ms": 100, "btcusdt@depth@500ms": 500,
    "btcusdt@depth5@100ms": 100, "btcusdt@depth20": 250, "btcusdt@markPrice": 3_000, "btcusdt@markPrice@1s": 1_000,
    "btcusdt@miniTicker": 2_000, "btcusdt@ticker": 2_000, "!miniTicker@arr": 1_000, "!ticker@arr": 1_000,
    "!markPrice@arr": 3_000, "!bookTicker": 5_000,
}


async def test_every_stream_keeps_the_pace_of_its_kind_on_the_wire_clock() -> None:
    floor = open_floor(listed(flat(PRICE, 500)))
    floor.venue.clock.set_speed(600)  # a trade every few milliseconds
    streams, heard = overheard(floor, *PACES)
    told_at: dict[str, list[int]] = {name: [] for name in PACES}
    for tick in range(600):
        heard.clear()
        await streams.turn()
        for name, message in heard:
            if "k" not in message or not (message["k"]["x"] or message["E"] % MINUTE == 0):
                told_at[name].append(tick * 20)
        floor.wire.advance(20)
    gaps = {name: {after - before for before, after in pairwise(at)} for name, at in told_at.items()}
    # The loop looks every 20 ms: a pace ends with the first look that is not before it.
    assert gaps == {name: {-(-pace // 20) * 20} for name, pace in PACES.items()}


async def test_a_book_that_stands_still_is_told_once_to_each_who_joins() -> None:
    floor = open_floor(listed(flat(PRICE, 5)))
    floor.venue.clock.set_speed(0)
    streams, heard = overheard(floor, "btcusdt@bookTicker", "btcusdt@depth5", "!bookTicker", "btcusdt@ticker", "btcusdt@depth")
    for _ in range(400):
        await streams.turn()
        floor.wire.advance(20)
    assert sorted(name for name, _ in heard) == ["!bookTicker", "btcusdt@bookTicker", "btcusdt@depth5", "btcusdt@ticker"]
    late: list[str] = []
    streams.subscribe(read_stream("btcusdt@bookTicker", SYMBOLS), lambda name, _message: late.append(name))
    await streams.turn()
    await streams.turn()
    assert late == ["btcusdt@bookTicker"]


def test_mark_price_tells_its_average_over_a_minute() -> None:
    floor = open_floor(listed([*flat(PRICE, 2), *flat(PRICE + 600, 3)]), minute=2.25)
    history, now = floor.venue.history("BTCUSDT"), floor.venue.clock.market_ms()
    event = mark_event(history, now)
    assert set(event) == {"e", "E", "s", "p", "ap", "i", "P", "r", "T"}
    marks = [history.mark_price(now - back * 10_000) for back in range(6)]
    assert event["ap"] == f"{sum(marks) / 6:.1f}"
    assert float(event["p"]) > float(event["ap"]) > float(history.mark_price(now - MINUTE))


@pytest.mark.parametrize("text", [
    "!magic", "!ticker", "!markPrice@arr@2s", "btcusdt@continuousKline_1m", "btcusdt_perpetual@kline_1m", "btcusdt@forceOrder@1s",
    "btcusdt@depth7", "btcusdt@depth_1m", "btcusdt@depth@1s", "btcusdt@kline", "btcusdt@ticker5", "btcusdt@ticker@1s",
    "btcusdt_perpetual@continuousKline_7m",
])
def test_streams_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(VenueRefusal):
        read_stream(text, SYMBOLS)


def overheard(floor: Floor, *names: str) -> tuple[MarketStreams, list[tuple[str, Any]]]:
    """Streams over a floor, and what their listener hears of the named ones."""
    streams, heard = MarketStreams(floor.venue, floor.matching), []
    for name in names:
        streams.subscribe(read_stream(name, floor.venue.symbols), lambda n, message: heard.append((n, orjson.loads(message))))
    return streams, heard


async def test_a_liquidation_is_told_as_a_force_order_at_most_once_a_second_for_a_symbol() -> None:
    floor = leveraged(fall(PRICE - 70_000))
    streams, heard = overheard(floor, "btcusdt@forceOrder", "!forceOrder@arr")
    floor.go_to(6)
    await streams.turn()
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
    await streams.turn()
    assert len(heard) == 2
    floor.wire.advance(1_000)
    await streams.turn()
    assert len(heard) == 4


@pytest.mark.parametrize(("after_ms", "latest"), [(-1, "1.000"), (1, "0.005")])
async def test_of_an_own_and_another_forced_order_the_later_is_told(after_ms: int, latest: str) -> None:
    alone = leveraged(fall(PRICE - 70_000))
    alone.go_to(6)
    own_ms = alone.matching.liquidations[0].time_ms
    other = Liquidations(np.array([own_ms + after_ms]), np.array([True]), np.array([5]), np.array([PRICE - 70_000]))
    floor = open_floor(replace(listed(fall(PRICE - 70_000)), liquidations=other), wallet=6_000)
    floor.order(side="BUY", type="MARKET")
    streams, heard = overheard(floor, "btcusdt@forceOrder")
    floor.go_to(6)
    await streams.turn()
    assert [(m["o"]["T"], m["o"]["q"]) for _, m in heard] == [(max(own_ms, own_ms + after_ms), latest)]


async def test_forced_orders_of_others_are_told_the_latest_of_a_second() -> None:
    moments = START_MS + np.array([40_000, 40_300, 40_700, 41_900, 90_000, 90_500], np.int64)
    forced = Liquidations(moments, np.array([True, False] * 3), np.arange(5, 11), np.arange(6) + PRICE)
    floor = open_floor(replace(listed(flat(PRICE, 5)), liquidations=forced))
    streams, heard = overheard(floor, "!forceOrder@arr", "btcusdt@forceOrder")
    for _ in range(1_000):
        floor.wire.advance(20)
        await streams.turn()
    each = [m["o"] for name, m in heard if name == "btcusdt@forceOrder"]
    assert [(o["T"] - START_MS, o["S"], o["q"], o["p"], o["ap"], o["X"]) for o in each] == [
        (40_000, "SELL", "0.005", "100000.0", "100000.0", "FILLED"), (40_700, "SELL", "0.007", "100000.2", "100000.2", "FILLED"),
        (41_900, "BUY", "0.008", "100000.3", "100000.3", "FILLED"),
    ]
    floor.go_to(2)
    await streams.turn()
    assert (heard[-1][1]["E"] - START_MS, len(heard)) == (90_500, 8)
    assert [m for name, m in heard if name == "!forceOrder@arr"] == [m for name, m in heard if name == "btcusdt@forceOrder"]


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
    ready = asyncio.Event()
    waiting = asyncio.create_task(collect(listen(fresh, f"/private/ws?listenKey={key}", ready=ready), 1))
    await ready.wait()
    assert (await asyncio.to_thread(post, fresh, "/control/faults", {"kind": "expire_listen_key"}))[0] == 200
    event = (await waiting)[0]
    assert (event["e"], event["listenKey"]) == ("listenKeyExpired", key)
    assert json.loads(fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})[1])["listenKey"] != key


async def test_funding_is_told_as_a_balance_change_and_a_fill_as_none(fresh: str) -> None:
    key = json.loads(fetch(fresh + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": "k"})[1])["listenKey"]
    ready = asyncio.Event()
    waiting = asyncio.create_task(collect(listen(fresh, f"/private/ws?listenKey={key}", ready=ready), 5))
    await ready.wait()
    await asyncio.to_thread(signed, fresh, "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    now = get(fresh, "/control/clock")["market_ms"]
    await asyncio.to_thread(post, fresh, "/control/clock", {"market_ms": now + 9 * 3_600_000})
    updates = [m["a"] for m in await waiting if m["e"] == "ACCOUNT_UPDATE"]
    income = signed(fresh, "GET", "/fapi/v1/income", incomeType="FUNDING_FEE")[1]
    assert [(u["m"], len(u["P"]), u["B"][0]["bc"]) for u in updates] == [
        ("ORDER", 1, "0"), ("FUNDING_FEE", 0, income[0]["income"]),
    ]


def test_a_fill_is_told_in_short_before_it_is_told_in_full() -> None:
    floor = open_floor(listed(flat(PRICE, 5)))
    floor.order(side="BUY", type="LIMIT", timeInForce="GTC", price="101000", newClientOrderId="mine")
    lites = [i for i, m in enumerate(floor.told) if m["e"] == "TRADE_LITE"]
    assert lites
    for at in lites:
        lite, full = floor.told[at], floor.told[at + 1]["o"]
        shared = "sqpmcSLlti"
        assert lite == {"e": "TRADE_LITE", "E": full["T"], "T": full["T"], **{name: full[name] for name in shared}}
        assert (full["x"], full["N"], full["m"]) == ("TRADE", "USDT", False)
        assert Decimal(full["n"]) > 0


def test_another_leverage_is_told_and_the_same_is_not() -> None:
    floor = open_floor(listed(flat(PRICE, 5)))
    for leverage in (10, 10, 25):
        floor.clients.first.endpoints.leverage({"symbol": "BTCUSDT", "leverage": str(leverage)})
    now = floor.venue.clock.market_ms()
    assert floor.told == [
        {"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": "BTCUSDT", "l": leverage}} for leverage in (10, 25)
    ]


@pytest.mark.parametrize(("to", "called"), [(PRICE - 50_000, False), (PRICE - 55_000, True)])
def test_margin_is_called_for_once_where_most_of_it_must_be_kept(to: int, called: bool) -> None:
    floor = leveraged([*fall(to), *flat(PRICE, 3), *fall(to)])
    floor.told.clear()
    for minute in (3.5, 4, 9, 9.5, 13.5, 14):
        floor.go_to(minute)
        floor.clients.each_tick()
    calls = [m for m in floor.told if m["e"] == "MARGIN_CALL"]
    assert floor.matching.liquidations == []
    assert len(calls) == 2 * called  # once for each fall
    for call in calls:
        row = call["p"][0]
        assert (row["s"], row["pa"], row["mt"], row["mp"]) == ("BTCUSDT", "1.000", "CROSSED", "94500.0")
        assert Decimal(row["mm"]) == Decimal("378.0000")
        assert Decimal(row["mm"]) < Decimal(call["cw"]) + Decimal(row["up"]) < Decimal(row["mm"]) / Decimal("0.8")


async def test_a_flat_floor_tells_of_no_liquidation() -> None:
    floor = open_floor(listed(flat(PRICE, 5)))
    streams, heard = overheard(floor, "!forceOrder@arr")
    floor.go_to(4)
    await streams.turn()
    assert heard == []

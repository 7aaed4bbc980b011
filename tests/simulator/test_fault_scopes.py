"""Faults of streams, bars, clock and order ids: for one client, path and time, and told in the ledger."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.faults.armed import Caller, Faults, read_fault
from huracan_platform.simulator.faults.events import EventFaults
from tests.simulator.markets import WIRE_MS, flat, listed, open_floor
from tests.simulator.raw import fetch, get, post, signed
from tests.simulator.test_matching import assert_refused

BAR = {"t": 60_000, "o": "1", "h": "3", "l": "1", "c": "2", "x": True}
KLINE = "btcusdt@kline_1m"


def armed(*faults: dict[str, Any], caller: Caller | None = None) -> tuple[ManualClock, Faults, EventFaults]:
    wire = ManualClock(WIRE_MS)
    registry = Faults(wire.wire_ms)
    registry.arm([read_fault(f) for f in faults])
    return wire, registry, EventFaults(registry, caller or Caller("k", "ccxt/4"))


def kline(**changes: Any) -> bytes:
    return json.dumps({"e": "kline", "k": {**BAR, **changes}}).encode()


def test_a_duplicate_comes_twice_once() -> None:
    _, registry, events = armed({"kind": "duplicate_event", "stream": "btcusdt@trade"})
    assert events.arriving("ethusdt@trade", b"e") == [(0.0, b"e")]
    assert events.arriving("btcusdt@trade", b"a") == [(0.0, b"a")] * 2
    assert events.arriving("btcusdt@trade", b"b") == [(0.0, b"b")]
    assert registry.armed == []
    assert registry.struck == [
        {"fault": 1, "kind": "duplicate_event", "target": "btcusdt@trade", "method": "", "client": "k", "wire_ms": WIRE_MS},
    ]


def test_a_reordered_event_comes_after_the_next_of_its_stream() -> None:
    _, _, events = armed({"kind": "reorder_events"})
    assert events.arriving("s", b"1") == []
    assert events.arriving("other", b"x") == [(0.0, b"x")]
    assert events.arriving("s", b"2") == [(0.0, b"2"), (0.0, b"1")]
    assert events.arriving("s", b"3") == [(0.0, b"3")]


def test_a_late_event_waits() -> None:
    _, _, events = armed({"kind": "late_event", "delay_ms": 250, "count": 2})
    assert [events.arriving("s", m) for m in (b"1", b"2", b"3")] == [[(0.25, b"1")], [(0.25, b"2")], [(0.0, b"3")]]


def test_a_book_gap_takes_a_difference_of_a_book_and_nothing_else() -> None:
    _, _, events = armed({"kind": "book_gap"})
    assert events.arriving("btcusdt@trade", b'{"e":"trade"}') == [(0.0, b'{"e":"trade"}')]
    assert events.arriving("btcusdt@depth", b'{"e":"depthUpdate"}') == []
    assert events.arriving("btcusdt@depth", b'{"e":"depthUpdate"}') != []


def test_a_bar_is_missing_or_revised_only_when_it_closes() -> None:
    _, _, events = armed({"kind": "missing_candle"}, {"kind": "revised_candle", "candle_ms": 120_000})
    assert len(events.arriving(KLINE, kline(x=False))) == 1
    assert events.arriving(KLINE, kline()) == []
    assert events.arriving(KLINE, kline(t=60_000)) == [(0.0, kline(t=60_000))]
    (_, message), = events.arriving(KLINE, kline(t=120_000))
    assert json.loads(message)["k"] == {**BAR, "t": 120_000, "c": "3"}


def test_a_silent_stream_is_silent_until_it_is_cleared() -> None:
    _, registry, events = armed({"kind": "silent_stream", "stream": "btcusdt"})
    assert [events.arriving("btcusdt@trade", b"1") for _ in range(3)] == [[], [], []]
    assert events.arriving("ethusdt@trade", b"1") != []
    registry.clear()
    assert events.arriving("btcusdt@trade", b"1") == [(0.0, b"1")]
    assert len(registry.struck) == 3


@pytest.mark.parametrize(("client", "meets"), [("", True), ("k", True), ("ccxt", True), ("other", False)])
def test_a_fault_for_one_client_meets_no_other(client: str, meets: bool) -> None:
    _, _, events = armed({"kind": "duplicate_event", "client": client})
    assert len(events.arriving("s", b"1")) == 1 + meets


def test_a_fault_for_a_time_waits_for_it_and_is_over_after_it() -> None:
    wire, _, events = armed({"kind": "duplicate_event", "count": 9, "from_ms": WIRE_MS + 100, "until_ms": WIRE_MS + 200})
    seen = []
    for _ in range(4):
        seen.append(len(events.arriving("s", b"1")))
        wire.advance(70)
    assert seen == [1, 1, 2, 1]


@pytest.mark.parametrize(("mode", "while_open", "afterwards", "struck"), [
    ("open-only", True, False, 0), ("permanent", True, True, 1), ("none", False, False, 1),
])
def test_client_order_ids_are_refused_as_the_mode_says(mode: str, while_open: bool, afterwards: bool, struck: int) -> None:
    floor = open_floor(listed(flat(1_000_000, 10)))
    registry = Faults(floor.wire.wire_ms)
    registry.arm([read_fault({"kind": "id_reuse", "mode": mode})])
    floor.desk.refuses_id = partial(registry.refuses_id, "k")
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "99000", "newClientOrderId": "mine"}
    first = floor.order(**order)
    if while_open:
        assert_refused(-4116, floor.order, **order)
    else:
        assert floor.order(**order).order_id != first.order_id
    floor.desk.cancel_all("BTCUSDT")
    if afterwards:
        assert_refused(-4116, floor.order, **order)
    else:
        floor.order(**order)
    assert len(registry.struck) == struck


@pytest.mark.parametrize("wrong", [
    {"kind": "id_reuse", "mode": "sometimes"}, {"kind": "late_event", "delay_ms": -5}, {"kind": "late_event", "delay_ms": "5"},
    {"kind": "late_event", "stream": 7}, {"kind": "delay", "count": True},
])
def test_a_wrong_fault_is_refused(wrong: dict[str, Any]) -> None:
    assert_refused(-1130, read_fault, wanted=wrong)


def test_bars_of_an_answer_are_missing_or_revised(fresh: str) -> None:
    fetch(fresh + "/control/faults", "DELETE")
    path = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=9"
    rows = get(fresh, path)
    post(fresh, "/control/faults", {"kind": "missing_candle", "path": "/fapi/v1/klines"})
    assert get(fresh, path) == rows[:4] + rows[5:]
    post(fresh, "/control/faults", {"kind": "revised_candle", "candle_ms": rows[2][0]})
    changed = get(fresh, path)
    assert [i for i in range(9) if changed[i] != rows[i]] == [2]
    assert changed[2][4] == (rows[2][3] if rows[2][4] == rows[2][2] else rows[2][2])
    assert get(fresh, path) == rows
    assert [(f["kind"], f["target"]) for f in get(fresh, "/control/ledger")["faults"]] == [
        ("missing_candle", "/fapi/v1/klines"), ("revised_candle", "/fapi/v1/klines"),
    ]


def test_a_skewed_clock_tells_another_time_and_refuses_the_right_one(fresh: str) -> None:
    post(fresh, "/control/faults", {"kind": "clock_skew", "delay_ms": -90_000, "client": "k"})
    status, answer = signed(fresh, "GET", "/fapi/v2/balance")
    assert (status, answer["code"]) == (400, -1021)
    now = int(time.time() * 1_000)
    assert signed(fresh, "GET", "/fapi/v2/balance", timestamp=now - 90_000)[0] == 200
    assert abs(get(fresh, "/fapi/v1/time")["serverTime"] - now) < 5_000  # no key was sent: another client
    told = json.loads(fetch(fresh + "/fapi/v1/time", headers={"X-MBX-APIKEY": "k"})[1])["serverTime"]
    assert -95_000 < told - now < -85_000
    fetch(fresh + "/control/faults", "DELETE")
    assert signed(fresh, "GET", "/fapi/v2/balance")[0] == 200
    assert {f["client"] for f in get(fresh, "/control/ledger")["faults"]} == {"k"}


async def test_one_socket_misses_a_difference_that_another_hears(fast: str) -> None:
    heard: dict[str, list[dict[str, Any]]] = {"unlucky": [], "lucky": []}

    async def hear(name: str) -> None:
        url = fast.replace("http", "ws", 1) + "/public/ws/btcusdt@depth@100ms"
        async with aiohttp.ClientSession(headers={"User-Agent": name}) as session, session.ws_connect(url) as socket:
            while len(heard[name]) < 20:
                heard[name].append(await socket.receive_json(timeout=10))

    hearing = asyncio.gather(hear("lucky"), hear("unlucky"))
    while len(heard["unlucky"]) < 3:
        await asyncio.sleep(0.02)
    gap = {"kind": "book_gap", "client": "unlucky", "stream": "btcusdt@depth"}
    await asyncio.to_thread(post, fast, "/control/faults", gap)
    await hearing
    gaps = {name: sum(b["pu"] != a["u"] for a, b in pairwise(events)) for name, events in heard.items()}
    assert gaps == {"lucky": 0, "unlucky": 1}
    struck = [f for f in get(fast, "/control/ledger")["faults"] if f["kind"] == "book_gap"]
    assert [(f["client"], f["target"]) for f in struck] == [("unlucky", "btcusdt@depth@100ms")]

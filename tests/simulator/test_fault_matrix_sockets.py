"""Every fault of streams, sockets and accounts by every part of its scope, over TCP: it strikes nobody and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Any

import aiohttp
import pytest

from tests.simulator.armed import LONG_AGO, A, B, arm, strikes
from tests.simulator.raw import fetch, signed

pytestmark = pytest.mark.usefixtures("disarmed")


Told = list[dict[str, Any]]


def _number(event: dict[str, Any]) -> int:
    return int(event["t"])


def twice(a: Told, _b: Told) -> int:
    return len(a) - len({_number(e) for e in a})


def out_of_order(a: Told, _b: Told) -> int:
    numbers = [_number(e) for e in a]
    return sum(number < newest for number, newest in zip(numbers, accumulate(numbers, max), strict=True))


def not_heard(a: Told, b: Told) -> int:
    return len({_number(e) for e in b} - {_number(e) for e in a})


def differences_missing(a: Told, b: Told) -> int:
    missing = len({e["u"] for e in b} - {e["u"] for e in a})
    assert bool(missing) == any(after["pu"] != before["u"] for before, after in pairwise(a))
    return missing


def _closes(events: Told) -> dict[int, str]:
    return {e["k"]["t"]: e["k"]["c"] for e in events if e["k"]["x"]}


def bars_missing(a: Told, b: Told) -> int:
    return len(set(_closes(b)) - set(_closes(a)))


def bars_revised(a: Told, b: Told) -> int:
    return sum(b_close != _closes(a).get(opened, b_close) for opened, b_close in _closes(b).items())


# Kind: what it also takes, the stream it is tried on, how often it shows, messages to hear.
STREAM_FAULTS: dict[str, tuple[dict[str, Any], str, Callable[[Told, Told], int], int]] = {
    "duplicate_event": ({}, "trade", twice, 150),
    "reorder_events": ({}, "trade", out_of_order, 150),
    "late_event": ({"delay_ms": 150}, "trade", out_of_order, 250),
    "silent_stream": ({}, "trade", not_heard, 150),
    "book_gap": ({}, "depth@100ms", differences_missing, 9),
    "missing_candle": ({}, "kline_1m", bars_missing, 60),
    "revised_candle": ({}, "kline_1m", bars_revised, 60),
}
STREAM_SCOPES: dict[str, tuple[dict[str, Any], int]] = {
    "agent": ({"client": "agent-a"}, 1),
    "count": ({"client": "agent-a", "count": 2}, 2),
    "chance": ({"client": "agent-a", "count": 2, "probability": 0.5, "seed": 4}, 2),
    "its stream": ({"client": "agent-a", "stream": "btcusdt@"}, 1),
    "another stream": ({"stream": "ethusdt@"}, 0),
    "time to come": ({"from_ms": 60_000}, 0),
    "time past": ({"until_ms": LONG_AGO}, 0),
    "present time": ({"client": "agent-a", "from_ms": LONG_AGO, "until_ms": 60_000}, 1),
}


async def overheard(url: str, stream: str, fault: dict[str, Any], enough: int, silent: bool) -> tuple[Told, Told]:
    """What two clients hear of a stream, the fault armed when both have begun, until the second has heard enough, and the
    first as much of the market, if it is to hear of it at all."""
    told: dict[str, Told] = {"agent-a": [], "agent-b": []}

    async def hear(name: str) -> None:
        target = url.replace("http", "ws", 1) + f"/ws/{stream}"
        async with aiohttp.ClientSession(headers={"User-Agent": name}) as session, session.ws_connect(target) as socket:
            async for message in socket:
                told[name].append(json.loads(message.data))

    tasks = [asyncio.create_task(hear(name)) for name in told]
    async with asyncio.timeout(60):
        while not all(told.values()):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(arm, url, fault)
        # Those that one missed by beginning later are not what the fault took.
        while len(told["agent-b"]) < enough:
            await asyncio.sleep(0.01)
        last = told["agent-b"][-1]
        while not silent and told["agent-a"][-1]["E"] <= last["E"]:
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    first_a = told["agent-a"][0]
    return told["agent-a"], [e for e in told["agent-b"] if first_a["E"] < e["E"] <= last["E"]]


@pytest.mark.parametrize("scope", STREAM_SCOPES)
@pytest.mark.parametrize("kind", STREAM_FAULTS)
async def test_a_fault_of_streams_strikes_within_its_scope_only(venue: str, kind: str, scope: str) -> None:
    extras, name, shows, enough = STREAM_FAULTS[kind]
    within, times = STREAM_SCOPES[scope]
    stream, before = f"btcusdt@{name}", len(strikes(venue))
    silent = kind == "silent_stream" and times > 0
    a, b = await overheard(venue, stream, {"kind": kind, **extras, **within}, enough, silent)
    new = strikes(venue)[before:]
    assert {(s["kind"], s["client"], s["target"]) for s in new} == ({(kind, "agent-a", stream)} if times else set())
    assert shows(b, b) == 0
    if kind == "silent_stream":
        assert (shows(a, b) > 0) == (times > 0)
    else:
        assert (shows(a, b), len(new)) == (times, times)


SOCKET_SCOPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "agent": ({"client": "agent-a", "count": 9}, {"agent-a /market/ws", "agent-a /public/ws"}),
    "path": ({"path": "/public", "count": 9}, {"agent-a /public/ws", "agent-b /public/ws"}),
    "agent and path": ({"client": "agent-b", "path": "/market", "count": 9}, {"agent-b /market/ws"}),
    "stream": ({"stream": "btcusdt@kline", "count": 9}, {"agent-a /market/ws", "agent-b /market/ws"}),
    "another stream": ({"stream": "ethusdt@kline", "count": 9}, set()),
    "time to come": ({"from_ms": 60_000, "count": 9}, set()),
    "time past": ({"until_ms": LONG_AGO, "count": 9}, set()),
}


@pytest.mark.parametrize("scope", SOCKET_SCOPES)
async def test_sockets_are_cut_within_the_scope_only(venue: str, scope: str) -> None:
    within, cut = SOCKET_SCOPES[scope]
    ends: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session:
        for agent in ("agent-a", "agent-b"):
            for path, stream in (("/market/ws", "btcusdt@kline_1m"), ("/public/ws", "btcusdt@depth")):
                url = f"{venue.replace('http', 'ws', 1)}{path}/{stream}"
                ends[f"{agent} {path}"] = await session.ws_connect(url, headers={"User-Agent": agent})
        await asyncio.to_thread(arm, venue, {"kind": "cut_sockets", **within})
        await asyncio.sleep(0.2)
        lost = set()
        for name, socket in ends.items():
            while (message := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT and name in cut:
                pass
            if message.type is not aiohttp.WSMsgType.TEXT:
                assert socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
                lost.add(name)
    assert lost == cut


@pytest.mark.parametrize(("fault", "status"), [
    ({"kind": "http_error", "body": "unknown_503"}, 503), ({"kind": "http_error", "body": "limit_429"}, 429),
    ({"kind": "refusal", "code": -1001, "status": 403}, 403),
    ({"kind": "drop_response", "count": 4}, 0),  # the client asks once more by itself
])
async def test_connections_are_refused_where_the_path_of_sockets_is_named(venue: str, fault: dict[str, Any], status: int) -> None:
    await asyncio.to_thread(arm, venue, {"count": 2, **fault, "path": "/market", "client": "agent-a"})
    url = venue.replace("http", "ws", 1)
    async with aiohttp.ClientSession() as session:
        for agent, path, refused in (("agent-b", "/market", False), ("agent-a", "/public", False), ("agent-a", "/market", True),
                                     ("agent-a", "/market", True), ("agent-a", "/market", False)):
            opening = session.ws_connect(f"{url}{path}/ws", headers={"User-Agent": agent})
            if refused:
                with pytest.raises(aiohttp.ClientError) as refusal:
                    await opening
                assert getattr(refusal.value, "status", 0) == status
            else:
                await (await opening).close()


async def test_a_fault_without_a_path_of_sockets_refuses_no_connection(venue: str) -> None:
    await asyncio.to_thread(arm, venue, {"kind": "http_error", "count": 9})
    async with aiohttp.ClientSession() as session:
        await (await session.ws_connect(venue.replace("http", "ws", 1) + "/market/ws")).close()


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
ACCOUNT_SCOPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "api key": ({"client": A}, {A}), "everyone": ({"count": 2}, {A, B}), "time to come": ({"from_ms": 60_000}, set()),
    "time past": ({"until_ms": LONG_AGO}, set()),
}


@pytest.mark.parametrize("scope", ACCOUNT_SCOPES)
async def test_a_user_stream_is_silent_for_the_account_only(venue: str, scope: str) -> None:
    within, silenced = ACCOUNT_SCOPES[scope]
    heard = set()
    async with aiohttp.ClientSession() as session:
        for key in (A, B):
            body = (await asyncio.to_thread(fetch, venue + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": key}))[1]
            url = f"{venue.replace('http', 'ws', 1)}/private/ws/{json.loads(body)['listenKey']}"
            async with session.ws_connect(url) as socket:
                await asyncio.to_thread(arm, venue, {"kind": "silent_user_stream", **within})
                assert (await asyncio.to_thread(signed, venue, "POST", "/fapi/v1/order", key=key, **ORDER))[0] == 200
                with suppress(TimeoutError):
                    heard.add((await socket.receive_json(timeout=0.5 if key in silenced else 20))["e"] and key)
    assert heard == {A, B} - silenced


@pytest.mark.parametrize("scope", ACCOUNT_SCOPES)
async def test_a_listen_key_expires_for_the_account_only(venue: str, scope: str) -> None:
    within, expired = ACCOUNT_SCOPES[scope]

    async def keys() -> dict[str, str]:
        answers = {k: (await asyncio.to_thread(fetch, venue + "/fapi/v1/listenKey", "POST", b"", {"X-MBX-APIKEY": k}))[1]
                   for k in (A, B)}
        return {key: json.loads(body)["listenKey"] for key, body in answers.items()}

    before = await keys()
    await asyncio.to_thread(arm, venue, {"kind": "expire_listen_key", **within})
    await asyncio.sleep(0.2)
    after = await keys()
    assert {key for key in (A, B) if after[key] != before[key]} == expired


@pytest.mark.parametrize("scope", ACCOUNT_SCOPES)
def test_client_order_ids_are_permanent_for_the_account_only(venue: str, scope: str) -> None:
    within, strict = ACCOUNT_SCOPES[scope]
    name = f"again {scope}".replace(" ", "-")
    for key in (A, B):
        assert signed(venue, "POST", "/fapi/v1/order", key=key, newClientOrderId=name, **ORDER)[0] == 200
    arm(venue, {"kind": "id_reuse", "mode": "permanent", **within})
    answers = {key: signed(venue, "POST", "/fapi/v1/order", key=key, newClientOrderId=name, **ORDER)[1] for key in (A, B)}
    assert {key for key, answer in answers.items() if answer.get("code") == -4116} == strict

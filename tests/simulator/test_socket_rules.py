"""What the venue allows on a socket, over TCP and on a wire clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from huracan_platform.clock import DAY_MS, ManualClock
from huracan_platform.simulator.binance.app import VenueApp
from huracan_platform.simulator.market.series import INTERVALS_MS
from huracan_platform.simulator.serving.outbox import GOODBYE_S
from tests.simulator.markets import MINUTE, START_MS, flat, listed, open_floor
from tests.simulator.raw import post, signed

PRICE = 1_000_000
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
WAIT_S = 5.0


@dataclass
class House:
    """A venue served by the test's own process."""

    url: str
    wire: ManualClock
    session: aiohttp.ClientSession

    def socket(self, path: str, **options: Any) -> Any:
        """A connection."""
        return self.session.ws_connect(self.url.replace("http", "ws", 1) + path, **options)

    async def listen_key(self, key: str = "k") -> str:
        """The listen key of an account."""
        async with self.session.post(f"{self.url}/fapi/v1/listenKey", headers={"X-MBX-APIKEY": key}) as answer:
            return str((await answer.json())["listenKey"])


@asynccontextmanager
async def served(others: Sequence[str] = (), *, limits: bool = False) -> AsyncIterator[House]:
    """A venue of BTC and others, whose wire and market clocks the test moves."""
    floor = open_floor(listed(flat(PRICE, 3_000)), others=[listed(flat(PRICE, 5), base=base) for base in others])
    app = VenueApp(floor.venue, SecretStr("k"), SecretStr("s"), enforce_limits=limits)
    async with TestServer(app.build()) as server, aiohttp.ClientSession() as session:
        yield House(str(server.make_url("")), floor.wire, session)


async def ask(socket: Any, method: str, *parameters: Any) -> Any:
    """The answer to a request; what comes in between is left out."""
    await socket.send_json({"method": method, "params": list(parameters), "id": 9})
    while True:
        answer = await socket.receive_json(timeout=WAIT_S)
        if isinstance(answer, dict) and answer.get("id") == 9:
            return answer.get("error", {}).get("code", answer.get("result"))


async def test_the_venue_pings_every_three_minutes_and_ends_who_does_not_answer_for_ten() -> None:
    async with served() as house, house.socket("/market/ws", autoping=False) as deaf, house.socket("/market/ws") as well:
        heard = []
        for _ in range(5):
            house.wire.advance(180_000)
            heard.append(await deaf.receive(timeout=WAIT_S))
            await asyncio.sleep(0.1)
            assert await ask(well, "LIST_SUBSCRIPTIONS") == []  # and answers the ping by the way
        assert [message.type for message in heard] == [WSMsgType.PING] * 4 + [WSMsgType.CLOSE]
        assert (heard[-1].data, heard[-1].extra) == (1008, "no pong")


async def test_a_connection_is_cut_after_a_day() -> None:
    async with served() as house, house.socket("/market/ws") as socket:
        house.wire.advance(DAY_MS - 1)
        await asyncio.sleep(0.1)
        assert await ask(socket, "LIST_SUBSCRIPTIONS") == []
        house.wire.advance(1)
        last = await socket.receive(timeout=WAIT_S)
        assert (last.type, last.data) == (WSMsgType.CLOSE, 1001)


async def test_more_than_ten_messages_in_a_second_end_the_connection() -> None:
    async with served(limits=True) as house, house.socket("/market/ws") as socket:
        for _ in range(3):
            for _ in range(10):
                assert await ask(socket, "LIST_SUBSCRIPTIONS") == []
            house.wire.advance(1_000)
        for _ in range(11):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        messages = [await socket.receive(timeout=WAIT_S) for _ in range(11)]
        assert [m.data for m in messages if m.type is WSMsgType.CLOSE] == [1008]


@pytest.mark.slow
async def test_who_reads_too_slowly_is_cut_off_and_the_others_hear_everything() -> None:
    names = "/ws/btcusdt@trade/btcusdt@aggTrade"
    async with served() as house, house.socket(names) as slow, house.socket(names) as quick:
        for socket in (slow, quick):
            assert await ask(socket, "LIST_SUBSCRIPTIONS")
        await asyncio.to_thread(post, house.url, "/control/clock", {"market_ms": START_MS + 2_900 * MINUTE})
        ids: list[int] = []
        told_ms = 0
        while told_ms < START_MS + 2_899 * MINUTE:
            event = await quick.receive_json(timeout=WAIT_S)
            told_ms = event["T"]
            ids += [event["a"]] if event["e"] == "aggTrade" else []
        assert len(ids) > 25_000
        assert all(later - one == 1 for one, later in pairwise(ids))
        await asyncio.sleep(GOODBYE_S + 0.5)
        heard = 0
        while (message := await slow.receive(timeout=WAIT_S)).type is WSMsgType.TEXT:
            heard += 1
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
        assert heard < 2 * len(ids)


async def test_a_connection_hears_at_most_1024_streams() -> None:
    bases = [f"C{i}" for i in range(80)]
    names = [f"{base.lower()}usdt@kline_{interval}" for base in bases for interval in INTERVALS_MS]
    async with served(bases) as house, house.socket("/market/ws") as socket:
        assert await ask(socket, "SUBSCRIBE", *names[:1_025]) == 2
        assert await ask(socket, "LIST_SUBSCRIPTIONS") == []
        assert await ask(socket, "SUBSCRIBE", *names[:1_024]) is None
        assert await ask(socket, "SUBSCRIBE", names[3]) is None
        assert await ask(socket, "SUBSCRIBE", names[1_024]) == 2
        assert await ask(socket, "LIST_SUBSCRIPTIONS") == names[:1_024]


async def test_each_path_serves_its_own_streams_and_is_silent_about_the_others() -> None:
    public = ["btcusdt@bookTicker", "btcusdt@depth5", "!bookTicker"]
    market = ["btcusdt@kline_1m", "btcusdt@markPrice", "!ticker@arr"]
    async with served() as house:
        for category, heard in (("/public", public), ("/market", market), ("", public + market), ("/private", [])):
            async with house.socket(category + "/stream") as socket:
                assert await ask(socket, "SUBSCRIBE", *public, *market) is None
                assert await ask(socket, "LIST_SUBSCRIPTIONS") == public + market
                told: set[str] = set()
                house.wire.advance(300)
                while len(told) < len(heard):
                    told.add((await socket.receive_json(timeout=WAIT_S))["stream"])
                house.wire.advance(300)
                while told == set(heard):
                    try:
                        told.add((await socket.receive_json(timeout=0.3))["stream"])
                    except TimeoutError:
                        break
                assert told == set(heard)


async def test_frames_can_be_combined_and_single_again() -> None:
    async with served() as house, house.socket("/market/ws") as socket:
        assert await ask(socket, "GET_PROPERTY", "combined") is False
        assert await ask(socket, "SET_PROPERTY", "combined", True) is None
        assert await ask(socket, "GET_PROPERTY", "combined") is True
        assert await ask(socket, "SUBSCRIBE", "btcusdt@markPrice@1s") is None
        assert set(await socket.receive_json(timeout=WAIT_S)) == {"stream", "data"}
        assert await ask(socket, "SET_PROPERTY", "combined", False) is None
        house.wire.advance(1_000)
        assert (await socket.receive_json(timeout=WAIT_S))["e"] == "markPriceUpdate"
        assert await ask(socket, "SET_PROPERTY", "combined", "yes") == 1
        assert await ask(socket, "SET_PROPERTY", "colour", True) == 0
        assert await ask(socket, "GET_PROPERTY") == 0
        assert await ask(socket, "SHOUT") == 2


async def events_after(house: House, sockets: list[Any], key: str) -> list[list[tuple[str, str]]]:
    """Stream and name of the events that each hears of a market order of an account."""
    timestamp = house.wire.wire_ms()
    order = asyncio.to_thread(signed, house.url, "POST", "/fapi/v1/order", key=key, timestamp=timestamp, **ORDER)
    assert (await order)[0] == 200
    heard = []
    for socket in sockets:
        told: list[tuple[str, str]] = []
        while True:
            try:
                frame = await socket.receive_json(timeout=0.3)
            except TimeoutError:
                break
            told.append((frame.get("stream", ""), frame.get("data", frame)["e"]))
        heard.append(told)
    return heard


async def test_a_private_socket_hears_the_events_it_asks_for_of_each_of_its_keys() -> None:
    async with served() as house:
        await asyncio.to_thread(post, house.url, "/control/accounts", {"api_key": "other", "api_secret": "s"})
        mine, theirs = await house.listen_key(), await house.listen_key("other")
        both = f"/private/stream?listenKey={mine}&events=ACCOUNT_UPDATE&listenKey={theirs}&events=ORDER_TRADE_UPDATE"
        async with house.socket(both) as two, house.socket(f"/private/ws/{mine}") as all_of_mine:
            first, second = await events_after(house, [two, all_of_mine], "k")
            assert first == [(mine, "ACCOUNT_UPDATE")]
            assert {name for _, name in second} >= {"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"}
            first, second = await events_after(house, [two, all_of_mine], "other")
            assert set(first) == {(theirs, "ORDER_TRADE_UPDATE")}
            assert second == []
            assert await ask(two, "LIST_SUBSCRIPTIONS") == [mine, theirs]
            assert await ask(two, "UNSUBSCRIBE", mine) is None
            assert (await events_after(house, [two], "k")) == [[]]


async def test_a_listen_key_says_nothing_on_a_socket_of_the_market() -> None:
    async with served() as house:
        key = await house.listen_key()
        async with house.socket("/market/ws") as market, house.socket("/ws") as legacy:
            for socket in (market, legacy):
                assert await ask(socket, "SUBSCRIBE", key) is None
            silent, told = await events_after(house, [market, legacy], "k")
        assert silent == []
        assert json.dumps(told).count("ORDER_TRADE_UPDATE") == 2

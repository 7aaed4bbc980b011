"""Seeded delays: drawn again the same, for whom they are meant, and an order is not there before it has arrived."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from statistics import median
from typing import Any
from urllib.parse import urlencode

import pytest

from huracan_platform.simulator.faults.armed import Caller
from huracan_platform.simulator.faults.latencies import ACK, FEED, FILL, Latencies, read_latencies
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.raw import fetch, get, post, signed
from tests.simulator.test_socket_rules import ORDER, House, served

ANYBODY = Caller("k", "agent/1")
LOGNORMAL = {"median_ms": 20, "sigma": 1.0}


def drawn(latencies: Latencies, kind: str, number: int, caller: Caller = ANYBODY) -> list[float]:
    return [latencies.draw_s(kind, caller) for _ in range(number)]


def ruled(*rules: dict[str, Any]) -> Latencies:
    latencies = Latencies()
    for rule in rules:
        latencies.set(read_latencies(rule))
    return latencies


def test_the_kth_draw_of_a_kind_depends_on_seed_kind_and_k_only() -> None:
    one, other = (ruled({"seed": 7, "ack": LOGNORMAL, "feed": LOGNORMAL}) for _ in range(2))
    alone = drawn(one, ACK, 50)
    between = [(other.draw_s(FEED, ANYBODY), other.draw_s(ACK, ANYBODY))[1] for _ in range(50)]
    assert between == alone
    assert drawn(ruled({"seed": 8, "ack": LOGNORMAL}), ACK, 50) != alone
    assert drawn(ruled({"seed": 7, "feed": LOGNORMAL}), FEED, 50) != alone
    assert len(set(alone)) == 50


def test_draws_have_the_median_and_the_cap_that_were_asked_for() -> None:
    free = drawn(ruled({"seed": 1, "fill": {"median_ms": 20, "sigma": 0.8}}), FILL, 4_000)
    assert median(free) == pytest.approx(0.020, rel=0.06)
    # A lognormal's quantile at 84 % is its median times e to the sigma.
    assert sorted(free)[round(4_000 * 0.8413)] == pytest.approx(0.020 * 2.2255, rel=0.08)
    capped = drawn(ruled({"seed": 1, "fill": {"median_ms": 20, "sigma": 0.8, "most_ms": 30}}), FILL, 4_000)
    assert capped == [min(late, 0.030) for late in free]
    assert set(drawn(ruled({"fill": {"median_ms": 12.5}}), FILL, 5)) == {0.0125}


def test_without_a_rule_for_kind_or_client_nothing_takes_time() -> None:
    latencies = ruled({"client": "mine", "ack": {"median_ms": 5}})
    assert drawn(latencies, ACK, 2) == [0.0, 0.0]
    mine = Caller("mine", "")
    assert (drawn(latencies, ACK, 1, mine), drawn(latencies, FEED, 1, mine)) == ([0.005], [0.0])


def test_a_rule_for_a_client_comes_before_that_for_everyone_and_counts_by_itself() -> None:
    everyone, mine = {"seed": 3, "ack": LOGNORMAL}, {"client": "agent", "seed": 4, "ack": LOGNORMAL}
    both = ruled(everyone, mine)
    mixed = [(both.draw_s(ACK, Caller("x", "")), both.draw_s(ACK, ANYBODY)) for _ in range(5)]
    assert [theirs for theirs, _ in mixed] == drawn(ruled(everyone), ACK, 5)
    assert [ours for _, ours in mixed] == drawn(ruled(mine), ACK, 5)
    both.set(read_latencies({**mine, "seed": 9}))
    assert [rule.seed for rule in both.rules] == [9, 3]


@pytest.mark.parametrize("wrong", [
    {}, {"ack": 5}, {"ack": {}}, {"ack": {"median_ms": -1}}, {"ack": {"median_ms": "5"}}, {"ack": {"median_ms": 5, "mean": 1}},
    {"ack": {"median_ms": 5, "sigma": 9}}, {"ack": {"median_ms": True}}, {"seed": -1, "ack": LOGNORMAL},
    {"seed": 1.5, "ack": LOGNORMAL}, {"client": 3, "ack": LOGNORMAL}, {"ack": LOGNORMAL, "color": "red"}, {"seed": 1},
    {"ack": {"median_ms": 60_001}}, {"ack": {"median_ms": 5, "most_ms": float("nan")}},
])
def test_latencies_that_are_none_are_refused_with_what_was_expected(wrong: dict[str, Any]) -> None:
    with pytest.raises(VenueRefusal, match=r"expected .* got"):
        read_latencies(wrong)


async def set_latencies(house: House, **rule: Any) -> None:
    status, answer = await asyncio.to_thread(post, house.url, "/control/latencies", rule)
    assert status == 200, answer


async def order(house: House, **sent: Any) -> tuple[int, Any]:
    asked = {**ORDER, "timestamp": house.wire.wire_ms(), **sent}
    return await asyncio.to_thread(signed, house.url, "POST", "/fapi/v1/order", **asked)


async def ledger(house: House) -> Any:
    return await asyncio.to_thread(get, house.url, "/control/ledger")


async def test_an_order_is_matched_when_it_arrives_and_not_before() -> None:
    async with served() as house:
        await set_latencies(house, ack={"median_ms": 400})
        asked_at = (await asyncio.to_thread(get, house.url, "/control/clock"))["market_ms"]
        asking = asyncio.create_task(order(house))
        await asyncio.sleep(0.2)
        assert (await ledger(house))["orders"] == []
        house.wire.advance(45_000)
        assert (await asking)[0] == 200
        (accepted,) = (await ledger(house))["orders"]
        assert accepted["accepted_market_ms"] == asked_at + 45_000
        drawn_so_far = (await asyncio.to_thread(get, house.url, "/control/latencies"))[0]["drawn"]
        assert drawn_so_far == {"ack": 1}  # reading takes no time


async def test_requests_on_one_connection_arrive_in_their_order() -> None:
    async with served() as house:
        await set_latencies(house, seed=2, ack={"median_ms": 10, "sigma": 2.0, "most_ms": 120})
        names = [f"order-{i}" for i in range(8)]
        host, port = house.url.removeprefix("http://").rstrip("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for name in names:  # all at once, none waits for the answer to the one before
            query = urlencode({**ORDER, "quantity": "0.1", "newClientOrderId": name, "timestamp": house.wire.wire_ms()})
            signature = hmac.new(b"s", query.encode(), hashlib.sha256).hexdigest()
            head = f"POST /fapi/v1/order?{query}&signature={signature} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: k\r\n"
            writer.write((head + "Content-Length: 0\r\n\r\n").encode())
        for _ in names:
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                length = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else length
            await reader.readexactly(length)
        writer.close()
        assert [o["client_order_id"] for o in (await ledger(house))["orders"]] == names


async def test_fills_are_told_later_than_the_answer_and_in_their_order() -> None:
    async with served() as house, house.socket(f"/private/ws/{await house.listen_key()}") as events:
        await set_latencies(house, client="k", seed=5, fill={"median_ms": 40, "sigma": 1.5, "most_ms": 300})
        for i in range(5):
            assert (await order(house, quantity="0.1", newClientOrderId=f"o{i}"))[0] == 200
        assert len((await ledger(house))["fills"]) == 5
        told = [await events.receive_json(timeout=5) for _ in range(20)]
        assert [e["o"]["c"] for e in told if e["e"] == "ORDER_TRADE_UPDATE"] == [f"o{i}" for i in range(5) for _ in range(2)]
        assert [e["e"] for e in told[:4]] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE"]


async def test_a_feed_is_late_for_its_client_and_for_no_other() -> None:
    async with served() as house:
        await set_latencies(house, client="slow", feed={"median_ms": 400})
        heard: list[tuple[str, int]] = []
        listening = asyncio.Semaphore(0)

        async def hear(agent: str) -> None:
            async with house.socket("/market/ws/btcusdt@markPrice@1s", headers={"User-Agent": agent}) as socket:
                listening.release()
                while (agent, 32_000) not in heard:
                    heard.append((agent, (await socket.receive_json(timeout=5))["E"] % 60_000))

        hearing = [asyncio.create_task(hear(agent)) for agent in ("slow", "quick")]
        for _ in hearing:
            await listening.acquire()
        for second in (31_000, 32_000):
            house.wire.advance(1_000)
            async with asyncio.timeout(5):
                while ("quick", second) not in heard:
                    await asyncio.sleep(0.01)
        await asyncio.gather(*hearing)
        for second in (31_000, 32_000):
            assert heard.index(("quick", second)) < heard.index(("slow", second))


async def test_latencies_are_shown_replaced_and_taken_away() -> None:
    async with served() as house:
        await set_latencies(house, seed=1, ack={"median_ms": 1})
        await set_latencies(house, seed=2, feed={"median_ms": 2, "sigma": 0.5})
        shown = await asyncio.to_thread(get, house.url, "/control/latencies")
        assert shown == [{
            "client": "", "seed": 2, "feed": {"median_ms": 2.0, "sigma": 0.5, "most_ms": 60_000.0}, "drawn": {},
        }]
        assert json.loads((await asyncio.to_thread(fetch, house.url + "/control/latencies", "DELETE"))[1]) == []
        status, answer = await asyncio.to_thread(post, house.url, "/control/latencies", {"ack": 3})
        assert (status, "expected" in answer["msg"]) == (400, True)


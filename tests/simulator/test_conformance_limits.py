"""Weights, order counts and bans on the wire, with their headers, and that the wire clock rules their windows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests
from binance import Client
from binance.exceptions import BinanceAPIException

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.binance.limits import (
    FUNDING_LIMIT,
    ORDERS_PER_TEN_SECONDS,
    REFUSALS_BEFORE_BAN,
    STATISTICS_LIMIT,
    WEIGHT_PER_MINUTE,
    OrderLimits,
    RateLimits,
)
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.known import Known
from tests.simulator.markets import WIRE_MS
from tests.simulator.pointing import BTC, keys, open_account, point
from tests.venue_process import running_venue

PRICE = f"{float(Known('BTCUSDT', 2).last()) * 0.97:.1f}"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": PRICE}
WEIGHT, TEN, MINUTE = "X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M"


@pytest.fixture
def strict() -> Iterator[str]:
    """A venue that refuses above its limits, its market a thousand times faster than the wire."""
    with running_venue(days=1, symbols="BTCUSDT", limits=True, speed=1_000.0) as url:
        yield url


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A connection that is kept."""
    with requests.Session() as kept:
        yield kept


def stay_in_one_window(seconds: int, room: int) -> None:
    """Wait for the next window where less than so many seconds are left of the present one."""
    left = seconds - time.time() % seconds
    if left < room:
        time.sleep(left)


def spent(session: requests.Session, url: str, path: str) -> int:
    """What a request adds to the weight of the minute."""
    stay_in_one_window(60, 2)
    before = int(session.get(url + "/fapi/v1/ping").headers[WEIGHT])
    return int(session.get(url + path).headers[WEIGHT]) - before


@pytest.mark.parametrize(("path", "weight"), [
    ("/fapi/v1/time", 1), ("/fapi/v1/exchangeInfo", 1),
    *((f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit={n}", w) for n, w in (
        (1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1_000, 5), (1_001, 10), (1_500, 10),
    )),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m", 5), ("/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m&limit=1500", 10),
    *((f"/fapi/v1/depth?symbol=BTCUSDT&limit={n}", w) for n, w in ((5, 2), (50, 2), (100, 5), (500, 10), (1_000, 20))),
    ("/fapi/v1/trades?symbol=BTCUSDT", 5), ("/fapi/v1/aggTrades?symbol=BTCUSDT", 20), ("/fapi/v1/ticker/24hr", 40),
    ("/fapi/v1/ticker/24hr?symbol=BTCUSDT", 1), ("/fapi/v1/ticker/bookTicker", 5), ("/fapi/v1/ticker/price?symbol=BTCUSDT", 1),
    ("/fapi/v1/premiumIndex", 10), ("/fapi/v1/openInterest?symbol=BTCUSDT", 1),
])
def test_a_request_weighs_what_the_exchange_says(session: requests.Session, floor: str, path: str, weight: int) -> None:
    assert spent(session, floor, path) == weight


def test_a_refused_request_reports_its_weight_too(session: requests.Session, floor: str) -> None:
    answer = session.get(floor + "/fapi/v1/klines?symbol=NOPE&interval=1m&limit=1")
    assert answer.status_code == 400
    assert int(answer.headers[WEIGHT]) >= 1


def test_orders_are_counted_one_by_one_and_batches_by_their_number(floor: str) -> None:
    client = point(ccxt.binanceusdm(keys(*open_account(floor))), floor)
    stay_in_one_window(10, 3)
    client.fapiPrivatePostOrder(LIMIT)
    assert client.last_response_headers[MINUTE] == client.last_response_headers[TEN] == "1"
    client.fapiPrivatePostBatchOrders({"batchOrders": [dict(LIMIT) for _ in range(4)]})
    assert client.last_response_headers[MINUTE] == client.last_response_headers[TEN] == "5"
    client.fapiPrivateDeleteAllOpenOrders({"symbol": "BTCUSDT"})
    assert MINUTE not in client.last_response_headers
    client.fapiPrivatePostAlgoOrder({
        "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "algoType": "CONDITIONAL", "quantity": "0.01",
        "triggerPrice": PRICE,
    })
    assert client.last_response_headers[MINUTE] == "6"


def test_too_much_weight_is_refused_then_banned_and_every_client_says_so(strict: str, session: requests.Session) -> None:
    stay_in_one_window(60, 10)
    answers = [session.get(f"{strict}/fapi/v1/ticker/24hr") for _ in range(75)]
    statuses = [a.status_code for a in answers]
    first = statuses.index(429)
    assert statuses[first : first + REFUSALS_BEFORE_BAN] == [429] * REFUSALS_BEFORE_BAN
    assert set(statuses[first + REFUSALS_BEFORE_BAN :]) == {418}
    assert answers[first].json()["code"] == -1003
    assert 1 <= int(answers[first].headers["Retry-After"]) <= 60
    assert int(answers[first].headers[WEIGHT]) > WEIGHT_PER_MINUTE
    assert 100 <= int(answers[-1].headers["Retry-After"]) <= 120
    with pytest.raises(ccxt.DDoSProtection, match="418"):
        point(ccxt.binanceusdm(keys()), strict).fetch_balance()
    client = Client("k", "s", ping=False)
    client.FUTURES_URL = strict + "/fapi"
    with pytest.raises(BinanceAPIException) as refused:
        client.futures_ping()
    assert (refused.value.status_code, refused.value.code) == (418, -1003)


def test_funding_has_five_hundred_requests_for_both_its_paths_whatever_the_market_clock_does(
    strict: str, session: requests.Session
) -> None:
    stay_in_one_window(FUNDING_LIMIT.window_ms // 1_000, 10)
    paths = ("/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1", "/fapi/v1/fundingInfo")
    statuses = [session.get(strict + paths[i % 2]).status_code for i in range(501)]
    assert statuses == [200] * 500 + [429]
    assert session.get(strict + "/fapi/v1/time").status_code == 200
    refused = session.get(strict + paths[1])
    assert 1 <= int(refused.headers["Retry-After"]) <= 300


def test_a_client_that_waits_as_told_is_served_again() -> None:
    clock = ManualClock(WIRE_MS)
    limits = RateLimits(clock.wire_ms, enforced=True)
    limits.spend(WEIGHT_PER_MINUTE)
    with pytest.raises(VenueRefusal) as refused:
        limits.spend(1)
    clock.advance(int(refused.value.headers["Retry-After"]) * 1_000)
    assert limits.spend(1) == {WEIGHT: "1"}


def test_bans_grow_each_twice_as_long_as_the_one_before_up_to_three_days() -> None:
    clock = ManualClock(WIRE_MS)
    limits = RateLimits(clock.wire_ms, enforced=True)
    lengths = []
    for _ in range(13):
        limits_refuse(limits, REFUSALS_BEFORE_BAN)
        with pytest.raises(VenueRefusal) as banned:
            limits.spend(WEIGHT_PER_MINUTE + 1)
        assert banned.value.status == 418
        lengths.append(int(banned.value.headers["Retry-After"]))
        clock.advance(lengths[-1] * 1_000)
    assert lengths == [min(120 * 2**i, 3 * 86_400) for i in range(13)]


def limits_refuse(limits: RateLimits, times: int) -> None:
    for _ in range(times):
        with pytest.raises(VenueRefusal) as refused:
            limits.spend(WEIGHT_PER_MINUTE + 1)
        assert refused.value.status == 429


def test_refusals_of_different_minutes_do_not_add_up_to_a_ban() -> None:
    clock = ManualClock(WIRE_MS)
    limits = RateLimits(clock.wire_ms, enforced=True)
    for _ in range(5):
        limits_refuse(limits, REFUSALS_BEFORE_BAN)
        clock.advance(60_000)
    assert limits.spend(1) == {WEIGHT: "1"}


def test_statistics_have_a_thousand_requests_in_five_minutes_of_their_own() -> None:
    clock = ManualClock(WIRE_MS)
    limits = RateLimits(clock.wire_ms, enforced=True)
    for _ in range(1_000):
        limits.spend(0, STATISTICS_LIMIT)
    limits.spend(0, FUNDING_LIMIT)
    with pytest.raises(VenueRefusal) as refused:
        limits.spend(0, STATISTICS_LIMIT)
    assert (refused.value.status, refused.value.code) == (429, -1003)
    clock.advance(int(refused.value.headers["Retry-After"]) * 1_000)
    limits.spend(0, STATISTICS_LIMIT)


def test_a_batch_that_goes_over_the_orders_of_ten_seconds_is_refused_until_they_are_over() -> None:
    clock = ManualClock(WIRE_MS)
    limits, orders = RateLimits(clock.wire_ms, enforced=True), OrderLimits()
    limits.spend_orders(orders, ORDERS_PER_TEN_SECONDS - 2)
    with pytest.raises(VenueRefusal) as refused:
        limits.spend_orders(orders, 5)
    assert (refused.value.status, refused.value.code) == (429, -1015)
    assert int(refused.value.headers["Retry-After"]) <= 10
    clock.advance(int(refused.value.headers["Retry-After"]) * 1_000)
    assert limits.spend_orders(orders, 5)[TEN] == "5"


def test_a_venue_that_does_not_enforce_counts_and_never_refuses() -> None:
    limits = RateLimits(ManualClock(WIRE_MS).wire_ms, enforced=False)
    limits.spend(10 * WEIGHT_PER_MINUTE)
    assert limits.spend(1) == {WEIGHT: str(10 * WEIGHT_PER_MINUTE + 1)}
    assert limits.spend_orders(OrderLimits(), 10_000)[TEN] == "10000"


def test_the_rule_book_and_the_account_name_the_limits(floor: str) -> None:
    client: Any = point(ccxt.binanceusdm(keys()), floor)
    named = {(r["rateLimitType"], r["interval"], int(r["intervalNum"])): int(r["limit"])
             for r in client.fapiPublicGetExchangeInfo()["rateLimits"]}
    assert named == {("REQUEST_WEIGHT", "MINUTE", 1): 2_400, ("ORDERS", "MINUTE", 1): 1_200, ("ORDERS", "SECOND", 10): 300}
    assert [int(r["limit"]) for r in client.fapiPrivateGetRateLimitOrder()] == [1_200, 300]
    assert client.fetch_order_book(BTC, 5)["nonce"] > 0

"""Refusals, signatures, limits and pages of the protocol, without a client library in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from huracan_platform.clock import ManualClock
from huracan_platform.simulator.bybit.limits import Limits
from huracan_platform.simulator.serving.problems import VenueRefusal
from tests.simulator.bybit.known import DAY, HOUR, MINUTE, START, Known
from tests.simulator.bybit.raw import LINEAR, call, code, result
from tests.simulator.markets import WIRE_MS
from tests.venue_process import running_venue

WALLET = "/v5/account/wallet-balance"
UNIFIED = {"accountType": "UNIFIED"}


@pytest.fixture(scope="module")
def limited() -> Iterator[str]:
    """A venue that refuses above its limits."""
    with running_venue(days=1, symbols="BTCUSDT", limits=True, protocol="bybit") as url:
        yield url


@pytest.mark.parametrize(("path", "sent", "message"), [
    ("kline", {"symbol": "BTCUSDT", "interval": "1"}, "Category is required"),
    ("kline", {**LINEAR, "category": "nothing", "interval": "1"}, "category only support"),
    ("kline", {**LINEAR, "interval": "7"}, "Invalid period!"),
    ("kline", {**LINEAR, "interval": "1", "limit": "1001"}, "limit: expected 1 to 1000, got 1001"),
    ("kline", {**LINEAR, "interval": "1", "start": "9", "end": "8"}, "start should be less than end"),
    ("kline", {**LINEAR, "symbol": "NOPEUSDT", "interval": "1"}, "Not supported symbols"),
    ("kline", {**LINEAR, "category": "spot", "interval": "1"}, "Not supported symbols"),
    ("funding/history", {**LINEAR, "limit": "201"}, "limit: expected 1 to 200, got 201"),
    ("open-interest", {**LINEAR, "intervalTime": "5m"}, "intervalTime is invalid"),
    ("open-interest", {**LINEAR, "intervalTime": "5min", "cursor": "x"}, "cursor is invalid"),
    ("account-ratio", {**LINEAR, "period": "2h"}, "period is invalid"),
    ("orderbook", {**LINEAR, "limit": "0"}, "limit: expected 1 to 1000, got 0"),
])
def test_what_is_wrong_with_a_query_is_told(still: str, path: str, sent: dict[str, str], message: str) -> None:
    status, _, answer = call(still, "GET", f"/v5/market/{path}", sent, sign=False)
    assert (status, answer["retCode"], answer["result"]) == (200, 10001, {})
    assert message in answer["retMsg"]


def test_an_unknown_path_and_method_are_404(still: str) -> None:
    assert call(still, "GET", "/v5/market/nothing", sign=False)[0] == 404
    assert call(still, "GET", "/v5/order/create", LINEAR)[0] == 404
    assert call(still, "GET", "/fapi/v1/time", sign=False)[0] == 404


@pytest.mark.parametrize(("expected", "how"), [
    (10003, {"key": "nobody"}), (10003, {"sign": False}), (10004, {"secret": "wrong"}), (10002, {"ahead_ms": -6_000}),
    (10002, {"ahead_ms": 2_000}), (0, {"ahead_ms": 500}), (0, {"ahead_ms": -4_000}), (0, {"ahead_ms": -6_000, "window": 10_000}),
    (0, {"window": None}),
])
def test_who_asks_and_when_is_checked(still: str, expected: int, how: dict[str, Any]) -> None:
    assert code(still, "GET", WALLET, UNIFIED, **how) == expected


def test_a_body_is_signed_as_it_is_sent(own: str) -> None:
    path, nine = "/v5/position/set-leverage", {**LINEAR, "buyLeverage": "9", "sellLeverage": "9"}
    assert code(own, "POST", path, nine) == 0
    assert code(own, "POST", path, nine) == 110043
    assert code(own, "POST", path, {**nine, "sellLeverage": "8"}) == 10001
    assert code(own, "POST", path, nine, secret="x") == 10004


@pytest.mark.parametrize(("expected", "change"), [
    (10001, {"side": "BUY"}), (10001, {"orderType": "Stop"}), (10001, {"qty": "0"}), (10001, {"qty": "0.0001"}),
    (10001, {"qty": "x"}), (10001, {"orderType": "Limit"}),
    (10001, {"orderType": "Limit", "price": "80000.05"}), (10001, {"positionIdx": 1}),
    (10001, {"orderLinkId": "a b"}), (10001, {"orderType": "Limit", "price": "80000", "timeInForce": "GTX"}),
    (10001, {"triggerPrice": "80000"}), (110057, {"stopLoss": "70000"}), (110003, {"orderType": "Limit", "price": "200000"}),
    (110007, {"qty": "40"}), (110094, {"qty": "0.001"}), (110017, {"reduceOnly": True}), (10001, {"symbol": "NOPEUSDT"}),
    (110016, {"qty": "5000"}),
])
def test_an_order_that_is_not_taken_says_why(own: str, expected: int, change: dict[str, Any]) -> None:
    order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.1"}
    assert code(own, "POST", "/v5/order/create", order | change) == expected


def test_orders_that_are_not_there_are_110001(own: str) -> None:
    for path in ("cancel", "amend"):
        assert code(own, "POST", f"/v5/order/{path}", {**LINEAR, "orderId": "1"}) == 110001
        assert code(own, "POST", f"/v5/order/{path}", {**LINEAR, "orderLinkId": "none"}) == 110001
        assert code(own, "POST", f"/v5/order/{path}", LINEAR) == 10001
    assert code(own, "GET", "/v5/order/realtime", {"category": "linear"}) == 10001
    assert result(own, "GET", "/v5/order/realtime", {"category": "linear", "orderId": "1"})["list"] == []


def test_a_query_of_more_than_seven_days_is_refused(own: str) -> None:
    sent = {"category": "linear", "startTime": START, "endTime": START + 8 * DAY}
    for path in ("/v5/execution/list", "/v5/order/history", "/v5/position/closed-pnl"):
        assert code(own, "GET", path, sent) == 10001


def test_bars_page_backwards_without_gap_or_overlap(still: str, known: Known) -> None:
    opens: list[int] = []
    end = known.now
    while end >= START:
        sent = {**LINEAR, "interval": "1", "end": end, "limit": 1_000}
        rows = result(still, "GET", "/v5/market/kline", sent, sign=False)["list"]
        opens += [int(row[0]) for row in rows]
        end = opens[-1] - 1
    assert opens == list(range(known.now, START - 1, -MINUTE))


def test_overlapping_queries_answer_alike(still: str) -> None:
    sent = {**LINEAR, "interval": "5", "start": START, "end": START + 10 * HOUR}
    whole = result(still, "GET", "/v5/market/kline", sent, sign=False)["list"]
    part = result(still, "GET", "/v5/market/kline", {**sent, "start": START + 5 * HOUR}, sign=False)["list"]
    assert len(whole) == 121
    assert part == whole[:61]


def test_the_answer_says_what_is_left_of_a_limit(still: str) -> None:
    _, headers, _ = call(still, "GET", "/v5/account/info")
    assert headers["X-Bapi-Limit"] == "50"
    assert 0 <= int(headers["X-Bapi-Limit-Status"]) < 50


def test_too_many_requests_of_a_key_are_10006_until_the_second_is_over(limited: str) -> None:
    for _ in range(500):
        status, headers, answer = call(limited, "GET", "/v5/account/fee-rate", LINEAR)
        if answer["retCode"]:
            break
    assert (status, answer["retCode"], answer["retMsg"]) == (200, 10006, "Too many visits. Exceeded the API Rate Limit.")
    assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("10", "0")
    assert 0 <= int(headers["X-Bapi-Limit-Reset-Timestamp"]) - answer["time"] <= 1_000


def test_keys_and_paths_have_limits_of_their_own() -> None:
    clock = ManualClock(WIRE_MS)
    limits = Limits(clock.wire_ms, enforced=True)
    left = [limits.spend("k", "/a", 2)["X-Bapi-Limit-Status"] for _ in range(2)]
    assert left == ["1", "0"]
    assert limits.spend("other", "/a", 2)["X-Bapi-Limit-Status"] == "1"
    assert limits.spend("k", "/b", 2)["X-Bapi-Limit-Status"] == "1"
    with pytest.raises(VenueRefusal) as refused:
        limits.spend("k", "/a", 2)
    assert (refused.value.code, refused.value.headers["X-Bapi-Limit-Reset-Timestamp"]) == (10006, str(WIRE_MS + 1_000))
    clock.advance(1_000)
    assert limits.spend("k", "/a", 2)["X-Bapi-Limit-Status"] == "1"


def test_an_address_is_turned_away_for_ten_minutes_after_600_requests_in_five_seconds() -> None:
    clock = ManualClock(WIRE_MS)
    limits = Limits(clock.wire_ms, enforced=True)
    for _ in range(600):
        limits.spend_address()
    for wait in (0, 599_999):
        clock.advance(wait)
        with pytest.raises(VenueRefusal) as refused:
            limits.spend_address()
        assert refused.value.status == 403
    clock.advance(1)
    limits.spend_address()


def test_limits_that_are_not_enforced_only_report() -> None:
    limits = Limits(ManualClock(WIRE_MS).wire_ms, enforced=False)
    assert [limits.spend("k", "/a", 1)["X-Bapi-Limit-Status"] for _ in range(3)] == ["0", "0", "0"]
    for _ in range(700):
        limits.spend_address()

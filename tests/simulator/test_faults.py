"""Faults on demand do what they say, and the ledger tells what really happened."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from tests.simulator.raw import fetch, get, post, signed
from tests.venue_process import running_venue

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}


def order(url: str, client_id: str) -> tuple[int, Any]:
    return signed(url, "POST", "/fapi/v1/order", **ORDER, newClientOrderId=client_id)


def arm(url: str, **fault: Any) -> None:
    status, answer = post(url, "/control/faults", {"path": "/fapi/v1/order", "method": "POST", **fault})
    assert status == 200, answer


def accepts(url: str, client_id: str) -> int:
    counts: dict[str, int] = get(url, "/control/ledger")["accepts"]
    return counts.get(client_id, 0)


@pytest.fixture
def trading(shared: str) -> str:
    """The module's venue without a fault armed; each test has client order ids of its own."""
    fetch(shared + "/control/faults", "DELETE")
    return shared


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    """One venue for the module, its market paused."""
    with running_venue(days=1, symbols="BTCUSDT") as url:
        yield url


def test_a_dropped_response_leaves_an_accepted_order(trading: str) -> None:
    arm(trading, kind="drop_response")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        order(trading, "lost")
    assert accepts(trading, "lost") == 1
    status, found = signed(trading, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="lost")
    assert (status, found["status"]) == (200, "FILLED")
    assert order(trading, "next")[0] == 200


def test_a_response_dropped_before_acceptance_leaves_nothing(trading: str) -> None:
    arm(trading, kind="drop_response", when="before")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        order(trading, "never")
    assert accepts(trading, "never") == 0
    assert signed(trading, "GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="never")[1]["code"] == -2013


@pytest.mark.parametrize(("body", "status", "text"), [
    ("html_502", 502, "<html>"), ("html_500", 500, "<html>"), ("unknown_503", 503, "-1006"), ("timeout_503", 503, "-1007"),
    ("truncated", 200, '{"orderId":80000'), ("ok_error", 200, "-1007"), ("limit_429", 429, "-1003"),
])
def test_an_error_body_comes_instead_of_the_answer_of_an_accepted_order(trading: str, body: str, status: int, text: str) -> None:
    arm(trading, kind="http_error", body=body)
    with pytest.raises(json.JSONDecodeError) if body in ("html_502", "html_500", "truncated") else nullcontext():
        assert order(trading, f"odd-{body}")[0] == status
    assert accepts(trading, f"odd-{body}") == 1
    arm(trading, kind="http_error", body=body, method="GET", path="/fapi/v1/ping")
    answered, raw = fetch(trading + "/fapi/v1/ping")
    assert answered == status
    assert text in raw.decode()
    assert fetch(trading + "/fapi/v1/ping") == (200, b"{}")


def test_a_delay_before_or_after_acceptance_and_a_count(trading: str) -> None:
    arm(trading, kind="delay", delay_ms=300, when="before", count=2)
    for name in ("one", "two", "three"):
        began = time.monotonic()
        assert order(trading, name)[0] == 200
        late = time.monotonic() - began
        assert late >= 0.3 if name != "three" else late < 0.3


def test_faults_meet_only_their_path_and_method_and_can_be_cleared(trading: str) -> None:
    arm(trading, kind="http_error", body="html_502", count=100)
    assert fetch(trading + "/fapi/v1/ping")[0] == 200
    assert signed(trading, "GET", "/fapi/v1/openOrders")[0] == 200
    assert len(get(trading, "/control/faults")) == 1
    assert fetch(trading + "/control/faults", "DELETE") == (200, b"[]")
    assert order(trading, "fine")[0] == 200


@pytest.mark.parametrize("wrong", [
    {"kind": "meteor"}, {"kind": "delay", "delay_ms": -1}, {"kind": "delay", "count": 0}, {"kind": "http_error", "body": "odd"},
    {"kind": "delay", "path": "/control"}, {"kind": "delay", "when": "never"}, {"kind": "delay", "color": "red"},
])
def test_a_fault_that_is_none_is_refused(paused: str, wrong: dict[str, object]) -> None:
    status, answer = post(paused, "/control/faults", wrong)
    assert status == 400
    assert "expected" in answer["msg"]


def test_the_ledger_holds_orders_fills_position_and_cash(fresh: str) -> None:
    order(fresh, "a")
    signed(
        fresh, "POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side="SELL", algoType="CONDITIONAL", type="STOP_MARKET",
        triggerPrice="50000", quantity="0.01", reduceOnly="true", clientAlgoId="a-stop",
    )
    books = get(fresh, "/control/ledger")
    assert [(o["client_order_id"], o["conditional"], o["status"]) for o in books["orders"]] == [
        ("a", False, "FILLED"), ("a-stop", True, "NEW"),
    ]
    assert books["accepts"] == {"a": 1, "a-stop": 1}
    assert books["positions"]["BTCUSDT"]["amount"] == "0.010"
    fill = books["fills"][0]
    assert float(books["balances"]["USDT"]["wallet"]) == pytest.approx(100_000 - float(fill["commission"]), abs=1e-9)
    assert abs(books["orders"][0]["accepted_wire_ms"] - time.time() * 1000) < 60_000


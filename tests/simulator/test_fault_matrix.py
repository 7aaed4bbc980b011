"""Every fault of requests by every part of its scope, over TCP: it strikes whom and what it is meant for, and nothing else."""

from __future__ import annotations

import http.client
import json
import time
from itertools import pairwise
from typing import Any

import pytest

from huracan_platform.simulator.faults.chance import uniform
from tests.simulator.armed import LONG_AGO, A, B, arm, strikes
from tests.simulator.raw import fetch, get, post

KLINES = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=9"
TIME = "/fapi/v1/time"
SKEW_MS = 60_000
pytestmark = pytest.mark.usefixtures("disarmed")


REQUEST_FAULTS: dict[str, dict[str, Any]] = {
    "drop_response": {"when": "before"}, "delay": {"delay_ms": 1}, "http_error": {"body": "html_502"},
    "refusal": {"code": -1007, "status": 503}, "clock_skew": {"delay_ms": SKEW_MS}, "missing_candle": {}, "revised_candle": {},
}
STANDING = ("clock_skew",)


def asks(url: str, kind: str, client: str) -> bool:
    """Ask as a client would whose key and agent have that name in them; whether the fault struck, by what came of it."""
    headers, path = {"X-MBX-APIKEY": client, "User-Agent": f"agent-of-{client}/1"}, TIME if kind == "clock_skew" else KLINES
    before = len(strikes(url))
    try:
        status, body = fetch(url + path, headers=headers)
    except (http.client.RemoteDisconnected, ConnectionError):
        status, body = 0, b""
    new = strikes(url)[before:]
    assert len(new) <= 1
    if new:
        assert (new[0]["kind"], new[0]["method"], new[0]["client"], new[0]["target"]) == (kind, "GET", client, path.split("?")[0])
    assert _is_odd(kind, status, body) == (bool(new) and kind != "delay")
    return bool(new)


def _is_odd(kind: str, status: int, body: bytes) -> bool:
    if status != 200:
        return True
    answer = json.loads(body)
    if kind == "clock_skew":
        return bool(answer["serverTime"] - time.time() * 1_000 > SKEW_MS / 2)
    closes = [row[0] for row in answer]
    if len(answer) != 9 or any(after - before != 60_000 for before, after in pairwise(closes)):
        return True
    return kind == "revised_candle" and answer[4][4] in (answer[4][2], answer[4][3])


def half(seed: int, number: int) -> list[bool]:
    """Which of the first so many are struck with a probability of one half."""
    return [uniform(seed, "fault", k) < 0.5 for k in range(1, number + 1)]


# Scope, and who asks one after the other, with whether it is struck.
REQUEST_SCOPES: dict[str, tuple[dict[str, Any], list[tuple[str, bool]]]] = {
    "api key": ({"client": A}, [(B, False), (A, True), (B, False)]),
    "agent": ({"client": f"agent-of-{A}"}, [(B, False), (A, True), (B, False)]),
    "its path": ({"path": "/fapi/v1"}, [(A, True)]),
    "another path": ({"path": "/fapi/v1/depth"}, [(A, False), (B, False)]),
    "its method": ({"method": "get"}, [(B, True)]),
    "another method": ({"method": "POST"}, [(A, False)]),
    "time to come": ({"from_ms": 60_000}, [(A, False)]),
    "time past": ({"until_ms": LONG_AGO}, [(A, False)]),
    "present time": ({"from_ms": LONG_AGO, "until_ms": 60_000}, [(A, True)]),
    "chance": ({"client": A, "count": 99, "probability": 0.5, "seed": 4}, [
        pair for struck in half(4, 8) for pair in ((A, struck), (B, False))
    ]),
}


@pytest.mark.parametrize("scope", REQUEST_SCOPES)
@pytest.mark.parametrize("kind", REQUEST_FAULTS)
def test_a_fault_of_requests_strikes_within_its_scope_only(venue: str, kind: str, scope: str) -> None:
    within, asked = REQUEST_SCOPES[scope]
    if kind == "revised_candle":
        post(venue, "/control/clock", {"speed": 0})
    arm(venue, {"kind": kind, **REQUEST_FAULTS[kind], **within})
    found = [(client, asks(venue, kind, client)) for client, _ in asked]
    post(venue, "/control/clock", {"speed": 3_000})
    assert found == asked


@pytest.mark.parametrize("kind", REQUEST_FAULTS)
def test_a_fault_of_requests_is_used_up_unless_it_stands(venue: str, kind: str) -> None:
    arm(venue, {"kind": kind, **REQUEST_FAULTS[kind], "count": 2})
    assert [asks(venue, kind, A) for _ in range(4)] == ([True] * 4 if kind in STANDING else [True, True, False, False])


def test_a_script_is_taken_whole_or_not_at_all_and_disarmed_by_number(venue: str) -> None:
    wrong = [{"kind": "delay"}, {"kind": "meteor"}]
    status, answer = post(venue, "/control/faults", wrong)
    assert (status, "expected one of" in answer["msg"], get(venue, "/control/faults")) == (400, True, [])
    arm(venue, {"kind": "delay", "until_ms": 5_000}, {"kind": "refusal", "code": -1, "from_ms": 7_000, "until_ms": 9_000})
    first, second = get(venue, "/control/faults")
    assert second["id"] == first["id"] + 1
    assert (first["from_ms"], second["until_ms"] - second["from_ms"]) == (0, 2_000)
    assert 0 < first["until_ms"] - time.time() * 1_000 <= 5_000
    assert [f["id"] for f in json.loads(fetch(f"{venue}/control/faults?id={first['id']}", "DELETE")[1])] == [second["id"]]


@pytest.mark.parametrize("wrong", [
    {"kind": "delay", "probability": 0}, {"kind": "delay", "probability": 1.5}, {"kind": "delay", "probability": "1"},
    {"kind": "cut_sockets", "probability": 0.5}, {"kind": "delay", "seed": -1}, {"kind": "delay", "from_ms": -1},
    {"kind": "delay", "until_ms": -5}, {"kind": "cut_sockets", "path": "/fapi"}, {"kind": "missing_candle", "path": "/market"},
    {"kind": "delay", "id": 3}, {"kind": "delay", "met": 3}, [], [3], "delay",
])
def test_a_wrong_fault_is_refused_with_what_was_expected(venue: str, wrong: Any) -> None:
    status, answer = post(venue, "/control/faults", wrong)
    assert (status, get(venue, "/control/faults")) == (400, [])
    assert "expected" in answer["msg"]
    assert "got" in answer["msg"]

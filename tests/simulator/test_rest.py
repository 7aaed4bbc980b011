"""What the venue serves over plain HTTP agrees with itself, and refuses as the exchange does."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

import pytest

from tests.simulator.raw import fetch, get, post, signed
from tests.venue_process import running_venue

START = 1_735_689_600_000
NOW = START + 3 * 86_400_000
MINUTE = 60_000


def klines(url: str, **query: object) -> bytes:
    text = "&".join(f"{k}={v}" for k, v in {"symbol": "BTCUSDT", "interval": "1m", **query}.items())
    return fetch(f"{url}/fapi/v1/klines?{text}")[1]


def test_overlapping_requests_in_any_order_give_identical_bytes(paused: str) -> None:
    late = klines(paused, startTime=START + 1_400 * MINUTE, limit=100)
    early = klines(paused, startTime=START + 1_350 * MINUTE, limit=100)
    whole = klines(paused, startTime=START + 1_350 * MINUTE, limit=150)
    assert whole.startswith(early[:-1])
    assert whole.endswith(late[1:])
    assert len(json.loads(whole)) == 150
    assert klines(paused, startTime=START + 1_400 * MINUTE, limit=100) == late


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_with_other_symbols(paused: str) -> None:
    with running_venue(days=5, symbols="SOLUSDT,BTCUSDT") as other:
        for query in ({"startTime": START, "limit": 1_500}, {"interval": "1h", "startTime": START, "limit": 70}):
            assert klines(paused, **query) == klines(other, **query)
        path = f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={START + 90 * MINUTE}&limit=200"
        assert fetch(paused + path)[1] == fetch(other + path)[1]


def test_another_seed_gives_other_bytes(paused: str) -> None:
    with running_venue(days=1, seed=8, symbols="BTCUSDT") as other:
        assert klines(paused, startTime=START) != klines(other, startTime=START)
        assert get(other, "/control/identity")["venue"] == "sim2-s8"


@pytest.mark.parametrize(("query", "first", "count"), [
    ({"startTime": START, "limit": 10}, START, 10),
    ({"startTime": START + 1, "limit": 10}, START + MINUTE, 10),
    ({"startTime": START, "endTime": START + 3 * MINUTE}, START, 4),
    ({"endTime": START + 9 * MINUTE, "limit": 5}, START + 5 * MINUTE, 5),
    ({"startTime": START - 7 * MINUTE, "limit": 2}, START, 2),
    ({"startTime": NOW + MINUTE}, None, 0),
    ({"limit": 3}, NOW - 2 * MINUTE, 3),
])
def test_a_range_of_bars_begins_and_ends_where_it_was_asked(
    paused: str, query: dict[str, int], first: int | None, count: int
) -> None:
    rows = json.loads(klines(paused, **query))
    assert len(rows) == count
    assert [r[0] for r in rows] == [] if first is None else [first + i * MINUTE for i in range(count)]


def test_a_bar_is_the_sum_of_the_trades_served_for_it(paused: str) -> None:
    bar = json.loads(klines(paused, startTime=START + 77 * MINUTE, limit=1))[0]
    trades = get(paused, f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={bar[0]}&endTime={bar[6]}&limit=1000")
    volume = sum(round(float(t["q"]) * 1000) for t in trades)
    assert trades[0]["p"] == bar[1]
    assert trades[-1]["p"] == bar[4]
    assert max(float(t["p"]) for t in trades) == float(bar[2])
    assert min(float(t["p"]) for t in trades) == float(bar[3])
    assert volume == round(float(bar[5]) * 1000)
    assert len(trades) == bar[8]
    assert sum(round(float(t["q"]) * 1000) for t in trades if not t["m"]) == round(float(bar[9]) * 1000)
    assert sum(float(t["p"]) * float(t["q"]) for t in trades) == pytest.approx(float(bar[7]), rel=1e-12)


def test_trades_are_numbered_one_by_one_over_minutes_and_can_be_asked_for_by_number(paused: str) -> None:
    path = "/fapi/v1/aggTrades?symbol=BTCUSDT"
    trades = get(paused, f"{path}&startTime={START + 80 * MINUTE}&limit=1000")
    assert len({t["T"] // MINUTE for t in trades}) > 20
    first = trades[0]["a"]
    assert [t["a"] for t in trades] == list(range(first, first + 1000))
    assert all(t["f"] == t["l"] == t["a"] for t in trades)
    for at in (0, 1, 17, 333, 999):
        assert get(paused, f"{path}&fromId={first + at}&limit=1") == [trades[at]]
    bars = json.loads(klines(paused, startTime=START, limit=80))
    assert first == sum(bar[8] for bar in bars)


def test_minutes_roll_up_to_the_served_hour(paused: str) -> None:
    hour = json.loads(klines(paused, interval="1h", startTime=START + 30 * 3_600_000, limit=1))[0]
    minutes = json.loads(klines(paused, startTime=hour[0], limit=60))
    assert hour[1] == minutes[0][1]
    assert hour[4] == minutes[-1][4]
    assert float(hour[2]) == max(float(m[2]) for m in minutes)
    assert float(hour[3]) == min(float(m[3]) for m in minutes)
    for column in (5, 7, 9, 10):
        assert float(hour[column]) == pytest.approx(sum(float(m[column]) for m in minutes), rel=1e-12)


def test_only_bars_that_have_begun_are_served_and_the_running_one_holds_the_trades_so_far(paused: str) -> None:
    running = json.loads(klines(paused, limit=1))[0]
    assert running[0] == NOW
    first = get(paused, f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={NOW}&limit=10")
    assert [t["p"] for t in first] == [running[1]]
    assert running[1] == running[2] == running[3] == running[4]
    assert running[8] == 1


def test_depth_is_sorted_and_stands_around_the_last_trade(paused: str) -> None:
    book = get(paused, "/fapi/v1/depth?symbol=ETHUSDT&limit=50")
    bids, asks = ([float(p) for p, _ in book[side]] for side in ("bids", "asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    last = float(get(paused, "/fapi/v1/ticker/price?symbol=ETHUSDT")["price"])
    assert bids[0] <= last <= asks[0]
    assert bids[0] < asks[0]
    assert len(bids) == len(asks) == 50


def test_funding_is_served_once_it_is_settled(paused: str) -> None:
    rows = get(paused, "/fapi/v1/fundingRate?symbol=SOLUSDT&limit=1000")
    assert [r["fundingTime"] for r in rows] == [START + i * 28_800_000 for i in range(1, 10)]
    premium = get(paused, "/fapi/v1/premiumIndex?symbol=SOLUSDT")
    assert premium["lastFundingRate"] == rows[-1]["fundingRate"]
    assert premium["nextFundingTime"] == NOW + 28_800_000


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/fapi/v1/klines?interval=1m", 400, -1102),
    ("/fapi/v1/klines?symbol=NOPE&interval=1m", 400, -1121),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", 400, -1120),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=0", 400, -1130),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1501", 400, -1130),
    ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=soon", 400, -1130),
    ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, -4021),
    ("/fapi/v1/nothing", 404, -5000),
])
def test_a_wrong_request_gets_the_code_that_says_so(paused: str, path: str, status: int, code: int) -> None:
    answered, body = fetch(paused + path)
    assert (answered, json.loads(body)["code"]) == (status, code)


def test_signatures_keys_and_ages_are_checked(paused: str) -> None:
    account = ("GET", "/fapi/v2/account")
    now = int(time.time() * 1000)
    assert signed(paused, *account)[0] == 200
    assert signed(paused, *account, secret="x")[1]["code"] == -1022
    assert signed(paused, *account, key="x") == (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
    assert signed(paused, *account, timestamp=now - 6_000)[1]["code"] == -1021
    assert signed(paused, *account, timestamp=now - 6_000, recvWindow=20_000)[0] == 200
    assert signed(paused, *account, timestamp=now + 5_000)[1]["code"] == -1021
    assert signed(paused, *account, timestamp="")[1]["code"] == -1102
    assert json.loads(fetch(paused + "/fapi/v2/account")[1])["code"] == -2014
    assert json.loads(fetch(paused + "/fapi/v2/account", headers={"X-MBX-APIKEY": "k"})[1])["code"] == -1102


def test_weights_are_counted_and_refused_above_the_limit() -> None:
    with running_venue(days=1, symbols="BTCUSDT", limits=True) as url:
        statuses = [fetch(f"{url}/fapi/v1/ticker/24hr")[0] for _ in range(75)]
        assert statuses[:60] == [200] * 60
        assert 429 in statuses
        assert statuses[-1] == 418


def test_the_market_clock_runs_pauses_and_moves_forward_only(fresh: str) -> None:
    begin = get(fresh, "/control/clock")
    assert begin["speed"] == 0
    assert begin["market_ms"] == START + 86_400_000
    status, after = post(fresh, "/control/clock", {"market_ms": begin["market_ms"] + 5 * MINUTE})
    assert (status, after["market_ms"]) == (200, begin["market_ms"] + 5 * MINUTE)
    assert post(fresh, "/control/clock", {"speed": 600})[0] == 200
    time.sleep(0.3)
    moved = post(fresh, "/control/clock", {"speed": 0})[1]["market_ms"] - after["market_ms"]
    assert 180_000 <= moved < 2_000_000
    for wrong in ({"market_ms": START}, {"speed": -1}, {"speed": "fast"}, {"hours": 2}, {}, [1]):
        status, answer = post(fresh, "/control/clock", wrong)
        assert status == 400, wrong
        assert "expected" in answer["msg"]


def test_a_clock_that_is_refused_in_part_stays_as_it_was(fresh: str) -> None:
    begin = get(fresh, "/control/clock")
    assert post(fresh, "/control/clock", {"market_ms": begin["market_ms"] + MINUTE, "speed": -1})[0] == 400
    assert get(fresh, "/control/clock") == begin


def test_market_time_never_enters_the_wire_clock(paused: str) -> None:
    assert abs(get(paused, "/fapi/v1/time")["serverTime"] - time.time() * 1000) < 2_000


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (["--replay", "/nonexistent"], 78, "expected a directory, got /nonexistent"),
    (["--symbols", "FOO"], 78, "expected BASE/USDT:USDT or BASEUSDT, got 'FOO'"),
    (["--days", "0"], 78, "expected 1 to 2000, got 0"),
    (["--speed", "-2"], 78, "expected 0 to 100000"),
    (["--port", "99999"], 78, "expected 0 to 65535, got 99999"),
    (["--days", "many"], 2, "Invalid value for '--days'"),
])
def test_wrong_options_end_the_process_with_a_clear_message(arguments: list[str], code: int, message: str) -> None:
    ended = start_and_wait(["--port", "0", *arguments])
    assert ended.returncode == code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_taken_port_ends_the_process_with_a_clear_message() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = start_and_wait(["--port", str(port)])
    assert ended.returncode == 2
    assert f"expected to listen on 127.0.0.1:{port}" in ended.stderr


def start_and_wait(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "huracan_platform.cli.main", "venue", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

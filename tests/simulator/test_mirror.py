"""A venue that mirrors another one over TCP: the same prices, orders matched here, and nothing passed over in silence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

import ccxt.pro
import pytest

from huracan_platform.simulator.market.synthetic import generate_market
from tests.simulator.forwarder import Forwarder, forwarding
from tests.simulator.pointing import BTC, keys, point
from tests.simulator.raw import fetch, get, post, signed
from tests.simulator.test_streams import collect, listen
from tests.venue_process import running_mirror, running_venue

MINUTE = 60_000
SPEED = 60.0
SYMBOLS = ("BTCUSDT", "ETHUSDT")

pytestmark = pytest.mark.slow


@dataclass
class World:
    """A source whose market runs, and its mirror behind a forwarder."""

    source: str
    mirror: str
    between: Forwarder
    stderr: IO[str]

    def pause(self) -> None:
        """Let the source stand still until the mirror has come to rest."""
        assert post(self.source, "/control/clock", {"speed": 0})[0] == 200
        until(lambda: levels(self.source) == levels(self.mirror))

    def go(self, speed: float = SPEED) -> None:
        """Let the source go on."""
        assert post(self.source, "/control/clock", {"speed": speed})[0] == 200

    def now(self) -> int:
        """The mirror's market time, ms UTC."""
        return int(get(self.mirror, "/control/clock")["market_ms"])

    def gaps(self) -> list[dict[str, Any]]:
        """What the mirror says it has missed."""
        found: list[dict[str, Any]] = get(self.mirror, "/control/identity")["gaps"]
        return found

    def buy(self, **order: Any) -> tuple[int, Any]:
        """An order at the mirror."""
        return signed(self.mirror, "POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", quantity="0.01", **order)

    def order(self, number: int) -> Any:
        """The order as the mirror tells it."""
        return signed(self.mirror, "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=number)[1]


def levels(url: str) -> list[Any]:
    """Both sides of a book."""
    book = get(url, "/fapi/v1/depth?symbol=BTCUSDT&limit=500")
    return [book["bids"], book["asks"]]


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to be true."""
    for _ in range(round(seconds * 20)):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"expected it within {seconds} s, got none")


def complete(url: str, symbol: str, interval: str, end: int, limit: int = 1_000) -> list[Any]:
    """Bars that have ended at a market time."""
    rows = get(url, f"/fapi/v1/klines?symbol={symbol}&interval={interval}&limit={limit}&endTime={end}")
    return [row for row in rows if row[6] < end]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One source and one mirror for all tests of the module."""
    with (
        running_venue(days=1, symbols=",".join(SYMBOLS), speed=SPEED) as source, forwarding(source) as between,
        running_mirror(between.url, symbols=",".join(SYMBOLS)) as (mirror, stderr),
    ):
        yield World(source, mirror, between, stderr)


@pytest.fixture(autouse=True)
def running(world: World) -> Iterator[None]:
    """Each test begins with a source that runs and is reached."""
    world.go()
    yield
    fetch(f"{world.source}/control/faults", "DELETE")


@pytest.mark.parametrize("interval", ["1m", "5m", "1h"])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_that_have_ended_are_those_of_the_source(world: World, symbol: str, interval: str) -> None:
    now = world.now()
    mirrored = complete(world.mirror, symbol, interval, now)
    assert len(mirrored) >= 24
    assert mirrored == complete(world.source, symbol, interval, now)


async def test_streamed_bars_equal_the_fetched_ones_and_follow_without_a_hole(world: World) -> None:
    messages = await collect(listen(world.mirror, "/market/ws", ["btcusdt@kline_1m"]), 40)
    closed = [m["k"] for m in messages if m["k"]["x"]]
    opens = [b["t"] for b in closed]
    assert opens == [opens[0] + i * MINUTE for i in range(len(opens))]
    streamed = [[b["t"], b["o"], b["h"], b["l"], b["c"], b["v"], b["T"], b["q"], b["n"], b["V"], b["Q"], "0"] for b in closed]
    assert len(streamed) >= 5
    for url in (world.mirror, world.source):
        assert get(url, f"/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime={opens[0]}&limit={len(opens)}") == streamed


def test_trades_marks_settlements_and_open_interest_are_those_of_the_source(world: World) -> None:
    path = "/fapi/v1/aggTrades?symbol=ETHUSDT&limit=50"
    until(lambda: len(get(world.mirror, path)) == 50)
    trades = get(world.mirror, path)
    assert trades == get(world.source, f"/fapi/v1/aggTrades?symbol=ETHUSDT&fromId={trades[0]['a']}&limit=50")
    world.pause()
    until(lambda: mark(world.mirror) == mark(world.source))
    for path in ("fapi/v1/fundingRate?symbol=ETHUSDT&limit=100", "futures/data/openInterestHist?symbol=ETHUSDT&period=5m"):
        mirrored = get(world.mirror, f"/{path}")
        assert len(mirrored) > 1
        assert mirrored == get(world.source, f"/{path}")


def mark(url: str) -> dict[str, Any]:
    """Mark, rate and next settlement."""
    told: dict[str, Any] = get(url, "/fapi/v1/premiumIndex?symbol=ETHUSDT")
    return {name: value for name, value in told.items() if name != "time"}


def test_rules_are_those_of_the_source(world: World) -> None:
    of = {url: get(url, "/fapi/v1/exchangeInfo")["symbols"] for url in (world.source, world.mirror)}
    for mirrored, told in zip(of[world.mirror], of[world.source], strict=True):
        assert mirrored["filters"] == told["filters"]


def test_the_mirror_names_its_source_and_runs_on_its_clock(world: World) -> None:
    assert get(world.mirror, "/control/identity")["venue"] == f"mirror-127.0.0.1-{world.between.url.rsplit(':', 1)[1]}"
    status, body = post(world.mirror, "/control/clock", {"speed": 2})
    assert (status, body["msg"]) == (400, "speed: expected none, got 2.0: a mirror runs on the clock of its source")
    assert post(world.mirror, "/control/clock", {"market_ms": world.now() + MINUTE})[0] == 400
    assert world.now() <= get(world.source, "/control/clock")["market_ms"] < world.now() + 2 * MINUTE


def test_a_market_order_is_filled_at_the_best_price_of_the_source(world: World) -> None:
    world.pause()
    best = get(world.source, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")
    status, order = world.buy(type="MARKET", newOrderRespType="RESULT")
    assert (status, order["status"], float(order["avgPrice"])) == (200, "FILLED", float(best["askPrice"]))


def rest_below(world: World) -> tuple[int, float]:
    """A buy order three ticks below the best bid of a source that stands still: its id and price."""
    world.pause()
    price = float(get(world.source, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")["bidPrice"]) - 0.3
    status, order = world.buy(type="LIMIT", timeInForce="GTC", price=f"{price:.1f}")
    assert (status, order["status"]) == (200, "NEW")
    return order["orderId"], price


def test_a_resting_order_is_filled_when_the_source_trades_through_it(world: World) -> None:
    began = world.now()
    number, price = rest_below(world)
    world.go()
    until(lambda: world.order(number)["status"] == "FILLED", 60)
    order = world.order(number)
    assert float(order["avgPrice"]) == pytest.approx(price)
    trades = get(world.source, f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={began}&limit=1000")
    assert order["updateTime"] in [t["T"] for t in trades if float(t["p"]) <= price]


def test_what_is_missed_while_a_socket_is_cut_is_fetched_and_matched_in_order(world: World) -> None:
    before = len(world.gaps())
    number, price = rest_below(world)
    began = world.now()
    world.between.cut()
    until(lambda: world.buy(type="MARKET")[0] == 503)
    world.go()
    path = f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={began}&limit=1000"
    until(lambda: any(float(t["p"]) < price for t in get(world.source, path)), 60)
    time.sleep(3)  # some minutes more
    assert world.order(number)["status"] == "NEW"
    through = next(t["T"] for t in get(world.source, path) if float(t["p"]) < price)
    world.between.mend()
    until(lambda: world.order(number)["status"] == "FILLED", 60)
    order = world.order(number)
    assert float(order["avgPrice"]) == pytest.approx(price)
    assert order["updateTime"] <= through
    now = world.now()
    assert complete(world.mirror, "BTCUSDT", "1m", now) == complete(world.source, "BTCUSDT", "1m", now)
    assert len(world.gaps()) == before
    world.stderr.seek(0)
    first, second = world.stderr.read().splitlines()
    assert first.startswith(f"mirror: {world.between.url} is not reached, prices stand still: ")
    assert second == f"mirror: {world.between.url} is reached again"


def test_a_missing_stretch_of_the_trade_stream_is_fetched(world: World) -> None:
    before = len(world.gaps())
    assert post(world.source, "/control/faults", {"kind": "silent_stream", "stream": "btcusdt@aggTrade"})[0] == 200
    began = world.now()
    until(lambda: world.now() > began + 3 * MINUTE)
    fetch(f"{world.source}/control/faults", "DELETE")
    now = world.now()
    path = f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={began}&endTime={now - now % MINUTE - 1}&limit=1000"
    numbers = [t["a"] for t in get(world.mirror, path)]
    assert len(numbers) > 20
    assert numbers == [t["a"] for t in get(world.source, path)]
    assert len(world.gaps()) == before


def test_trades_that_cannot_be_had_are_told_and_fill_nothing(world: World) -> None:
    number, _ = rest_below(world)
    fault = {"kind": "http_error", "path": "/fapi/v1/aggTrades", "status": 500, "count": 100_000}
    for wanted in (fault, {"kind": "silent_stream", "stream": "btcusdt@aggTrade"}):
        assert post(world.source, "/control/faults", wanted)[0] == 200
    world.go()
    began = world.now()
    until(lambda: any(g["symbol"] == "BTCUSDT" and g["to_ms"] >= began + 2 * MINUTE for g in world.gaps()), 60)
    fetch(f"{world.source}/control/faults", "DELETE")
    gap = world.gaps()[-1]
    assert gap["what"] == "trades"
    assert gap["from_ms"] % MINUTE == gap["to_ms"] % MINUTE == 0
    now = world.now()
    assert complete(world.mirror, "BTCUSDT", "1m", now) == complete(world.source, "BTCUSDT", "1m", now)
    order = world.order(number)
    assert order["status"] == "NEW" or not gap["from_ms"] < order["updateTime"] < gap["to_ms"]
    assert signed(world.mirror, "DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")[0] == 200


def test_a_book_that_misses_a_difference_is_fetched_anew(world: World) -> None:
    for _ in range(3):
        assert post(world.source, "/control/faults", {"kind": "book_gap", "stream": "btcusdt@depth@100ms"})[0] == 200
        time.sleep(0.5)
    world.pause()
    assert levels(world.mirror) == levels(world.source)


@pytest.mark.parametrize("kind", ["duplicate_event", "reorder_events", "late_event"])
def test_events_that_come_twice_late_or_out_of_order_change_nothing(world: World, kind: str) -> None:
    before, began = len(world.gaps()), world.now()
    for stream in ("btcusdt@aggTrade", "btcusdt@depth", "btcusdt@kline_1m"):
        assert post(world.source, "/control/faults", {"kind": kind, "stream": stream, "count": 20, "delay_ms": 300})[0] == 200
    until(lambda: world.now() > began + 3 * MINUTE)
    now = world.now()
    path = f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={began}&endTime={now - now % MINUTE - 1}&limit=1000"
    mirrored, told = (get(url, path) for url in (world.mirror, world.source))
    assert sorted(mirrored, key=lambda t: t["a"]) == told
    assert complete(world.mirror, "BTCUSDT", "1m", now) == complete(world.source, "BTCUSDT", "1m", now)
    assert len(world.gaps()) == before
    world.pause()


async def test_forced_orders_are_those_of_the_source(world: World) -> None:
    told = (await collect(listen(world.mirror, "/ws", ["!forceOrder@arr"]), 3))[-1]["o"]
    known = generate_market(SYMBOLS, 7, 1).symbols[told["s"]]
    assert known.liquidations is not None
    rows = known.liquidations.between(told["T"], told["T"] + 1)
    assert (told["S"], Decimal(told["z"]), Decimal(told["ap"])) in [
        (
            "SELL" if known.liquidations.long[row] else "BUY", known.instrument.quantity(int(known.liquidations.lots[row])),
            known.instrument.price(int(known.liquidations.price_ticks[row])),
        )
        for row in rows
    ]


async def test_ccxt_works_unmodified(world: World) -> None:
    exchange = point(ccxt.pro.binanceusdm(keys()), world.mirror)
    try:
        await exchange.load_markets()
        candles = await exchange.fetch_ohlcv(BTC, "1m", limit=100)
        assert len(candles) == 100
        async with asyncio.timeout(20):
            trades = await exchange.watch_trades(BTC)
            book = await exchange.watch_order_book(BTC)
        assert trades[0]["price"] == pytest.approx(candles[-1][4], rel=0.05)
        assert book["bids"][0][0] < book["asks"][0][0]
        order = await exchange.create_order(BTC, "market", "buy", 0.01)
        assert (await exchange.fetch_order(order["id"], BTC))["status"] == "closed"
    finally:
        await exchange.close()


def test_a_source_that_begins_anew_is_waited_for_and_followed(world: World) -> None:
    def market_ms() -> int:
        return int(get(mirror, "/control/clock")["market_ms"])

    with (
        running_venue(days=1, symbols="BTCUSDT") as first, running_venue(days=1, symbols="BTCUSDT") as second,
        forwarding(first) as between, running_mirror(between.url, symbols="BTCUSDT") as (mirror, _),
    ):
        now = market_ms()
        assert post(first, "/control/clock", {"market_ms": now + 7 * MINUTE + 1_000})[0] == 200
        until(lambda: market_ms() >= now + 7 * MINUTE)
        between.target = second
        between.cut()
        between.mend()
        order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", "type": "MARKET"}
        until(lambda: signed(mirror, "POST", "/fapi/v1/order", **order)[0] == 503)
        end = now + 20 * MINUTE
        assert post(second, "/control/clock", {"market_ms": end + 1_000})[0] == 200
        until(lambda: market_ms() >= end)
        assert complete(mirror, "BTCUSDT", "1m", end) == complete(second, "BTCUSDT", "1m", end)
        assert get(mirror, "/control/identity")["gaps"] == []


def test_a_source_that_is_not_there_stops_the_start() -> None:
    reason = r"http://127\.0\.0\.1:9/fapi/v1/exchangeInfo: expected an answer, got"
    with pytest.raises(RuntimeError, match=reason), running_mirror("http://127.0.0.1:9", symbols="BTCUSDT"):
        pass


def test_a_symbol_that_the_source_lacks_stops_the_start(world: World) -> None:
    reason = r"expected some of the 2 perpetuals that the source lists, got \['XRPUSDT'\]"
    with pytest.raises(RuntimeError, match=reason), running_mirror(world.source, symbols="BTCUSDT,XRPUSDT"):
        pass


def test_a_mirror_has_no_seed_speed_start_or_replay() -> None:
    command = [sys.executable, "-m", "huracan_platform.cli.main", "venue", "--port", "0", "--mirror", "http://127.0.0.1:9"]
    ended = subprocess.run([*command, "--seed", "7", "--speed", "2"], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78
    without = "--replay, --seed, --speed, --start, --begins, --ends"
    assert f"--mirror: expected it without {without}, got --seed 7 --speed 2" in ended.stderr

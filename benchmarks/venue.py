"""The simulated venue over HTTP: how fast it serves and takes, seen by a client that costs next to nothing.

klines: pages of 1,500 minutes over two keep-alive connections, the next one asked for before this one is read; rows are
counted by the length of each answer, which the first, untimed pass parsed. orders: signed placements and cancels over four
connections, a market that moves in real time, five orders of each connection resting at a time; every one is accepted, and
the venue's ledger has them. latency: from the first byte sent to the last received, a placement and a ping in turns on one
connection, with latencies off; the ping goes through the same server and middleware, and does nothing. matching and memory are
measured by the modules of these names.

    python -m benchmarks.venue [--repeats 5] [--areas klines,orders,latency,matching,memory]
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.connection import Connection, Request, connections, get
from benchmarks.matching import matching_benchmark
from benchmarks.memory import memory_benchmark
from huracan_platform.clock import MINUTE_MS
from huracan_platform.settings import Settings
from tests.venue_process import running_venue

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "BNB/USDT:USDT", "XRP/USDT:USDT")
T0 = 1_735_689_600_000
DAYS = 30
PAGE_ROWS = 1_500
ROWS_BAR, ORDERS_BAR, LATENCY_BAR = 300_000, 800, 2.0
RESTING = 5
ORDER = "/fapi/v1/order"
TRADED, TICK, QUANTITY = "BTCUSDT", Decimal("0.1"), "0.002"
BELOW = Decimal("0.99")  # within the price band, out of the market's reach


def at_least(area: str, peer: str, ratio: float) -> dict[str, Any]:
    return {"area": area, "peer": peer, "ratio": round(ratio, 2), "bar": 1.0, "holds": bool(ratio >= 1.0)}


def at_most(area: str, ratio: float) -> dict[str, Any]:
    return {
        "area": area, "peer": "ping of the same server", "ratio": round(float(ratio), 2), "bar": LATENCY_BAR,
        "holds": bool(ratio <= LATENCY_BAR),
    }


def served(asked: Sequence[Connection], targets: Sequence[str]) -> Iterator[memoryview]:
    """Answers in the order of the targets, a question under way on every connection."""
    for connection, target in zip(asked, targets, strict=False):
        connection.send(get(target))
    for i in range(len(targets)):
        connection = asked[i % len(asked)]
        yield connection.receive()
        if i + len(asked) < len(targets):
            connection.send(get(targets[i + len(asked)]))


def klines_benchmark(repeats: int) -> list[dict[str, Any]]:
    markets = [s.split("/")[0] + "USDT" for s in SYMBOLS]
    starts = range(T0, T0 + DAYS * 1440 * MINUTE_MS, PAGE_ROWS * MINUTE_MS)
    targets = [
        f"/fapi/v1/klines?symbol={market}&interval=1m&startTime={start}&limit={PAGE_ROWS}"
        for start in starts for market in markets
    ]
    rates = []
    with running_venue(days=DAYS + 2, symbols=",".join(SYMBOLS)) as url, connections(url, 2) as asked:
        began = time.perf_counter()
        lengths, rows = [], 0
        for body in served(asked, targets):
            parsed = json.loads(bytes(body))
            assert len(parsed) == PAGE_ROWS
            assert len(parsed[0]) == 12
            lengths.append(len(body))
            rows += len(parsed)
        print(f"klines, pages built and parsed: {rows / (time.perf_counter() - began):,.0f} rows/s")
        for _ in range(repeats):
            began = time.perf_counter()
            assert [len(body) for body in served(asked, targets)] == lengths
            rates.append(rows / (time.perf_counter() - began))
    print(f"klines served: {', '.join(f'{r:,.0f}' for r in rates)} rows/s")
    return [at_least("venue, klines served", f"{ROWS_BAR:,} rows/s", statistics.median(rates) / ROWS_BAR)]


@dataclass(frozen=True)
class Trader:
    """Signs as the settings' default account, and knows where an order rests."""

    key: str
    secret: bytes
    price: Decimal

    def _signed(self, **parameters: str) -> str:
        pairs = {"timestamp": str(time.time_ns() // 1_000_000), "symbol": TRADED, **parameters, "recvWindow": "10000"}
        query = "&".join(f"{name}={value}" for name, value in pairs.items())
        return f"{query}&signature={hmac.new(self.secret, query.encode(), hashlib.sha256).hexdigest()}"

    def placing(self, client_order_id: str) -> Request:
        """A limit order that rests."""
        form = self._signed(
            side="BUY", type="LIMIT", timeInForce="GTC", quantity=QUANTITY, price=str(self.price),
            newClientOrderId=client_order_id, newOrderRespType="RESULT",
        )
        return Request("POST", ORDER, self.key, form)

    def cancelling(self, client_order_id: str) -> Request:
        """The end of one."""
        return Request("DELETE", f"{ORDER}?{self._signed(origClientOrderId=client_order_id)}", self.key)


@contextmanager
def trading_venue(number: int) -> Iterator[tuple[Trader, list[Connection]]]:
    """A venue whose market runs in real time, and connections to it."""
    account = Settings().venue
    with running_venue(days=2, speed=1.0, symbols="BTC/USDT:USDT") as url, connections(url, number) as asked:
        last = json.loads(bytes(asked[0].ask(get(f"/fapi/v1/ticker/price?symbol={TRADED}"))))
        price = (Decimal(last["price"]) * BELOW / TICK).to_integral_value() * TICK
        yield Trader(account.api_key.get_secret_value(), account.api_secret.get_secret_value().encode(), price), asked


def order_round(trader: Trader, asked: Sequence[Connection], ids: Iterator[int]) -> int:
    """Each connection places some orders and cancels them, a request of every connection under way; returns the placements."""
    names = [[f"b{next(ids)}" for _ in range(RESTING)] for _ in asked]
    for request in (trader.placing, trader.cancelling):
        for step in range(RESTING):
            for connection, mine in zip(asked, names, strict=True):
                connection.send(request(mine[step]))
            for connection, mine in zip(asked, names, strict=True):
                assert mine[step].encode() in bytes(connection.receive())
    return RESTING * len(asked)


def ledger_states(asked: Connection) -> dict[str, int]:
    """How many orders the venue's ledger has in each state."""
    states: dict[str, int] = {}
    for order in json.loads(bytes(asked.ask(get("/control/ledger"))))["orders"]:
        states[order["status"]] = states.get(order["status"], 0) + 1
    return states


def children_cpu_s() -> float:
    """CPU seconds of the processes that this one has started and that still run."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(") ")[2].split()
            if int(fields[1]) == os.getpid():
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def orders_benchmark(repeats: int, rounds: int = 100) -> list[dict[str, Any]]:
    rates, placed, ids = [], 0, itertools.count()
    with trading_venue(4) as (trader, asked):
        placed += order_round(trader, asked, ids)
        cpu, warmed = children_cpu_s(), placed
        for _ in range(repeats):
            began = time.perf_counter()
            done = sum(order_round(trader, asked, ids) for _ in range(rounds))
            rates.append(done / (time.perf_counter() - began))
            placed += done
        cpu = children_cpu_s() - cpu
        states = ledger_states(asked[0])
        assert states == {"CANCELED": placed}, (states, placed)
    print(f"orders placed and cancelled: {', '.join(f'{r:,.0f}' for r in rates)} a second, {placed:,} in the ledger")
    print(f"orders placed and cancelled: {(placed - warmed) / cpu:,.0f} a second of the venue's CPU")
    ratio = statistics.median(rates) / ORDERS_BAR
    return [at_least("venue, orders placed, each also cancelled", f"{ORDERS_BAR} orders/s", ratio)]


def latency_benchmark(repeats: int, each: int = 5_000) -> list[dict[str, Any]]:
    ratios: dict[int, list[float]] = {50: [], 99: []}
    ids, ping = itertools.count(), get("/fapi/v1/ping")
    with trading_venue(1) as (trader, (asked,)):
        for repeat in range(repeats + 1):
            acks, pings = np.empty(each), np.empty(each)
            for i in range(each):
                name = f"l{next(ids)}"
                pings[i] = took(asked, ping)
                acks[i] = took(asked, trader.placing(name))
                asked.ask(trader.cancelling(name))
            if repeat == 0:
                continue
            told = []
            for percent in ratios:
                ours, peer = np.percentile(acks, percent), np.percentile(pings, percent)
                ratios[percent].append(ours / peer)
                told.append(f"p{percent} {ours * 1e3:.3f} ms, ping {peer * 1e3:.3f} ms")
            print(f"order ack: {'; '.join(told)}")
        states = ledger_states(asked)
        assert states == {"CANCELED": each * (repeats + 1)}, states
    return [at_most(f"venue, order ack at p{percent}", statistics.median(found)) for percent, found in ratios.items()]


def took(asked: Connection, request: Request) -> float:
    began = time.perf_counter()
    asked.ask(request)
    return time.perf_counter() - began


AREAS: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    "klines": klines_benchmark, "orders": orders_benchmark, "latency": latency_benchmark,
    "matching": lambda repeats: [matching_benchmark(repeats)],
    "memory": lambda _repeats: [memory_benchmark(trading=trading) for trading in (False, True)],
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--areas", default=",".join(AREAS), help="comma-separated")
    args = options.parse_args()
    lines = [found for area in args.areas.split(",") for found in AREAS[area](args.repeats)]
    for found in lines:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

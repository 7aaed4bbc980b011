"""Resident memory of a simulated venue over a month of market time at speed, streams heard, without and with clients trading.

Market streams and all user streams are heard; in the second run three accounts place market orders, and limit orders that they
cancel, as fast as the machine lets them. How much the process has after the first market day is the measure, how much more
thirty days later the result. The venue keeps every order ever sent, under 1 kB each: that is what the second run shows.

    python -m benchmarks.venue --areas memory
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from huracan_platform.clock import DAY_MS

KEYS = ("k", "c0", "c1")
QUANTITY = {"BTCUSDT": ("0.01", 1), "ETHUSDT": ("0.2", 2)}  # and decimals of the price
STREAMS = "btcusdt@kline_1m/btcusdt@aggTrade/ethusdt@depth@100ms/!markPrice@arr@1s/btcusdt@bookTicker"
MOST_GROWTH = 0.02
COMMAND = (
    "-m", "huracan_platform.cli.main", "venue", "--port", "0", "--seed", "7", "--days", "2", "--speed", "0", "--symbols",
    "BTC/USDT:USDT,ETH/USDT:USDT", "--no-limits",
)


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


class Clients:
    """What talks to the venue."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url, self.orders = session, url, 0

    async def ask(self, method: str, path: str, key: str = "", **kwargs: Any) -> Any:
        async with self.session.request(method, self.url + path, headers={"X-MBX-APIKEY": key}, **kwargs) as answer:
            return await answer.json(content_type=None)

    async def signed(self, method: str, path: str, key: str, **sent: str) -> Any:
        query = urlencode({**sent, "timestamp": int(time.time() * 1_000)})
        signature = hmac.new(b"s", query.encode(), hashlib.sha256).hexdigest()
        return await self.ask(method, f"{path}?{query}&signature={signature}", key)

    async def hear(self, path: str) -> None:
        async with self.session.ws_connect(self.url.replace("http", "ws", 1) + path, max_msg_size=0) as socket:
            async for _ in socket:
                pass

    async def trade(self, key: str, seed: int) -> None:
        rng = random.Random(seed)
        while True:
            symbol = rng.choice(list(QUANTITY))
            quantity, decimals = QUANTITY[symbol]
            common = {"symbol": symbol, "quantity": quantity}
            await self.signed("POST", "/fapi/v1/order", key, side=rng.choice(["BUY", "SELL"]), type="MARKET", **common)
            last = float((await self.ask("GET", f"/fapi/v1/ticker/price?symbol={symbol}"))["price"])
            order = await self.signed("POST", "/fapi/v1/order", key, side="BUY", type="LIMIT", timeInForce="GTC",
                                      price=f"{last * 0.99:.{decimals}f}", **common)
            if "orderId" in order:
                await self.signed("DELETE", "/fapi/v1/order", key, symbol=symbol, orderId=str(order["orderId"]))
            self.orders += 2
            await asyncio.sleep(0.1)

    async def market_ms(self) -> int:
        return int((await self.ask("GET", "/control/clock"))["market_ms"])


async def measure(url: str, pid: int, days: float, speed: float, *, trading: bool) -> tuple[float, float]:
    """MiB after the first market day and after so many."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        clients = Clients(session, url)
        tasks = [group.create_task(clients.hear(f"/stream?streams={STREAMS}"))]
        for number, key in enumerate(KEYS):
            if number:
                await clients.ask("POST", "/control/accounts", json={"api_key": key, "api_secret": "s", "balance": "1000000"})
            listen_key = (await clients.ask("POST", "/fapi/v1/listenKey", key))["listenKey"]
            tasks += [group.create_task(clients.hear(f"/private/ws?listenKey={listen_key}"))]
            tasks += [group.create_task(clients.trade(key, number))] if trading else []
        begin, first = await clients.market_ms(), 0.0
        await clients.ask("POST", "/control/clock", json={"speed": speed})
        while (gone := (await clients.market_ms() - begin) / DAY_MS) < days:
            if gone >= 1 and not first:
                first = resident_mib(pid)
            await asyncio.sleep(0.2)
        assert (clients.orders > 0) == trading
        print(f"{clients.orders:,} orders in {gone:.1f} market days")
        for task in tasks:
            task.cancel()
    return first, resident_mib(pid)


def memory_benchmark(*, trading: bool, days: int = 30, speed: float = 20_000.0) -> dict[str, Any]:
    """How much memory grows over so many market days after the first, against the bar."""
    process = subprocess.Popen([sys.executable, *COMMAND], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        first, last = asyncio.run(measure(url, process.pid, days + 1, speed, trading=trading))
    finally:
        process.terminate()
        process.wait()
    growth = last / first - 1
    print(f"resident: {first:.1f} MiB after the first market day, {last:.1f} MiB at the end")
    area = f"venue, memory grown in {days} market days{', clients trading' if trading else ''}"
    return {
        "area": area, "peer": "after the first market day", "ratio": round(growth, 4),
        "bar": MOST_GROWTH, "holds": growth < MOST_GROWTH,
    }

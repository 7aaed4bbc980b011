"""Two clients asking in any order get identical answers; the same seed gives the same bytes in any process; what is streamed
is what is fetched."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import requests

from tests.simulator.known import DAY, HOUR, MINUTE, START
from tests.simulator.raw import get, signed
from tests.simulator.test_streams import collect, listen
from tests.venue_process import running_venue

NOW = START + 2 * DAY
SYMBOLS = ("BTCUSDT", "ETHUSDT")
INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
PERIODS = ("5m", "15m", "1h", "4h")
STATISTICS = ("openInterestHist", "globalLongShortAccountRatio", "topLongShortAccountRatio", "takerlongshortRatio")


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[str, str]]:
    """Two venues of one seed, both at a standstill, in processes of their own."""
    with running_venue(days=2, symbols="BTCUSDT,ETHUSDT") as one, running_venue(days=2, symbols="BTCUSDT,ETHUSDT") as other:
        yield one, other


def random_paths(count: int, seed: int) -> list[str]:
    """So many different public requests of every kind, at random times and of random sizes."""
    dice = random.Random(seed)

    def bars() -> str:
        path = dice.choice(("klines?symbol=", "markPriceKlines?symbol=", "continuousKlines?contractType=PERPETUAL&pair="))
        size = dice.choice((1, 7, 100, 499, 1_000, 1_500))
        return f"/fapi/v1/{path}{dice.choice(SYMBOLS)}&interval={dice.choice(INTERVALS)}&startTime={moment()}&limit={size}"

    def moment() -> int:
        return dice.randrange(START - HOUR, NOW + HOUR)

    def latest_bars() -> str:
        return f"/fapi/v1/klines?symbol={dice.choice(SYMBOLS)}&interval={dice.choice(INTERVALS)}&limit={dice.randrange(1, 200)}"

    def bars_between() -> str:
        first, last = sorted((moment(), moment()))
        return f"/fapi/v1/klines?symbol={dice.choice(SYMBOLS)}&interval=5m&startTime={first}&endTime={last}"

    def trades() -> str:
        kind = dice.choice(("trades", "aggTrades", "historicalTrades"))
        return f"/fapi/v1/{kind}?symbol={dice.choice(SYMBOLS)}&limit={dice.randrange(1, 1_000)}"

    def old_trades() -> str:
        return f"/fapi/v1/aggTrades?symbol={dice.choice(SYMBOLS)}&startTime={moment()}&limit={dice.randrange(1, 1_000)}"

    def depth() -> str:
        return f"/fapi/v1/depth?symbol={dice.choice(SYMBOLS)}&limit={dice.choice((5, 10, 20, 50, 100, 500, 1_000))}"

    def tickers() -> str:
        path = dice.choice(("ticker/24hr", "ticker/price", "ticker/bookTicker", "premiumIndex", "openInterest"))
        return f"/fapi/v1/{path}?symbol={dice.choice(SYMBOLS)}"

    def funding() -> str:
        return f"/fapi/v1/fundingRate?symbol={dice.choice(SYMBOLS)}&startTime={moment()}&limit={dice.randrange(1, 10)}"

    def statistics() -> str:
        query = f"symbol={dice.choice(SYMBOLS)}&period={dice.choice(PERIODS)}&limit={dice.randrange(1, 500)}"
        return f"/futures/data/{dice.choice(STATISTICS)}?{query}"

    makers = (bars, bars, bars, latest_bars, bars_between, trades, old_trades, depth, tickers, funding, statistics)
    found: dict[str, None] = {}
    while len(found) < count:
        found[dice.choice(makers)()] = None
    return list(found)


def answers(url: str, paths: list[str], seed: int) -> dict[str, bytes]:
    """What a client gets that asks in an order of its own."""
    order = list(paths)
    random.Random(seed).shuffle(order)
    with requests.Session() as session:
        return {path: session.get(url + path, timeout=60).content for path in order}


def test_four_clients_of_two_processes_asking_in_any_order_get_the_same_bytes(twins: tuple[str, str]) -> None:
    paths = random_paths(200, seed=20)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: answers(twins[seed % 2], paths, seed), range(4)))
    assert found[0] == found[1] == found[2] == found[3]
    assert all(body[:1] in b"[{" and b'"code"' not in body for body in found[0].values())
    assert sum(len(body) for body in found[0].values()) > 2_000_000


def test_the_same_orders_leave_the_same_accounts_in_both_processes(twins: tuple[str, str]) -> None:
    dice, reads = random.Random(5), []
    last = {s: Decimal(get(twins[0], f"/fapi/v1/ticker/price?symbol={s}")["price"]) for s in SYMBOLS}
    for _ in range(30):
        symbol, side = dice.choice(SYMBOLS), dice.choice(("BUY", "SELL"))
        order = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": f"{dice.randrange(100, 2_000) / 1_000:.3f}"}
        if dice.random() < 0.5:
            price = last[symbol] * Decimal(dice.randrange(9_700, 10_300)) / 10_000
            order |= {"type": "LIMIT", "timeInForce": dice.choice(("GTC", "IOC")), "price": f"{price:.1f}"}
        results = [signed(url, "POST", "/fapi/v1/order", newClientOrderId=f"twin{len(reads)}", **order) for url in twins]
        assert results[0] == results[1]
        reads.append(results[0][0])
    assert reads.count(200) > 20
    for path in ("/fapi/v3/account", "/fapi/v3/balance", "/fapi/v2/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/income"):
        assert signed(twins[0], "GET", path) == signed(twins[1], "GET", path), path
    for symbol in SYMBOLS:
        for path in ("/fapi/v1/userTrades", "/fapi/v1/allOrders"):
            one, other = (signed(url, "GET", path, symbol=symbol) for url in twins)
            assert one == other
            assert len(one[1]) > 5


def test_overlapping_pages_are_cut_out_of_the_same_bytes(twins: tuple[str, str]) -> None:
    """Any page of bars is the middle of any other that holds it."""
    dice = random.Random(9)

    def page(url: str, first: int, count: int) -> bytes:
        path = f"/fapi/v1/klines?symbol=ETHUSDT&interval=1m&startTime={START + first * MINUTE}&limit={count}"
        return requests.get(url + path, timeout=20).content[1:-1]

    whole = page(twins[0], 900, 1_500)
    for _ in range(20):
        first = dice.randrange(900, 2_300)
        count = dice.randrange(1, 2_400 - first)
        assert page(dice.choice(twins), first, count) in whole


async def test_streamed_closed_bars_of_every_interval_and_symbol_equal_the_fetched_ones(fast: str) -> None:
    wanted = {(s, i): minutes for s in ("BTCUSDT", "ETHUSDT", "SOLUSDT") for i, minutes in (("1m", 1), ("5m", 5), ("15m", 15))}
    names = [f"{symbol.lower()}@kline_{interval}" for symbol, interval in wanted]
    closed: dict[tuple[str, str], list[list[object]]] = {key: [] for key in wanted}
    async for message in listen(fast, "/market/stream?streams=" + "/".join(names)):
        bar = message["data"]["k"]
        if bar["x"]:
            closed[bar["s"], bar["i"]].append([*(bar[name] for name in "tohlcvTqnVQ"), "0"])
        if all(len(bars) >= 2 for bars in closed.values()):
            break
    for (symbol, interval), bars in closed.items():
        first = bars[0][0]
        assert [b[0] for b in bars] == [first + i * wanted[symbol, interval] * MINUTE for i in range(len(bars))]
        assert bars == get(fast, f"/fapi/v1/klines?symbol={symbol}&interval={interval}&startTime={first}&limit={len(bars)}")


async def test_streamed_trades_equal_the_fetched_ones_whoever_listens(fast: str) -> None:
    heard = await collect(listen(fast, "/market/ws", ["ethusdt@aggTrade"]), 300)
    fields = ("a", "p", "q", "f", "l", "T", "m")
    streamed = [{name: message[name] for name in fields} for message in heard]
    fetched = get(fast, f"/fapi/v1/aggTrades?symbol=ETHUSDT&fromId={streamed[0]['a']}&limit=300")
    assert [{name: trade[name] for name in fields} for trade in fetched] == streamed

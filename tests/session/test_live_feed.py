"""The live feed against a scripted client: order, exactly once, holes, reconnects, revisions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import numpy as np
import pytest

from huracan_platform.clock import MINUTE_MS, ManualClock
from huracan_platform.contracts.market import ClosedBar
from huracan_platform.errors import PermanentError
from huracan_platform.settings import Settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.live_feed import LiveFeed
from huracan_platform.venues.market import MarketData
from tests.venue_process import running_venue

SYMBOL = "BTC/USDT:USDT"
START = 1_735_689_600_000


def bar_values(ts: int, bump: float = 0.0) -> tuple[float, float, float, float, float]:
    """A bar that depends on its time, so that a shifted one is noticed."""
    base = 90_000.0 + (ts - START) / MINUTE_MS
    return base, base + 5.0, base - 5.0, base + 1.0 + bump, 10.0


class ScriptedClient:
    """Stands in for ccxt.pro: frames are pushed by the test, REST serves what the test says the venue has."""

    id = "scripted"

    def __init__(self, clock: ManualClock) -> None:
        self.last_response_headers: dict[str, str] = {}
        self.clock = clock
        self.missing: set[int] = set()
        self.bumped: dict[int, float] = {}
        self.rest_calls = 0
        self.rest_down = False
        self.closed = False
        self.failures: asyncio.Queue[Exception] = asyncio.Queue()

    async def load_markets(self) -> None:
        return None

    def market(self, symbol: str) -> dict[str, str]:
        if symbol != SYMBOL:
            raise ccxt.BadSymbol(f"{symbol} is unknown")
        return {"id": "BTCUSDT"}

    def handle_ohlcv(self, connection: Any, message: dict[str, Any]) -> None:
        return None

    async def watch_ohlcv_for_symbols(self, wanted: list[list[str]]) -> None:
        raise await self.failures.get()

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        self.rest_calls += 1
        if self.rest_down:
            raise ccxt.RequestTimeout("no answer")
        until = min(self.clock.market_ms(), since + limit * MINUTE_MS)
        times = [ts for ts in range(since, until, MINUTE_MS) if ts not in self.missing]
        return [[ts, *bar_values(ts, self.bumped.get(ts, 0.0))] for ts in times]

    async def close(self) -> None:
        self.closed = True

    def push(self, ts: int, *, closed: bool, bump: float = 0.0) -> None:
        """One kline frame as the venue sends it."""
        kline = dict(zip("ohlcv", map(str, bar_values(ts, bump)), strict=True))
        self.handle_ohlcv(None, {"e": "kline", "k": {"t": ts, "s": "BTCUSDT", "i": "1m", "x": closed, **kline}})


@asynccontextmanager
async def feeding(clock: ManualClock, client: ScriptedClient) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(client, clock, {SYMBOL: START}, settle_ms=2_000, poll_s=0.01)
    await feed.start()
    try:
        yield feed
    finally:
        await feed.close()
    assert client.closed


async def take(feed: LiveFeed, count: int, timeout_s: float = 2.0) -> list[ClosedBar]:
    """Bars until there are `count`, or the time is over."""
    bars: list[ClosedBar] = []
    give_up = asyncio.get_running_loop().time() + timeout_s
    while len(bars) < count and asyncio.get_running_loop().time() < give_up:
        bars += await feed.next_bars(0.02)
    return bars


@pytest.fixture
def clock() -> ManualClock:
    """Ten seconds into the sixth minute: five bars are over and settled."""
    return ManualClock(START + 5 * MINUTE_MS + 10_000)


@pytest.fixture
def client(clock: ManualClock) -> ScriptedClient:
    return ScriptedClient(clock)


def minutes(bars: list[ClosedBar]) -> list[int]:
    return [(b.ts_ms - START) // MINUTE_MS for b in bars]


async def test_bars_up_to_now_come_through_rest_first_and_streamed_ones_follow(
    clock: ManualClock, client: ScriptedClient
) -> None:
    async with feeding(clock, client) as feed:
        assert minutes(await take(feed, 5)) == [0, 1, 2, 3, 4]
        clock.advance(MINUTE_MS)
        client.push(START + 5 * MINUTE_MS, closed=True)
        bars = await take(feed, 1)
        assert minutes(bars) == [5]
        assert bars[0].values == bar_values(START + 5 * MINUTE_MS)
        assert feed.watermark_ms(SYMBOL) == START + 6 * MINUTE_MS


async def test_a_bar_that_is_not_flagged_closed_is_never_handed_on(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        client.push(START + 5 * MINUTE_MS, closed=False)
        assert await take(feed, 1, timeout_s=0.1) == []


async def test_a_hole_in_the_stream_is_filled_by_rest_before_later_bars(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        clock.advance(3 * MINUTE_MS)
        client.push(START + 7 * MINUTE_MS, closed=True)
        assert minutes(await take(feed, 3)) == [5, 6, 7]


async def test_the_watermark_waits_at_a_bar_that_the_venue_does_not_have_yet(clock: ManualClock, client: ScriptedClient) -> None:
    client.missing.add(START + 5 * MINUTE_MS)
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        clock.advance(3 * MINUTE_MS)
        client.push(START + 6 * MINUTE_MS, closed=True)
        assert await take(feed, 1, timeout_s=0.1) == [], "nothing may come after a hole"
        client.missing.clear()
        clock.advance(1_000)
        assert minutes(await take(feed, 3)) == [5, 6, 7]


async def test_duplicate_and_late_frames_are_handed_on_once(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        clock.advance(2 * MINUTE_MS)
        for ts in (5, 5, 6, 4, 5, 6):
            client.push(START + ts * MINUTE_MS, closed=True)
        assert minutes(await take(feed, 3, timeout_s=0.2)) == [5, 6]
        assert feed.take_revised() == []


async def test_an_overdue_bar_is_asked_for_when_the_stream_is_silent(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        clock.advance(2 * MINUTE_MS)
        assert minutes(await take(feed, 2)) == [5, 6]


async def test_rest_is_not_believed_about_a_bar_before_it_has_settled(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        clock.advance(50_500)  # half a second after the close
        assert await take(feed, 1, timeout_s=0.1) == []
        clock.advance(2_000)
        assert minutes(await take(feed, 1)) == [5]


async def test_after_a_lost_connection_rest_fills_before_the_stream_goes_on(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        client.rest_down = True
        client.failures.put_nowait(ccxt.NetworkError("connection reset"))
        await asyncio.sleep(0.05)
        clock.advance(2 * MINUTE_MS)
        client.push(START + 5 * MINUTE_MS, closed=True)
        assert await take(feed, 1, timeout_s=0.1) == [], "the refill comes first"
        client.rest_down = False
        clock.advance(1_000)
        assert minutes(await take(feed, 2)) == [5, 6]
        assert feed.reconnects == 1


async def test_a_restated_bar_is_reported_and_not_handed_on_again(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        client.bumped[START + 4 * MINUTE_MS] = 0.5
        client.failures.put_nowait(ccxt.NetworkError("connection reset"))
        clock.advance(MINUTE_MS)
        assert minutes(await take(feed, 1)) == [5]
        assert [(b.ts_ms, b.close) for b in feed.take_revised()] == [
            (START + 4 * MINUTE_MS, bar_values(START + 4 * MINUTE_MS, 0.5)[3])
        ]


async def test_an_error_that_no_retry_helps_ends_the_feed(clock: ManualClock, client: ScriptedClient) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        client.failures.put_nowait(ccxt.BadRequest("malformed"))
        await asyncio.sleep(0.05)
        with pytest.raises(PermanentError, match="BadRequest"):
            await feed.next_bars(0.1)


async def test_an_unknown_symbol_is_an_error_at_the_start(clock: ManualClock, client: ScriptedClient) -> None:
    feed = LiveFeed(client, clock, {"NOPE/USDT:USDT": START}, settle_ms=0)
    with pytest.raises(PermanentError, match="NOPE"):
        await feed.start()
    await feed.close()


@pytest.mark.slow
async def test_streamed_bars_of_a_real_venue_equal_those_fetched_later() -> None:
    with running_venue(days=2, symbols=SYMBOL, speed=600) as url:
        settings = Settings(venue={"url": url, "rate_limit": False}, symbols=SYMBOL)
        market = await asyncio.to_thread(MarketData, settings)
        clock = await asyncio.to_thread(market.clock)
        start = (clock.market_ms() // MINUTE_MS - 20) * MINUTE_MS
        feed = LiveFeed(build_client(settings, "market", "pro"), clock, {SYMBOL: start}, settle_ms=2_000)
        await feed.start()
        try:
            bars = await take(feed, 60, timeout_s=30.0)
        finally:
            await feed.close()
        assert [b.ts_ms for b in bars] == list(range(start, start + len(bars) * MINUTE_MS, MINUTE_MS))
        assert len(bars) >= 60
        served = await asyncio.to_thread(market.candles, SYMBOL, start, bars[-1].ts_ms + MINUTE_MS)
        columns = (served.open, served.high, served.low, served.close, served.volume)
        assert np.array_equal(np.column_stack(columns), [b.values for b in bars])


def test_delays_of_bars_that_the_stream_brought_are_measured_on_the_market_clock_and_no_others(
    clock: ManualClock, client: ScriptedClient
) -> None:
    async def scenario() -> None:
        async with feeding(clock, client) as feed:
            assert len(await take(feed, 5)) == 5  # by REST, some of them minutes after their close
            assert feed.take_delays() == []
            for minute, delay_ms in ((5, 300), (6, 1_700)):
                clock.advance(START + (minute + 1) * MINUTE_MS + delay_ms - clock.market_ms())
                client.push(START + minute * MINUTE_MS, closed=False)
                client.push(START + minute * MINUTE_MS, closed=True)
            assert feed.take_delays() == [300, 1_700]
            assert feed.take_delays() == []

    asyncio.run(scenario())


@pytest.mark.parametrize("ticks", [1, 2, 3])
async def test_a_cancellation_that_comes_together_with_a_bar_is_kept(
    clock: ManualClock, client: ScriptedClient, ticks: int
) -> None:
    async with feeding(clock, client) as feed:
        await take(feed, 5)
        waiting = asyncio.create_task(feed.next_bars(10.0))
        await asyncio.sleep(0.05)
        clock.advance(MINUTE_MS)
        client.push(START + 5 * MINUTE_MS, closed=True)
        for _ in range(ticks):
            await asyncio.sleep(0)
        was_there = waiting.done()
        waiting.cancel()
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        assert was_there or isinstance(outcome, asyncio.CancelledError)


@pytest.mark.parametrize("ticks", [1, 2])
async def test_a_feed_closes_even_when_a_hole_is_seen_at_that_moment(
    clock: ManualClock, client: ScriptedClient, ticks: int
) -> None:
    feed = LiveFeed(client, clock, {SYMBOL: START}, settle_ms=2_000, poll_s=30.0)
    await feed.start()
    await take(feed, 5)
    client.push(START + 7 * MINUTE_MS, closed=False)
    for _ in range(ticks):
        await asyncio.sleep(0)
    async with asyncio.timeout(2.0):
        await feed.close()

"""Collectors under faults: a real venue process, a network that goes away, a library that takes no writes; waits take no time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pytest
import requests

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.embedded.server import EmbeddedServer
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.liquidations import LiquidationRepository
from huracan_platform.brain.facts.recorders import RecorderBeats
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import DAY_MS, MINUTE_MS, ManualClock, SystemClock, day_start_ms
from huracan_platform.contracts.liquidation import Liquidation
from huracan_platform.contracts.quality import DayState
from huracan_platform.contracts.recording import Gap, Recording, explained_gaps
from huracan_platform.data.market_data.ingest import ingest_candles, ingest_funding, ingest_open_interest
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.data.market_data.liquidations.venues import VenueListener
from huracan_platform.data.sentiment.collect import TextCollector
from huracan_platform.errors import TransientError
from huracan_platform.settings import LiquidationSettings, Settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.liquidation_feed import Heard
from huracan_platform.venues.live_feed import LiveFeed
from huracan_platform.venues.market import MarketData
from huracan_platform.venues.retry import ReadRetry
from tests.fakes.limiting_front import limited
from tests.fakes.tcp_proxy import TcpProxy, proxied
from tests.faults.conftest import arm
from tests.feeds_process import running_feeds
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow
BTC = "BTC/USDT:USDT"
DAY = date(2025, 1, 2)
TEN_MINUTES_S = 600
EVER = 4_000_000_000_000


@dataclass
class Waiting:
    """Sleeps that take no time: they move a clock instead, and tell who wants to know."""

    clock: ManualClock
    waited: list[float]
    on_wait: Callable[[float], None] = lambda total: None

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.advance(int(1000 * seconds))
        self.on_wait(sum(self.waited))

    async def awaited(self, seconds: float) -> None:
        self(seconds)
        await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_venue(days=3, seed=8, symbols=BTC) as url:
        yield url


@pytest.fixture(autouse=True)
def _nothing_stays_armed(url: str) -> Iterator[None]:
    yield
    requests.delete(f"{url}/control/faults", timeout=5).raise_for_status()


@pytest.fixture
def proxy(url: str) -> Iterator[TcpProxy]:
    with proxied(url) as proxy:
        yield proxy


@pytest.fixture
def waiting() -> Waiting:
    return Waiting(ManualClock(SystemClock().wire_ms()), [])


def clock_of(url: str, **wanted: float) -> dict[str, int]:
    """The venue's clock, changed where something is wanted."""
    address = f"{url}/control/clock"
    answer = requests.post(address, json=wanted, timeout=30) if wanted else requests.get(address, timeout=5)
    answer.raise_for_status()
    return dict(answer.json())


def settings_at(url: str) -> Settings:
    return Settings(venue={"url": url, "rate_limit": False, "request_timeout_s": 3}, symbols=(BTC,))


def market_at(url: str, waiting: Waiting) -> MarketData:
    return MarketData(settings_at(url), ReadRetry(3, sleep=waiting, jitter=random.Random(1)))


async def until(done: Callable[[], bool], task: asyncio.Task[None]) -> None:
    """Wait for the condition, then stop the recorder as a signal would."""
    for _ in range(1200):
        if task.done() or await asyncio.to_thread(done):
            break
        await asyncio.sleep(0.025)
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    assert await asyncio.to_thread(done)


def recordings(brain: Brain, source: str, dataset: str = "liquidations") -> list[Recording]:
    return RecordingLedger(brain).between(dataset, 0, EVER, source=source)


def gaps_of(brain: Brain, source: str, dataset: str = "liquidations") -> list[Gap]:
    found = recordings(brain, source, dataset)
    return explained_gaps(found, found[0].began_ms, max(r.until_ms for r in found))


def versions(brain: Brain, table: str) -> int:
    with brain.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


# ten minutes without network


async def test_ten_minutes_without_network_are_one_gap_of_the_recorder_with_its_reason(
    brain: Brain, url: str, proxy: TcpProxy, waiting: Waiting
) -> None:
    settings, venue = settings_at(proxy.url), market_at(url, waiting).venue
    listener = VenueListener(settings, venue)

    def back_after_ten_minutes(total: float) -> None:
        if total >= TEN_MINUTES_S and proxy._down:
            clock_of(url, market_ms=clock_of(url)["market_ms"] + 1000 * TEN_MINUTES_S)
            proxy.up()

    waiting.on_wait = back_after_ten_minutes
    clock_of(url, speed=30)
    recorder = LiquidationRecorder(
        brain, venue, listener.connect, waiting.clock, settings.liquidations, random.Random(1), waiting.awaited
    )
    task = asyncio.create_task(recorder.run())
    for _ in range(400):
        await asyncio.sleep(0.025)
        if await asyncio.to_thread(lambda: bool(recordings(brain, venue))):
            break
    proxy.down()
    await until(lambda: len(recordings(brain, venue)) >= 2, task)
    clock_of(url, speed=0)
    first, second = recordings(brain, venue)
    (gap,) = gaps_of(brain, venue)
    assert (gap.start_ms, gap.end_ms) == (first.until_ms, second.began_ms)
    assert gap.end_ms - gap.start_ms >= 1000 * TEN_MINUTES_S
    assert "liquidations sim" in gap.reason
    tries = [s for s in waiting.waited if s > 0]
    assert 14 <= len(tries) <= 40  # backs off to half a minute, and neither hammers nor gives up
    assert max(tries) <= 45
    (state,) = RecorderBeats(brain).all()
    assert state.state == "stopped"
    with brain.connect() as connection:
        twice = connection.execute("SELECT liquidation_id FROM liquidations GROUP BY 1 HAVING count(*) > 1").fetchall()
    assert twice == []


def test_ten_minutes_without_network_fail_the_ingest_and_the_next_one_has_everything_once(
    brain: Brain, url: str, proxy: TcpProxy, waiting: Waiting
) -> None:
    market, settings = market_at(proxy.url, waiting), settings_at(proxy.url)
    assert market.venue
    proxy.down()
    while sum(waiting.waited) < TEN_MINUTES_S:
        with pytest.raises(TransientError):
            ingest_candles(brain, market, (BTC,), DAY, DAY, settings)
        waiting(60)
    assert versions(brain, "candles") == 0
    proxy.up()
    for ingest in (ingest_candles, ingest_funding, ingest_open_interest):
        for _ in range(2):
            report = ingest(brain, market, (BTC,), DAY, DAY, settings)
            assert [d.state for d in report.days] == [DayState.GOOD]
    rows = CandleRepository(brain).read(market.venue, [BTC], day_start_ms(DAY), day_start_ms(DAY) + DAY_MS)[BTC]
    assert rows.ts_ms.tolist() == list(range(day_start_ms(DAY), day_start_ms(DAY) + DAY_MS, MINUTE_MS))
    assert (versions(brain, "candles"), versions(brain, "candles_history")) == (1440, 0)


def test_ten_minutes_without_network_are_one_gap_of_the_texts_with_its_reason(brain: Brain, url: str, waiting: Waiting) -> None:
    with running_feeds(url, symbols=BTC) as feeds, proxied(feeds) as proxy:
        settings = settings_at(url).model_copy(update={
            "sentiment": Settings().sentiment.model_copy(update={"feeds": {"news": f"{proxy.url}/news.rss"}, "poll_s": 60.0})
        })
        collector = TextCollector(brain, "sim", lambda: waiting.clock, settings)
        for minute in range(25):
            proxy.down() if 5 <= minute < 15 else proxy.up()
            report = collector.poll()
            assert bool(report.failed) == (5 <= minute < 15)
            waiting(60)
        collector.close("the recorder was stopped")
        (gap,) = gaps_of(brain, "news", "sentiment")
        assert gap.end_ms - gap.start_ms == 11 * MINUTE_MS  # from the last look that was answered to the next
        assert "news" in gap.reason
        with brain.connect() as connection:
            twice = connection.execute(
                "SELECT url, content_hash FROM sentiment_scores GROUP BY 1, 2 HAVING count(*) > 1"
            ).fetchall()
        assert twice == []
        assert versions(brain, "sentiment_scores") > 0


# answers that are none, and being told to slow down


@pytest.mark.parametrize("body", ["html_502", "html_500", "truncated", "ok_error", "unknown_503", "timeout_503"])
def test_mangled_answers_are_asked_again_and_leave_nothing_behind(brain: Brain, url: str, waiting: Waiting, body: str) -> None:
    market, settings = market_at(url, waiting), settings_at(url)
    for path in ("/fapi/v1/klines", "/fapi/v1/fundingRate", "/futures/data/openInterestHist"):
        arm(url, kind="http_error", body=body, path=path, count=2)
    for ingest, table in (
        (ingest_candles, "candles"), (ingest_funding, "funding_rates"), (ingest_open_interest, "open_interest")
    ):
        report = ingest(brain, market, (BTC,), DAY, DAY, settings)
        assert [d.state for d in report.days] == [DayState.GOOD], (body, table)
        assert versions(brain, f"{table}_history") == 0
    assert versions(brain, "quarantine_batches") == 0
    assert len(waiting.waited) >= 6
    assert all(1.5 <= seconds <= 5 for seconds in waiting.waited)  # 2 and 4 s, a quarter more or less


def test_being_told_to_slow_down_is_obeyed_and_never_ends_in_a_ban(brain: Brain, url: str, waiting: Waiting) -> None:
    waiting.clock.advance(MINUTE_MS - waiting.clock.wire_ms() % MINUTE_MS + 1_000)
    with limited(url, waiting.clock) as (front_url, front):
        market, settings = market_at(front_url, waiting), settings_at(front_url)
        assert market.lists(BTC)
        for _ in range(479):
            front.answer("/fapi/v1/time")  # another client of this address has taken nearly all of the minute
        front.statuses.clear()
        report = ingest_candles(brain, market, (BTC,), date(2025, 1, 1), DAY, settings)
    assert [d.state for d in report.days] == [DayState.GOOD] * 2
    assert 1 <= front.statuses.count(429) <= 3
    assert front.statuses.count(418) == 0
    first = front.statuses.index(429)
    assert set(front.statuses[first + front.statuses.count(429):]) == {200}
    assert 50 <= max(waiting.waited) <= 61  # as long as the venue asked for: to the minute's end


def test_a_ban_fails_the_run_at_once_and_nobody_knocks_again(brain: Brain, url: str, waiting: Waiting) -> None:
    with limited(url, waiting.clock) as (front_url, front):
        market, settings = market_at(front_url, waiting), settings_at(front_url)
        assert market.lists(BTC)
        while 418 not in front.statuses:
            front.answer("/fapi/v1/time")  # another client does not stop
        front.limits._banned_until_ms += 3600_000
        front.statuses.clear()
        with pytest.raises(TransientError, match=r"418|Too many|429"):
            ingest_candles(brain, market, (BTC,), DAY, DAY, settings)
        assert len(front.statuses) <= 2
        assert waiting.waited == []
        waiting.clock.advance(2 * 3600_000)
        assert ingest_candles(brain, market, (BTC,), DAY, DAY, settings).days[0].state is DayState.GOOD


# a candle that is revised after its close


def test_a_revised_candle_is_a_new_version_and_the_old_one_stays_as_it_was(brain: Brain, url: str, waiting: Waiting) -> None:
    market, settings = market_at(url, waiting), settings_at(url)
    at = day_start_ms(DAY) + 700 * MINUTE_MS
    arm(url, kind="revised_candle", path="/fapi/v1/klines", candle_ms=at, count=1)
    ingest_candles(brain, market, (BTC,), DAY, DAY, settings)
    before = CandleRepository(brain).read(market.venue, [BTC], at, at + MINUTE_MS)[BTC].close[0]
    report = ingest_candles(brain, market, (BTC,), DAY, DAY, settings)
    assert (report.inserted, report.revised, report.unchanged) == (0, 1, 1439)
    assert CandleRepository(brain).read(market.venue, [BTC], at, at + MINUTE_MS)[BTC].close[0] != before
    with brain.connect() as connection:
        old = connection.execute("SELECT close, version FROM candles_history").fetchall()
    assert old == [(before, 1)]


# the live feed: a gap, a duplicate, an open candle, a lost connection


async def test_the_live_feed_refills_what_the_stream_lost_and_hands_every_bar_on_once(url: str) -> None:
    settings = settings_at(url)
    market = MarketData(settings)
    start = clock_of(url)["market_ms"] // MINUTE_MS * MINUTE_MS
    for kind in ("missing_candle", "duplicate_event", "revised_candle"):
        arm(url, kind=kind, stream="btcusdt@kline_1m", count=2, probability=0.4, seed=3)
    clock_of(url, speed=120)
    feed = LiveFeed(build_client(settings, "market", "pro"), market.clock(), {BTC: start}, settle_ms=2_000)
    got: list[int] = []
    try:
        await feed.start()
        for turn in range(60):
            bars = await feed.next_bars(1.0)
            assert all(feed.watermark_ms(BTC) >= bar.ts_ms + MINUTE_MS for bar in bars)
            got += [bar.ts_ms for bar in bars]
            if turn == 5:
                arm(url, kind="cut_sockets", count=1)
            if len(got) >= 25 and feed.reconnects:
                break
    finally:
        await feed.close()
        clock_of(url, speed=0)
    assert feed.reconnects >= 1
    assert got == list(range(start, start + len(got) * MINUTE_MS, MINUTE_MS))
    later = market.candles(BTC, start, start + len(got) * MINUTE_MS)
    assert later.ts_ms.tolist() == got


# a library that takes no writes


class Stream:
    """Connections of frames a second apart, `each` liquidations in one; every `breaks` frames a connection breaks."""

    def __init__(self, breaks: int, each: int = 1) -> None:
        self.sent, self.each, self._breaks = 0, each, breaks

    async def connect(self) -> AsyncIterator[Heard]:
        for _ in range(self._breaks):
            at = 1_790_000_000_000 + 1000 * self.sent
            self.sent += 1
            yield Heard(at, tuple(Liquidation("sim", BTC, at, "long", 100.0, 1.0 + n, at) for n in range(self.each)))
            await asyncio.sleep(0.01)
        raise TransientError("the connection broke")


async def recorded_through(
    brain: Brain, stop: Callable[[], None], go_on: Callable[[], None], waiting: Waiting, rule: LiquidationSettings | None = None,
    each: int = 1,
) -> tuple[Stream, LiquidationRecorder]:
    """Record over a time without writes, with connections that break meanwhile."""
    stream, rule = Stream(20, each), rule or Settings().liquidations.model_copy(update={"flush_s": 0.02})
    recorder = LiquidationRecorder(brain, "sim", stream.connect, SystemClock(), rule, random.Random(1), waiting.awaited)
    task = asyncio.create_task(recorder.run())
    while recorder.recorded < 5:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(stop)
    before = stream.sent
    while stream.sent < before + 70:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(go_on)
    back = stream.sent
    await until(lambda: stream.sent > back + 30, task)
    return stream, recorder


async def test_a_library_that_takes_no_writes_for_a_while_costs_nothing(
    brain: Brain, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    name = brain.dsn.rpartition("/")[2]
    server = f"{brain.dsn.rpartition('/')[0]}/postgres"

    def switch(to: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {to}".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    stream, recorder = await recorded_through(brain, lambda: switch("on"), lambda: switch("off"), waiting)
    rows = LiquidationRepository(brain).read("sim", BTC, 0, EVER)
    assert len(rows) == recorder.recorded == stream.sent
    found = recordings(brain, "sim")
    assert len(found) == -(-stream.sent // 20)
    assert {gap.reason for gap in gaps_of(brain, "sim")} == {"the connection broke"}
    assert "library takes no writes" in capsys.readouterr().out


async def test_what_waits_too_long_for_the_library_becomes_a_gap_and_nothing_acknowledged_is_lost(
    brain: Brain, waiting: Waiting
) -> None:
    name, rule = brain.dsn.rpartition("/")[2], Settings().liquidations.model_copy(update={"flush_s": 0.02, "most_waiting": 15})
    server, seen = f"{brain.dsn.rpartition('/')[0]}/postgres", []

    def switch(to: str) -> None:
        if to == "on":
            seen.extend(row.liquidation_id for row in LiquidationRepository(brain).read("sim", BTC, 0, EVER))
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {to}".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    stream, _ = await recorded_through(brain, lambda: switch("on"), lambda: switch("off"), waiting, rule)
    rows = LiquidationRepository(brain).read("sim", BTC, 0, EVER)
    assert len(rows) < stream.sent
    assert set(seen) <= {row.liquidation_id for row in rows}
    covered = [(r.began_ms, r.until_ms) for r in recordings(brain, "sim")]
    sent = 1_790_000_000_000 + 1000 * np.arange(stream.sent)
    inside = [int(ts) for ts in sent if any(began <= ts <= until for began, until in covered)]
    assert set(inside) <= {row.ts_ms for row in rows}  # no time is called recorded whose rows are not there


@pytest.fixture
def full_disk(brain: Brain, embedded_server: EmbeddedServer) -> Iterator[Path]:
    """The liquidations on a disk of their own of 1 MB; yields a file that fills it when it grows."""
    disk = Path(tempfile.mkdtemp(prefix="huracan-disk-"))
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        disk.rmdir()
        pytest.skip("a small disk: expected to be root and to be able to mount one")
    place = disk / "tablespace"
    place.mkdir()
    data = embedded_server.status().data
    assert data is not None
    shutil.chown(place, Path(data).owner())
    name = f"tiny_{os.getpid()}"
    try:
        with psycopg.connect(brain.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
            connection.execute(f"ALTER TABLE liquidations SET TABLESPACE {name}".encode())
        yield disk / "ballast"
        with psycopg.connect(brain.dsn, autocommit=True) as connection:
            connection.execute("DROP TABLE liquidations CASCADE")
            connection.execute(f"DROP TABLESPACE {name}".encode())
    finally:
        subprocess.run(["umount", disk], check=True)
        disk.rmdir()


async def test_a_full_disk_costs_no_row_and_is_told(
    brain: Brain, waiting: Waiting, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill() -> None:
        with contextlib.suppress(OSError), full_disk.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    stream, recorder = await recorded_through(brain, fill, full_disk.unlink, waiting, each=5)
    rows = LiquidationRepository(brain).read("sim", BTC, 0, EVER)
    assert len(rows) == recorder.recorded == 5 * stream.sent
    assert len(recordings(brain, "sim")) == -(-stream.sent // 20)
    assert {gap.reason for gap in gaps_of(brain, "sim")} == {"the connection broke"}
    assert "No space left on device" in capsys.readouterr().out

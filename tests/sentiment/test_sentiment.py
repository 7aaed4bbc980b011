"""Texts from feeds to windows per symbol: a real database, real feeds over HTTP, a real simulated venue for the time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
import requests

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.brain.facts.sentiment import FearGreedRepository, SentimentRepository, TextRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_of, day_start_ms, to_datetime
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.days import good_days
from huracan_platform.data.market_data.ingest import ingest_sentiment
from huracan_platform.data.market_data.recorders import recorder_reports
from huracan_platform.data.sentiment.collect import TextCollector
from huracan_platform.data.sentiment.fear_greed import source_of
from huracan_platform.data.sentiment.feeds import fetch
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData
from tests.fakes.tcp_proxy import proxied
from tests.feeds_process import running_feeds
from tests.venue_process import running_venue

pytestmark = pytest.mark.slow

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
STEP_MS = 15 * MINUTE_MS


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """Two days of history; tests move its market on from there."""
    with running_venue(days=2, symbols=f"{BTC},{ETH}") as url:
        yield url


@pytest.fixture(scope="module")
def feeds(venue: str) -> Iterator[str]:
    with running_feeds(venue, symbols=f"{BTC},{ETH}") as url:
        yield url


@dataclass
class Times:
    """The venue's market clock, which only goes forward, and a wire clock that the test moves."""

    url: str
    wire: int = 1_800_000_000_000

    def wire_ms(self) -> int:
        return self.wire

    def market_ms(self) -> int:
        return int(requests.get(f"{self.url}/control/clock", timeout=5).json()["market_ms"])

    def move_to(self, market_ms: int) -> None:
        requests.post(f"{self.url}/control/clock", json={"market_ms": market_ms}, timeout=5).raise_for_status()
        self.wire += 1000

    def next_day(self) -> date:
        """Go to the beginning of the next day."""
        day = day_of(self.market_ms()) + timedelta(days=1)
        self.move_to(day_start_ms(day))
        return day


class At:
    """A venue at the test's times."""

    def __init__(self, market: MarketData, times: Times) -> None:
        self._market, self._times = market, times

    def clock(self) -> Times:
        return self._times

    def __getattr__(self, name: str) -> object:
        return getattr(self._market, name)


@dataclass
class World:
    """All of it."""

    brain: Brain
    times: Times
    market: At
    settings: Settings

    def collector(self, get: Callable[[str], bytes] = fetch) -> TextCollector:
        return TextCollector(self.brain, self.market.venue, lambda: self.times, self.settings, get=get)

    def collect(self, collector: TextCollector, until_ms: int, every_ms: int = STEP_MS) -> int:
        """Look every so often until a market time; returns the number of new texts."""
        new = collector.poll().new
        while (now := self.times.market_ms()) < until_ms:
            self.times.move_to(min(now + every_ms, until_ms))
            new += collector.poll().new
        return new

    def ingest(self, first: date, last: date | None = None):
        return ingest_sentiment(self.brain, self.market, (BTC, ETH), first, last or first, self.settings)

    def rows(self, day: date, symbol: str = BTC, pin: Pin | None = None):
        start = day_start_ms(day)
        return SentimentRepository(self.brain).read(self.market.venue, [symbol], start, start + DAY_MS, pin)[symbol]


@pytest.fixture
def world(brain: Brain, settings: Settings, venue: str, feeds: str) -> World:
    sentiment = {
        "feeds": {"news": f"{feeds}/news.rss", "forum": f"{feeds}/forum.atom", "posts": f"{feeds}/posts.json"},
        "fear_greed_url": f"{feeds}/fng/?limit=5",
    }
    found = Settings(
        home=settings.home, database=settings.database, symbols=(BTC, ETH), venue={"url": venue, "rate_limit": False},
        sentiment=sentiment,
    )
    times = Times(venue)
    return World(brain, times, At(MarketData(found), times), found)


def test_a_day_of_texts_becomes_windows_per_symbol(world: World) -> None:
    day = world.times.next_day()
    start, collector = day_start_ms(day), world.collector()
    new = world.collect(collector, start + DAY_MS + 2 * STEP_MS)
    assert new > 300
    report = world.ingest(day)
    assert [(d.symbol, d.state, d.rows, d.expected) for d in report.days] == [
        (BTC, DayState.GOOD, 96, 96), (ETH, DayState.GOOD, 96, 96)
    ]
    assert {c.name for c in report.checks if not c.passed} <= {"plausibility"}, [c.message for c in report.checks]
    rows = world.rows(day)
    texts = TextRepository(world.brain).seen(start, start + DAY_MS, "vader", BTC)
    fresh = [t for t in texts if t.seen_ms - t.published_ms <= DAY_MS]
    assert rows.texts.sum() == len(fresh) > 50
    for at in (3, 40, 95):
        scores = [t.score for t in fresh if rows.ts_ms[at] <= t.seen_ms < rows.ts_ms[at] + STEP_MS]
        assert rows.score[at] == pytest.approx(np.mean(scores) if scores else 0.0)
    assert len(np.unique(rows.score)) > 10
    assert good_days(world.brain, world.market.venue, "sentiment", [BTC, ETH], day, day) == [day]

    again = world.ingest(day)
    assert (again.inserted, again.revised, again.content_hash) == (0, 0, report.content_hash)
    assert report.days[0].content_hash != report.days[1].content_hash
    noon = start + DAY_MS // 2
    assert world.rows(day, pin=Pin(as_of=to_datetime(noon))).ts_ms[-1] == noon - STEP_MS

    days, values = FearGreedRepository(world.brain).read("127.0.0.1", start - 9 * DAY_MS, start + 2 * DAY_MS)
    assert [day_of(int(d)) for d in days] == [day + timedelta(days=k) for k in range(-4, 2)]
    assert len(set(values)) > 2
    known, _ = FearGreedRepository(world.brain).read("127.0.0.1", start - 9 * DAY_MS, start, Pin(as_of=to_datetime(start - 1)))
    assert len(known) == 0  # nobody had seen it yet


def test_a_text_is_stored_once_and_an_edited_one_once_more(world: World) -> None:
    world.times.next_day()
    collector = world.collector()
    first = collector.poll().new
    assert (first > 30, collector.poll().new, world.collector().poll().new) == (True, 0, 0)

    def edited(url: str) -> bytes:
        return fetch(url).replace(b"Figures on blocks", b"Other figures on blocks")

    assert 0 < world.collector(edited).poll().new < first


def test_a_gap_is_named_and_never_filled(world: World) -> None:
    day = world.times.next_day()
    start, collector = day_start_ms(day), world.collector()
    world.collect(collector, start + 9 * HOUR_MS)
    world.times.wire += 10**6  # so long that nobody looked
    world.times.move_to(start + 12 * HOUR_MS)
    world.collect(collector, start + DAY_MS + 2 * STEP_MS)
    report = world.ingest(day)
    assert [d.state for d in report.days] == [DayState.DEGRADED, DayState.DEGRADED]
    check = next(c for c in report.checks if c.name == "completeness")
    assert f"sentiment {BTC} {day}: expected 96 windows of 15 min recorded, got 84, the recorder" in check.message
    assert "09:00–11:45" in check.message
    rows = world.rows(day)
    assert len(rows) == 84
    assert not set(rows.ts_ms) & set(range(start + 9 * HOUR_MS, start + 12 * HOUR_MS, STEP_MS))
    assert [r.ended for r in RecordingLedger(world.brain).between("sentiment", start, start + DAY_MS)] == (
        ["no look for too long"] * 3 + [None] * 3
    )


def test_sources_that_are_first_read_in_the_middle_of_a_day_were_not_away_before(world: World) -> None:
    day = world.times.next_day()
    start = day_start_ms(day)
    world.times.move_to(start + 18 * HOUR_MS)
    sentiment = world.settings.sentiment
    news = sentiment.model_copy(update={"feeds": {"news": sentiment.feeds["news"]}})
    fewer = world.settings.model_copy(update={"sentiment": news})
    first = TextCollector(world.brain, world.market.venue, lambda: world.times, fewer, get=fetch)
    world.collect(first, start + 21 * HOUR_MS)
    first.close("stopped")
    world.collect(world.collector(), start + DAY_MS + 2 * STEP_MS)
    report = world.ingest(day)
    assert [(d.state, d.expected) for d in report.days] == [(DayState.GOOD, 24), (DayState.GOOD, 24)]
    checks = {c.name: c.message for c in report.checks}
    assert checks["completeness"] == "completeness: 2 symbol-days passed"
    assert "18:00" not in checks["plausibility"]  # all that was published before the first look came in its window: no flood
    rows = world.rows(day)
    assert (len(rows), set(rows.coverage)) == (24, {1.0})


def test_a_collector_that_was_restarted_in_time_leaves_no_gap(world: World) -> None:
    day = world.times.next_day()
    start = day_start_ms(day)
    first = world.collector()
    world.collect(first, start + HOUR_MS)
    first.close("stopped")
    world.times.move_to(start + HOUR_MS + STEP_MS)
    world.collect(world.collector(), start + 3 * HOUR_MS)
    found = RecordingLedger(world.brain).between("sentiment", start, start + DAY_MS)
    assert [(r.began_ms, r.until_ms, r.ended) for r in found] == [(start, start + 3 * HOUR_MS, None)] * 3


def test_a_day_that_is_not_over_is_open_and_days_without_a_collector_are_unavailable(world: World) -> None:
    day = world.times.next_day()
    world.collect(world.collector(), day_start_ms(day) + 3 * HOUR_MS)
    report = world.ingest(day - timedelta(days=2), day)
    report.raise_if_bad()
    assert [(d.state, d.rows) for d in report.days if d.symbol == BTC] == [
        (DayState.UNAVAILABLE, 0), (DayState.UNAVAILABLE, 0), (DayState.OPEN, 12)
    ]


def test_a_collector_that_stopped_fails_freshness(world: World) -> None:
    day = world.times.next_day()
    collector = world.collector()
    world.collect(collector, day_start_ms(day) + 3 * HOUR_MS)
    collector.close("stopped")
    world.times.move_to(day_start_ms(day) + 5 * HOUR_MS)
    failing = {c.name: c.failing_days for c in world.ingest(day).checks}
    assert failing["freshness"] == [f"{day} {BTC}", f"{day} {ETH}"]


def test_bad_entries_and_bodies_are_quarantined_and_named_and_the_rest_is_kept(world: World) -> None:
    day = world.times.next_day()

    def spoiled(url: str) -> bytes:
        body = fetch(url)
        if url.endswith("news.rss"):
            return body.replace(b"<pubDate>", b"<pubDate>not ", 1)
        return b"<html>busy</html>" if url.endswith("forum.atom") else body.replace(b"http://posts.invalid", b"posts:", 1)

    report = world.collector(spoiled).poll()
    assert (report.refused, list(report.failed)) == (3, ["forum"])
    assert report.new > 30
    entries = {e.symbol: e for e in Quarantine(world.brain).entries()}
    assert {(e.dataset, e.day, e.row_count) for e in entries.values()} == {("sentiment", day, 1)}
    assert "expected an entry with title, address and date" in entries["news"].reason
    assert "expected RSS, Atom or a JSON feed, got b'<html>busy</html>'" in entries["forum"].reason
    assert "url: expected an http address" in entries["posts"].reason
    again = world.collector().poll()
    assert (again.refused, again.failed) == (0, {})


def test_a_source_that_does_not_answer_is_named_and_the_others_go_on(world: World) -> None:
    def refusing(url: str) -> bytes:
        if url.endswith("news.rss"):
            raise TransientError(f"{url}: expected an answer, got none")
        return fetch(url)

    world.times.next_day()
    report = world.collector(refusing).poll()
    assert list(report.failed) == ["news"]
    assert report.new > 30
    found = [RecordingLedger(world.brain).latest(name, "sentiment") for name in ("news", "forum", "posts")]
    assert [recording is None for recording in found] == [True, False, False]


def test_each_source_gives_signs_of_life_that_the_status_shows(world: World) -> None:
    def refusing(url: str) -> bytes:
        if url.endswith("news.rss"):
            raise TransientError(f"{url}: expected an answer, got none")
        return fetch(url)

    world.times.next_day()
    collector = world.collector(refusing)
    collector.poll()
    wire_ms = world.times.wire_ms()
    told = {report.source: report for report in recorder_reports(world.brain, wire_ms, "sentiment")}
    assert {name: (report.state, report.frames) for name, report in told.items()} == {
        "news": ("trying again", 0), "forum": ("recording", 1), "posts": ("recording", 1),
    }
    assert "expected an answer, got none" in told["news"].said
    assert told["forum"].last_frame == to_datetime(world.times.market_ms())
    collector.close("stopped")
    assert {report.state for report in recorder_reports(world.brain, wire_ms, "sentiment")} == {"not running, was stopped"}


def test_a_flood_of_entries_that_are_none_is_one_batch_a_look(world: World) -> None:
    def flooded(url: str) -> bytes:
        body = fetch(url)
        bad = "".join(f"<item><title>no {n}</title></item>" for n in range(3000))
        return body.replace(b"</channel>", f"{bad}</channel>".encode()) if url.endswith("news.rss") else body

    world.times.next_day()
    report = world.collector(flooded).poll()
    assert report.refused == 3000
    entries = Quarantine(world.brain).entries()
    assert len(entries) <= 9
    assert sum(e.row_count for e in entries) <= 900
    told = [int(e.reason.split("(")[-1].split()[0]) if "of them" in e.reason else e.row_count for e in entries]
    assert sum(told) == 3000


def test_without_an_address_there_is_nothing_to_collect(world: World) -> None:
    with pytest.raises(PermanentError, match="HURACAN_SENTIMENT__FEEDS: expected the address"):
        TextCollector(world.brain, "v", lambda: world.times, Settings())


def test_the_recorder_command_looks_once_and_tells(world: World, feeds: str) -> None:
    settings = world.settings
    environment = {
        **os.environ, "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": settings.database.dsn.get_secret_value(),
        "HURACAN_VENUE__URL": settings.venue.url, "HURACAN_SENTIMENT__FEEDS": f'{{"news": "{feeds}/news.rss"}}',
    }
    done = subprocess.run(
        [sys.executable, "-m", "huracan_platform.cli.main", "record", "sentiment", "--once"], env=environment,
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "recording sentiment from news" in done.stdout
    assert " new texts, 0 entries refused" in done.stdout


def test_the_recorder_waits_for_a_venue_that_is_away_and_names_all_that_it_looks_at(world: World, feeds: str) -> None:
    settings = world.settings
    with proxied(settings.venue.url) as proxy:
        proxy.down()
        environment = {
            **os.environ, "HURACAN_HOME": str(settings.home), "HURACAN_DATABASE__DSN": settings.database.dsn.get_secret_value(),
            "HURACAN_VENUE__URL": proxy.url, "HURACAN_SENTIMENT__FEEDS": f'{{"news": "{feeds}/news.rss"}}',
            "HURACAN_SENTIMENT__POLL_S": "0.2", "HURACAN_QUALITY__FETCH_TRIES": "1",
            "HURACAN_SENTIMENT__FEAR_GREED_URL": f"{feeds}/fng/?limit=5",
        }
        recorder = subprocess.Popen(
            [sys.executable, "-u", "-m", "huracan_platform.cli.main", "record", "sentiment"], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        assert recorder.stdout is not None
        try:
            give_up = time.monotonic() + 60
            while proxy.refused < 4 and recorder.poll() is None and time.monotonic() < give_up:
                time.sleep(0.1)
            assert (proxy.refused >= 4, recorder.poll()) == (True, None)
            proxy.up()
            assert recorder.stdout.readline() == f"recording sentiment from news, {source_of(f'{feeds}/fng/?limit=5')}\n"
        finally:
            recorder.kill()
            recorder.wait()

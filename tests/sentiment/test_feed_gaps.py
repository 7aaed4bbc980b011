"""What a feed has lost between two looks, and what is told of a feed whose address holds a key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import DAY_MS, MINUTE_MS, to_datetime
from huracan_platform.data.sentiment.collect import TextCollector
from huracan_platform.data.sentiment.feeds import fetch
from huracan_platform.errors import TransientError
from huracan_platform.settings import Settings
from tests.sentiment.test_text_apis import NOW, Times

ADDRESS = "http://user:word@feeds.example/news.json?apikey=SECRET"
MISSED = "more was published since the look before than the source tells"
Entry = tuple[str, int]  # name, minutes from the first look to when it says that it was published


@dataclass
class World:
    """A collector of one feed, looking every minute."""

    brain: Brain
    settings: Settings
    times: Times = field(default_factory=Times)
    body: bytes = b""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = Settings(
            home=self.settings.home, database=self.settings.database, sentiment={"feeds": {"news": ADDRESS}}
        )
        self.collector = TextCollector(self.brain, "v", lambda: self.times, found, get=self.get)

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        return self.body

    def look(self, *entries: Entry) -> None:
        self.body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [
            {"title": name, "url": f"https://feeds.example/{name}", "content_text": "Bitcoin",
             "date_published": (to_datetime(NOW) + timedelta(minutes=at)).isoformat()}
            for name, at in entries
        ]}).encode()
        assert self.collector.poll().failed == {}
        self.times.move(MINUTE_MS)

    def gaps(self) -> list[str]:
        found = RecordingLedger(self.brain).between("sentiment", NOW - DAY_MS, NOW + DAY_MS)
        return [one.ended for one in found if one.ended is not None]


@pytest.fixture
def world(brain: Brain, settings: Settings) -> World:
    return World(brain, settings)


@pytest.mark.parametrize(("second", "gaps"), [
    ([("c", -1), ("b", -2)], []),                               # one more, one less
    ([("c", -1), ("d", -1)], [MISSED]),                         # nothing of before is left, and all says that it is older
    ([("pinned", -900), ("c", 1), ("d", 1)], [MISSED]),         # what is kept on top was there before, and proves nothing
    ([], []),                                                   # nothing took the place of what left
])
def test_a_feed_lost_nothing_while_it_holds_the_newest_entry_that_was_known(
    world: World, second: Sequence[Entry], gaps: list[str]
) -> None:
    world.look(("pinned", -900), ("b", -2), ("a", -3))
    world.look(*second)
    assert world.gaps() == gaps


def test_the_first_entry_of_a_feed_that_was_empty_is_no_loss(world: World) -> None:
    world.look()
    world.look(("a", 1))
    assert world.gaps() == []


def test_an_entry_that_was_edited_is_the_same_entry(world: World) -> None:
    world.look(("a", 0))
    world.look(("a", 1))
    assert world.gaps() == []


def test_what_is_told_of_a_feed_holds_no_key_of_its_address(world: World) -> None:
    world.body = b"no feed at all"
    assert list(world.collector.poll().failed) == ["news"]
    assert world.asked == [ADDRESS]
    (kept,) = Quarantine(world.brain).entries()
    assert "SECRET" not in str(kept)
    assert "word" not in str(kept)
    with pytest.raises(TransientError) as refused:
        fetch("http://user:word@127.0.0.1:1/news.json?apikey=SECRET")
    assert str(refused.value) == "http://127.0.0.1:1/news.json?…: expected an answer, got ConnectionError"

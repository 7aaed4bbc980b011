"""Reddit and X over HTTP: what is new, how far back a look reaches, refusals, pauses and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.data.sentiment.collect import TextCollector
from huracan_platform.data.sentiment.reddit import Subreddit, reddit_api
from huracan_platform.data.sentiment.source import RefusedAnswerError
from huracan_platform.data.sentiment.x import Search, x_api
from huracan_platform.errors import PermanentError, TransientError
from huracan_platform.settings import Settings
from huracan_platform.settings.sentiment import RedditSettings, SentimentSettings, XSettings
from tests.fakes.text_apis import BEARER, CLIENT_ID, CLIENT_SECRET, Apis, comment, post, running_text_apis, tweet

NOW = 1_750_000_000_000


@dataclass
class Times:
    """Both clocks, moved by the test."""

    market: int = NOW
    wire: int = NOW

    def market_ms(self) -> int:
        return self.market

    def wire_ms(self) -> int:
        return self.wire

    def move(self, ms: int) -> None:
        self.market += ms
        self.wire += ms


@pytest.fixture
def apis() -> Iterator[Apis]:
    with running_text_apis() as apis:
        yield apis


def reddit_settings(apis: Apis, secret: str = CLIENT_SECRET) -> RedditSettings:
    return RedditSettings(
        subreddits=("Bitcoin",), client_id=CLIENT_ID, client_secret=secret, api_url=apis.url,
        token_url=f"{apis.url}/api/v1/access_token",
    )


def x_settings(apis: Apis, token: str = BEARER) -> XSettings:
    return XSettings(queries={"bitcoin": "bitcoin lang:en"}, bearer_token=token, api_url=apis.url)


def subreddit(apis: Apis) -> Subreddit:
    return Subreddit(reddit_api(reddit_settings(apis)), "Bitcoin")


def search(apis: Apis, most_pages: int = 5) -> Search:
    return Search(x_api(x_settings(apis)), "bitcoin", "bitcoin lang:en", most_pages)


def test_posts_and_comments_become_texts_with_the_time_at_which_they_were_made(apis: Apis) -> None:
    apis.posts = [post(2, "Bitcoin & friends rise", NOW - 60_000, body="A great win")]
    apis.comments = [comment(7, "Bitcoin & friends rise", "I doubt it", NOW - 30_500)]
    look = subreddit(apis).look(Times(), None)
    assert [(t.source, t.title, t.body, t.published_ms, t.seen_ms) for t in look.texts] == [
        ("reddit/Bitcoin", "Bitcoin & friends rise", "A great win", NOW - 60_000, NOW),
        ("reddit/Bitcoin", "Bitcoin & friends rise", "I doubt it", NOW - 30_500, NOW),
    ]
    assert look.texts[0].url == "https://www.reddit.com/r/Bitcoin/comments/2/"
    assert look.refused == ()
    assert look.whole


def test_a_look_pages_back_to_the_look_before_and_no_further(apis: Apis) -> None:
    apis.posts = [post(n, f"post {n}", NOW - n * MINUTE_MS) for n in range(900)]
    look = subreddit(apis).look(Times(), NOW - 210 * MINUTE_MS)
    assert {t.title for t in look.texts} >= {f"post {n}" for n in range(211)}
    assert look.whole
    assert sum("/new?" in asked for asked in apis.asked) == 3


def test_more_posts_than_the_listing_keeps_are_told_as_missed(apis: Apis) -> None:
    apis.posts = [post(n, f"post {n}", NOW - n * 1000) for n in range(1500)]
    look = subreddit(apis).look(Times(), NOW - 1400 * 1000)
    assert len(look.texts) == 1000
    assert look.whole is False


def test_removed_posts_and_comments_and_items_without_a_date_are_no_texts(apis: Apis) -> None:
    apis.posts = [
        post(1, "whole", NOW), {**post(2, "no date", NOW), "created_utc": None}, post(3, "taken away", NOW, body="[removed]"),
    ]
    apis.comments = [comment(1, "whole", "[deleted]", NOW), comment(2, "whole", "[removed]", NOW)]
    look = subreddit(apis).look(Times(), None)
    assert [t.title for t in look.texts] == ["whole"]
    assert [r.reason.split(",")[0] for r in look.refused] == ["sentiment reddit/Bitcoin: expected a post or comment"]


def test_an_expired_token_is_asked_for_again_once(apis: Apis) -> None:
    source = subreddit(apis)
    source.look(Times(), None)
    apis.token_lives = False
    assert source.look(Times(), None).whole
    assert apis.tokens == 2


def test_wrong_credentials_are_permanent_and_never_told(apis: Apis) -> None:
    wrong = Subreddit(reddit_api(reddit_settings(apis, secret="not-the-secret-0815")), "Bitcoin")
    with pytest.raises(PermanentError, match="reddit token: expected 200 with an access_token, got 401") as refused:
        wrong.look(Times(), None)
    assert "0815" not in str(refused.value)
    other = Search(x_api(x_settings(apis, token="not-the-token-4711")), "bitcoin", "q", 5)
    with pytest.raises(PermanentError, match="x /2/tweets/search/recent: expected 200, got 401") as refused:
        other.look(Times(), None)
    assert "4711" not in str(refused.value)


def test_a_pause_that_reddit_asks_for_is_kept_without_a_request(apis: Apis) -> None:
    times, source = Times(), subreddit(apis)
    source.look(times, None)
    apis.refuse["/r/"] = [(429, {"X-Ratelimit-Reset": "30"}, "too many")]
    with pytest.raises(TransientError, match="got 429 and a pause of 30 s"):
        source.look(times, None)
    asked = len(apis.asked)
    times.move(29_000)
    with pytest.raises(TransientError, match="got a pause of 1 s more"):
        source.look(times, None)
    assert len(apis.asked) == asked
    times.move(1_000)
    assert source.look(times, None).whole


def test_a_pause_that_x_asks_for_ends_when_its_window_does(apis: Apis) -> None:
    times, source = Times(), search(apis)
    apis.refuse["/2/"] = [(429, {"x-rate-limit-reset": str(NOW // 1000 + 600)}, "")]
    with pytest.raises(TransientError, match="got 429 and a pause of 600 s"):
        source.look(times, None)
    times.move(599_000)
    with pytest.raises(TransientError, match="pause"):
        source.look(times, None)
    times.move(1_000)
    assert source.look(times, None).whole


def test_posts_of_x_since_the_look_before_come_over_all_pages(apis: Apis) -> None:
    apis.tweets = [tweet(n, f"tweet {n}", NOW - n * 1000 - 250) for n in range(1000)]
    look = search(apis).look(Times(), NOW - 150 * 1000)
    assert {t.title for t in look.texts} >= {f"tweet {n}" for n in range(150)}
    assert look.texts[0].published_ms == NOW - 250
    assert look.texts[3].url == "https://x.com/i/status/3"
    assert look.whole
    assert len(apis.asked) == 3  # 150 s and the overlap of 120 s


def test_more_posts_of_x_than_pages_allowed_are_told_as_missed(apis: Apis) -> None:
    apis.tweets = [tweet(n, f"tweet {n}", NOW - n * 1000) for n in range(1000)]
    look = search(apis, most_pages=2).look(Times(), NOW - HOUR_MS)
    assert len(look.texts) == 200
    assert look.whole is False


def test_a_pause_of_more_than_a_week_is_told_as_missed(apis: Apis) -> None:
    assert search(apis).look(Times(), NOW - 8 * DAY_MS).whole is False
    assert search(apis).look(Times(), NOW - 6 * DAY_MS).whole


@pytest.mark.parametrize(("path", "look"), [("/r/", subreddit), ("/2/", search)], ids=["reddit", "x"])
@pytest.mark.parametrize(("answer", "error"), [
    ((502, {}, "<html>bad gateway</html>"), TransientError),
    ((403, {}, "private"), PermanentError),
    ((200, {}, '{"data": {"chil'), RefusedAnswerError),
    ((200, {}, '{"error": "no"}'), RefusedAnswerError),
], ids=["html 502", "403", "cut off", "an error with 200"])
def test_answers_that_hold_no_texts_are_told_apart(apis: Apis, path, look, answer, error) -> None:
    apis.refuse[path] = [answer]
    with pytest.raises(error, match="expected"):
        look(apis).look(Times(), None)


def test_settings_without_credentials_are_refused() -> None:
    with pytest.raises(ValidationError, match="expected both with subreddits"):
        RedditSettings(subreddits=("Bitcoin",), client_id="only-one")
    with pytest.raises(ValidationError, match="expected one with queries"):
        XSettings(queries={"bitcoin": "bitcoin"})


def test_what_was_missed_is_a_gap_and_a_bad_answer_is_in_quarantine(brain: Brain, settings: Settings, apis: Apis) -> None:
    times = Times()
    sentiment = SentimentSettings(reddit=reddit_settings(apis), x=x_settings(apis))
    found = Settings(home=settings.home, database=settings.database, sentiment=sentiment)
    collector = TextCollector(brain, "v", lambda: times, found)
    ledger = RecordingLedger(brain)
    apis.posts, apis.tweets = [post(1, "Bitcoin wins", NOW)], [tweet(1, "I love $BTC", NOW)]
    assert collector.poll().new == 2
    times.move(MINUTE_MS)
    assert (report := collector.poll()).new == 0
    assert report.failed == {}
    times.move(MINUTE_MS)
    apis.posts = [post(n, f"post {n}", times.market - 2 * n) for n in range(1200)]  # all within 2.4 s
    apis.refuse["/2/"] = [(200, {}, '{"error": "no"}')]
    report = collector.poll()
    assert report.new == 1000
    assert list(report.failed) == ["x/bitcoin"]
    source = ledger.between("sentiment", NOW, times.market + 1)
    told = [(r.began_ms - NOW, r.until_ms - NOW, r.ended) for r in source if r.source == "reddit/Bitcoin"]
    assert told == [
        (0, MINUTE_MS, "more was published since the look before than the source tells"),
        (2 * MINUTE_MS, 2 * MINUTE_MS, None),
    ]
    assert [(r.began_ms - NOW, r.until_ms - NOW, r.ended) for r in source if r.source == "x/bitcoin"] == [(0, MINUTE_MS, None)]
    (kept,) = [entry for entry in Quarantine(brain).entries() if entry.symbol == "x/bitcoin"]
    assert kept.reason.startswith("sentiment x/bitcoin: expected posts and meta")

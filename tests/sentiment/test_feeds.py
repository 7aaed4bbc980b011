"""Feeds as texts: three formats, entries that lack something, bodies that are none."""

from __future__ import annotations

import pytest

from huracan_platform.contracts.texts import ScoredText, refused
from huracan_platform.data.sentiment.fear_greed import parse_fear_greed, source_of
from huracan_platform.data.sentiment.feeds import parse_feed
from huracan_platform.data.sentiment.scoring import SymbolMatcher, VaderScorer
from huracan_platform.errors import DataContractError
from huracan_platform.settings import SentimentSettings
from huracan_platform.simulator.feeds import FeedModel, Post, atom, json_feed, rss

SEEN = 1_735_700_000_000
POSTS = [
    Post("2", "Ether & friends rise <b>fast</b>", "A great win", 1_735_699_990_000),
    Post("1", "Bitcoin falls", "A terrible crash", 1_735_699_000_000),
]


@pytest.mark.parametrize("written", [rss, atom, json_feed], ids=["rss", "atom", "json"])
def test_a_feed_gives_its_texts_with_the_time_at_which_they_were_published(written) -> None:
    answer = parse_feed("news", written(POSTS), SEEN)
    assert answer.refused == ()
    assert [(t.title, t.body, t.published_ms, t.seen_ms) for t in answer.texts] == [
        ("Ether & friends rise fast", "A great win", 1_735_699_990_000, SEEN),
        ("Bitcoin falls", "A terrible crash", 1_735_699_000_000, SEEN),
    ]
    assert answer.texts[1].url.endswith("/1")


def test_all_formats_agree_on_the_content_hash() -> None:
    hashes = {tuple(t.content_hash for t in parse_feed("news", w(POSTS), SEEN).texts) for w in (rss, atom, json_feed)}
    assert len(hashes) == 1


@pytest.mark.parametrize("body", [
    rss(POSTS).replace(b"<title>Bitcoin falls</title>", b""),
    rss(POSTS).replace(b"<link>http://news.invalid/1</link>", b""),
    rss(POSTS).replace(b"Wed, 01 Jan 2025 02:36:40", b"yesterday"),
    json_feed(POSTS).replace(b"2025-01-01T02:36:40+00:00", b"2025-01-01T02:36:40"),  # of which zone?
    json_feed(POSTS).replace(b'"title":"Bitcoin falls",', b""),
], ids=["title", "link", "date", "naive date", "json title"])
def test_an_entry_that_lacks_something_is_refused_and_the_others_stay(body) -> None:
    answer = parse_feed("news", body, SEEN)
    assert [t.title for t in answer.texts] == ["Ether & friends rise fast"]
    assert [r.reason.split(",")[0] for r in answer.refused] == ["sentiment news: expected an entry with title"]
    assert "http://news.invalid/1" in answer.refused[0].row or "crash" in answer.refused[0].row


@pytest.mark.parametrize("body", [
    b"<html><body>Too many requests</body></html>", b"", b'{"error": 1}', b"{oops", b'{"items": 7}', rss(POSTS)[:-40],
])
def test_a_body_that_is_no_feed_or_was_cut_off_is_refused(body) -> None:
    with pytest.raises(DataContractError, match="sentiment news: expected"):
        parse_feed("news", body, SEEN)


def test_symbols_are_found_by_name_ticker_and_dollar_sign_only() -> None:
    symbols = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT", "ONE/USDT:USDT")
    find = SymbolMatcher(symbols, SentimentSettings().aliases).symbols_of
    assert find("BITCOIN and Ether") == ("BTC/USDT:USDT", "ETH/USDT:USDT")
    assert find("SOL up, $btc down") == ("BTC/USDT:USDT", "SOL/USDT:USDT")
    assert find("one solution for the method of isolation, something sol") == ()
    assert find("ONE") == ("ONE/USDT:USDT",)


def test_vader_tells_good_from_bad_and_names_its_version() -> None:
    scorer = VaderScorer()
    texts = ["A great win, everybody is happy", "A terrible crash, panic and fraud", "A list of dates"]
    good, bad, neither = scorer.scores(texts)
    assert good > 0.5 > -0.5 > bad
    assert neither == 0.0
    assert scorer.name == "vader-3.3.2"


def scored(**changed) -> ScoredText:
    sound = {
        "source": "news", "url": "http://a/1", "content_hash": "0" * 64, "title": "t", "published_ms": SEEN - 1, "seen_ms": SEEN,
        "scorer": "vader", "score": 0.5, "symbols": (),
    }
    return ScoredText(**{**sound, **changed})


@pytest.mark.parametrize(("changed", "why"), [
    ({"score": 1.5}, "score: expected a score of −1 to 1, got '1.5'"),
    ({"score": float("nan")}, "score: expected"),
    ({"title": " "}, "title: expected some text"),
    ({"url": "ftp://a"}, "url: expected an http address"),
    ({"published_ms": 0}, "published_ms: expected a time since 2009-01-03"),
    ({"published_ms": SEEN + 600_000}, "expected published before it was seen"),
])
def test_a_text_that_breaks_the_contract_is_named_and_its_neighbours_are_not(changed, why) -> None:
    found = refused([scored(), scored(**changed), scored()])
    assert list(found) == [1]
    assert why in found[1]


def test_the_index_is_read_per_day_and_known_when_seen() -> None:
    body = b'{"data": [{"value": "9", "timestamp": "1735689600"}, {"value": "40", "timestamp": "1735603200"}]}'
    table = parse_fear_greed("x", body, SEEN)
    assert table.column("ts_ms").to_pylist() == [1_735_689_600_000, 1_735_603_200_000]
    assert (table.column("value").to_pylist(), table.column("known_at_ms").to_pylist()) == ([9.0, 40.0], [SEEN, SEEN])
    assert source_of("https://api.alternative.me/fng/") == "api.alternative.me"


@pytest.mark.parametrize("body", [
    b"[]", b"oops", b'{"data": [{"value": "x", "timestamp": "1735689600"}]}',
    b'{"data": [{"value": "101", "timestamp": "1735689600"}]}',
    b'{"data": [{"value": "1", "timestamp": "1835689600"}]}',
    b'{"data": [{"value": "1", "timestamp": "1735689600"}, {"value": "2", "timestamp": "1735689600"}]}',
])
def test_an_index_that_is_none_is_refused(body) -> None:
    with pytest.raises(DataContractError, match="fear_greed x: expected"):
        parse_fear_greed("x", body, SEEN)


def test_made_up_feeds_depend_on_seed_and_moment_alone() -> None:
    model, again, other = FeedModel(7, ["BTC"]), FeedModel(7, ["BTC"]), FeedModel(8, ["BTC"])
    assert rss(model.posts(0, SEEN)) == rss(again.posts(0, SEEN)) != rss(other.posts(0, SEEN))
    later = model.posts(0, SEEN + 3_600_000)
    assert [p for p in later if p.published_ms <= SEEN] == [p for p in model.posts(0, SEEN) if p in later]
    assert 40 <= len(model.posts(0, SEEN)) <= 60
    assert len({model.index(day * 86_400_000) for day in range(40)}) > 15

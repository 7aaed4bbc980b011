"""Feeds of made-up texts about the simulated venue's coins, and a made-up Fear & Greed index, for demo and tests.

Everything is synthetic. What a text says is drawn from (seed, feed, 5 minutes of market time) and from nothing else: it knows
nothing of prices, before or after, so whoever finds a profit in it has found a mistake. The same moment gives the same bytes.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime

import numpy as np
import orjson
from aiohttp import ClientSession, web

from huracan_platform.clock import DAY_MS, MINUTE_MS, MarketTime, SystemClock, to_datetime

Handler = Callable[[web.Request], Awaitable[web.Response]]
SLOT_MS = 5 * MINUTE_MS
SHOWN_MS = 12 * 60 * MINUTE_MS
MOST_SHOWN = 60
FNG_DAYS_MOST = 400
NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana"}
TEXTS = (
    ("{coin} holders celebrate a great win", "Strong support and a good week; the mood is happy and optimistic."),
    ("Brilliant upgrade makes {coin} better and safer", "Developers love the excellent improvement."),
    ("{coin} adoption: a promising success story", "More shops trust it and customers like the benefit."),
    ("{coin} trades without direction", "Volume was ordinary and nothing was announced."),
    ("What the calendar holds for {coin}", "A list of dates and meetings of the week."),
    ("{coin} network report published", "Figures on blocks, fees and addresses."),
    ("{coin} crash fear grows", "A terrible day: panic, losses and angry investors."),
    ("Fraud worries hurt {coin}", "A scam and an ugly lawsuit threaten the weak project."),
    ("Bad news for {coin} as an attack fails users", "Victims lost money in a horrible disaster."),
)
CLASSES = ((25, "Extreme Fear"), (45, "Fear"), (55, "Neutral"), (75, "Greed"), (101, "Extreme Greed"))


@dataclass(frozen=True)
class Post:
    """One made-up text."""

    slug: str
    title: str
    body: str
    published_ms: int


class FeedModel:
    """What the feeds hold at a market time.

    Parameters
    ----------
    seed
        Of the texts; another one gives others.
    tickers
        Coins that the texts speak of.
    """

    def __init__(self, seed: int, tickers: Sequence[str]) -> None:
        self._seed, self._tickers = seed, tuple(tickers)

    def posts(self, feed: int, now_ms: int) -> list[Post]:
        """Posts of the last 12 hours, newest first."""
        first, last = (now_ms - SHOWN_MS) // SLOT_MS, now_ms // SLOT_MS
        found = [post for slot in range(last, first, -1) for post in self._slot(feed, slot) if post.published_ms <= now_ms]
        return found[:MOST_SHOWN]

    def index(self, day_ms: int) -> int:
        """Fear & Greed of a day, 0 to 100: a slow wave of its own and noise."""
        day = day_ms // DAY_MS
        noise = np.random.default_rng([self._seed, 99, day]).normal(0, 6)
        return int(np.clip(50 + 25 * np.sin(2 * np.pi * day / 41 + self._seed) + noise, 0, 100))

    def _slot(self, feed: int, slot: int) -> list[Post]:
        rng = np.random.default_rng([self._seed, feed, slot])
        posts = []
        for number in range(int(rng.poisson(0.6))):
            ticker = self._tickers[int(rng.integers(len(self._tickers)))]
            title, body = TEXTS[int(rng.integers(len(TEXTS)))]
            name = NAMES.get(ticker, ticker)
            at = slot * SLOT_MS + int(rng.integers(SLOT_MS // 1000)) * 1000
            # A number keeps two posts with the same wording apart, as two articles are.
            text = f"{body} Note {slot % 100_000}-{number} of feed {feed}."
            posts.append(Post(f"{slot}-{number}", title.format(coin=name), text, at))
        return sorted(posts, key=lambda post: -post.published_ms)


class FeedServer:
    """`/news.rss`, `/forum.atom`, `/posts.json` and `/fng/`, at the market time of a venue."""

    def __init__(self, model: FeedModel, venue_url: str) -> None:
        self._model, self._venue_url = model, venue_url

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        feeds: tuple[tuple[str, str, Callable[[Sequence[Post]], bytes]], ...] = (
            ("/news.rss", "application/rss+xml", rss), ("/forum.atom", "application/atom+xml", atom),
            ("/posts.json", "application/feed+json", json_feed),
        )
        for number, (path, kind, written) in enumerate(feeds):
            app.router.add_get(path, self._feed(number, kind, written))
        app.router.add_get("/fng/", self._fear_greed)
        return app

    def _feed(self, number: int, kind: str, written: Callable[[Sequence[Post]], bytes]) -> Handler:
        async def handle(_request: web.Request) -> web.Response:
            return web.Response(body=written(self._model.posts(number, await self._now_ms())), content_type=kind)

        return handle

    async def _fear_greed(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "1"))
        today = await self._now_ms() // DAY_MS * DAY_MS
        days = range(today, today - DAY_MS * (min(limit, FNG_DAYS_MOST) or FNG_DAYS_MOST), -DAY_MS)
        rows = [_fng_row(self._model.index(day), day) for day in days]
        body = {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    async def _now_ms(self) -> int:
        async with ClientSession() as session, session.get(f"{self._venue_url}/control/clock") as answer:
            told = await answer.json()
        mapped = MarketTime(int(told["market_anchor_ms"]), int(told["wire_anchor_ms"]), float(told["speed"]))
        return mapped.at(SystemClock().wire_ms())


def rss(posts: Sequence[Post]) -> bytes:
    """RSS 2.0."""
    items = "".join(
        f"<item><title>{html.escape(p.title)}</title><link>http://news.invalid/{p.slug}</link>"
        f"<guid isPermaLink=\"false\">{p.slug}</guid><pubDate>{format_datetime(to_datetime(p.published_ms))}</pubDate>"
        f"<description>{html.escape(p.body)}</description></item>" for p in posts
    )
    head = "<title>Synthetic news</title><link>http://news.invalid/</link><description>Made up by a simulator</description>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def atom(posts: Sequence[Post]) -> bytes:
    """Atom 1.0."""
    entries = "".join(
        f"<entry><title>{html.escape(p.title)}</title><link href=\"http://forum.invalid/{p.slug}\"/><id>urn:post:{p.slug}</id>"
        f"<updated>{to_datetime(p.published_ms).isoformat()}</updated><summary>{html.escape(p.body)}</summary></entry>"
        for p in posts
    )
    updated = to_datetime(posts[0].published_ms if posts else 0).isoformat()
    head = f"<title>Synthetic forum</title><id>urn:forum</id><updated>{updated}</updated>"
    return f'<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">{head}{entries}</feed>'.encode()


def json_feed(posts: Sequence[Post]) -> bytes:
    """JSON Feed 1.1."""
    items = [
        {"id": p.slug, "url": f"http://posts.invalid/{p.slug}", "title": p.title, "content_text": p.body,
         "date_published": to_datetime(p.published_ms).isoformat()}
        for p in posts
    ]
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Synthetic posts", "items": items})


def _fng_row(value: int, day_ms: int) -> dict[str, str]:
    name = next(name for below, name in CLASSES if value < below)
    return {"value": str(value), "value_classification": name, "timestamp": str(day_ms // 1000)}

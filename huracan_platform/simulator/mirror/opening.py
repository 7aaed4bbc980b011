"""From a source's address to a venue that mirrors it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from huracan_platform.clock import SystemClock
from huracan_platform.errors import ConfigurationError, TransientError
from huracan_platform.simulator.binance.app import VenueApp
from huracan_platform.simulator.gaps import Gaps
from huracan_platform.simulator.market.bars import Market
from huracan_platform.simulator.mirror.book import MirroredBook
from huracan_platform.simulator.mirror.clock import MirrorClock
from huracan_platform.simulator.mirror.feed import MirrorFeed
from huracan_platform.simulator.mirror.follower import Follower
from huracan_platform.simulator.mirror.listing import fetch_history, identity_of, instruments_of
from huracan_platform.simulator.mirror.positioning import MirroredPositioning
from huracan_platform.simulator.mirror.source import Source
from huracan_platform.simulator.venue import Venue

NO_END_MS = 4_133_404_800_000  # 2100-12-25, the delivery date that the venue gives a perpetual
MOST_DAYS = 90
NOTES = (
    "trades are known since the mirror began, four hours back at most; single trades are told as the aggregates of the source",
)


class Mirror:
    """A venue that follows a source, and what keeps it up to date."""

    def __init__(self, venue: Venue, feed: MirrorFeed, followers: dict[str, Follower], positioning: MirroredPositioning) -> None:
        self.venue = venue
        self._feed, self._followers, self._positioning = feed, followers, positioning

    def attach(self, app: VenueApp) -> web.Application:
        """The application, following the source while it runs; orders lose their places in a queue whose trades are lost."""
        for symbol, follower in self._followers.items():
            book = app.matching.books[symbol]
            follower.lost, follower.book.changed = book.lose_places, book.moved
        built = app.build()
        built.middlewares.append(self._positioning.middleware())
        built.cleanup_ctx.insert(0, self._following)
        return built

    async def _following(self, _app: web.Application) -> AsyncIterator[None]:
        async with self._feed.running():
            yield


@asynccontextmanager
async def opened_mirror(url: str, symbols: tuple[str, ...], days: int) -> AsyncIterator[Mirror]:
    """A mirror of the venue whose REST is at `url`, with so many days of its history.

    Raises
    ------
    ConfigurationError
        An address, symbol or number of days that cannot be.
    TransientError
        The source is not reached.
    """
    identity = identity_of(url)
    if not 1 <= days <= MOST_DAYS:
        raise ConfigurationError(f"days: expected 1 to {MOST_DAYS} with a mirror, got {days}")
    async with aiohttp.ClientSession() as session:
        source, wire = Source(url, session), SystemClock()
        try:
            instruments = instruments_of(await source.get("/fapi/v1/exchangeInfo"), symbols)
        except (KeyError, TypeError) as error:
            raise TransientError(f"mirror: expected Binance USD-M at {url}, got an exchangeInfo without {error}") from None
        gaps, histories = Gaps(), {}
        for instrument in instruments:
            histories[instrument.symbol] = await fetch_history(source, instrument, days, gaps)
        now_ms = min(history.running_ms for history in histories.values())
        start_ms = min(history.listed.listed_ms for history in histories.values())
        listed = {symbol: history.listed for symbol, history in histories.items()}
        clock = MirrorClock(now_ms, wire)
        books = {instrument.symbol: MirroredBook(histories[instrument.symbol]) for instrument in instruments}
        venue = Venue(Market(identity, listed, start_ms, now_ms, NO_END_MS, NOTES), clock, histories, books)
        venue.gaps = gaps
        followers = {s: Follower(source, history, books[s], clock, gaps) for s, history in histories.items()}
        feed = MirrorFeed(url, session, venue, clock, followers)
        yield Mirror(venue, feed, followers, MirroredPositioning(source, venue.symbols, wire))

"""From options to a serving venue."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from huracan_platform.clock import SystemClock
from huracan_platform.errors import ConfigurationError
from huracan_platform.simulator.binance.app import VenueApp
from huracan_platform.simulator.market.bars import Market
from huracan_platform.simulator.market.listings import Listings, read_moments, with_listings
from huracan_platform.simulator.market.synthetic import DEFAULT_START, generate_market
from huracan_platform.simulator.serving.server import bind, serve
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.venue_clock import VenueClock

BINANCE, BYBIT = "binance", "bybit"
PROTOCOLS = (BINANCE, BYBIT)


@dataclass(frozen=True)
class VenueOptions:
    """What `huracan venue` was asked for. `symbols` None: all defaults of the source; `start` None: its default day;
    `mirror` the address of a venue whose prices to follow; `protocol` one of PROTOCOLS; `begins` and `ends` as
    `listings.read_moments` reads them."""

    host: str
    port: int
    seed: int
    symbols: tuple[str, ...] | None
    days: int
    speed: float
    replay: Path | None
    mirror: str | None
    start: str | None
    enforce_limits: bool
    api_key: SecretStr
    api_secret: SecretStr
    protocol: str = BINANCE
    begins: str = ""
    ends: str = ""


def build_market(options: VenueOptions) -> Market:
    """The synthetic or the recorded market; under another protocol it is another venue, with a name of its own."""
    listings = Listings(read_moments("begins", options.begins), read_moments("ends", options.ends))
    market = with_listings(_market(options), listings)
    return market if options.protocol == BINANCE else replace(market, identity=f"{market.identity}-{options.protocol}")


def _market(options: VenueOptions) -> Market:
    if options.replay is not None:
        from huracan_platform.simulator.market.replay import replay_market  # brings pyarrow

        return replay_market(options.replay, options.symbols, options.start)
    if not 1 <= options.days <= 2_000:
        raise ConfigurationError(f"days: expected 1 to 2000, got {options.days}")
    return generate_market(options.symbols or (), options.seed, options.days, options.start or DEFAULT_START)


def run_venue(options: VenueOptions) -> None:
    """Bind first, so that a taken port fails at once; then build the market and serve until interrupted.

    Raises
    ------
    ConfigurationError
        An option is out of its bounds, or the market would end after the present wall time.
    PermanentError
        The port is taken.
    TransientError
        The mirrored venue is not reached.
    """
    if not 0 <= options.speed <= 100_000:
        raise ConfigurationError(f"speed: expected 0 to 100000 market seconds per second, got {options.speed}")
    if options.seed < 0:
        raise ConfigurationError(f"seed: expected 0 or more, got {options.seed}")
    if not 0 <= options.port <= 65_535:
        raise ConfigurationError(f"port: expected 0 to 65535, got {options.port}")
    if options.protocol not in PROTOCOLS or (options.mirror is not None and options.protocol != BINANCE):
        expected = BINANCE if options.mirror is not None else " or ".join(PROTOCOLS)
        raise ConfigurationError(f"protocol: expected {expected}, got {options.protocol}")
    listener = bind(options.host, options.port)
    with listener:
        if options.mirror is not None:
            asyncio.run(_run_mirror(options, options.mirror, listener))
            return
        market = build_market(options)
        wall_ms = SystemClock().wire_ms()
        if market.end_ms > wall_ms:
            raise ConfigurationError(f"days: expected a market that ends before wall time {wall_ms}, got {market.end_ms}")
        venue = Venue(market, VenueClock.starting_at(market.now_ms, market.end_ms, options.speed))
        asyncio.run(serve(_application(options, venue), listener))


def _application(options: VenueOptions, venue: Venue) -> web.Application:
    """The venue in the words of its protocol."""
    if options.protocol == BYBIT:
        from huracan_platform.simulator.bybit.app import BybitApp

        return BybitApp(venue, options.api_key, options.api_secret, enforce_limits=options.enforce_limits).build()
    return VenueApp(venue, options.api_key, options.api_secret, enforce_limits=options.enforce_limits).build()


async def _run_mirror(options: VenueOptions, url: str, listener: socket.socket) -> None:
    from huracan_platform.simulator.mirror.opening import opened_mirror  # brings the HTTP client

    async with opened_mirror(url, options.symbols or (), options.days) as mirror:
        app = VenueApp(mirror.venue, options.api_key, options.api_secret, enforce_limits=options.enforce_limits)
        await serve(mirror.attach(app), listener)

"""The liquidations of several venues at once, each with a connection and a recorder of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import Clock
from huracan_platform.data.market_data.liquidations.recorder import BACKOFF_LAST_S, LiquidationRecorder
from huracan_platform.errors import HuracanError, PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.liquidation_feed import Heard, LiquidationStream, liquidation_stream, listen
from huracan_platform.venues.market import MarketData

_log = get_logger("market_data.liquidations")


@dataclass
class VenueListener:
    """Opens the stream of one venue again and again; what it lists is asked once."""

    settings: Settings
    exchange: str
    stream: LiquidationStream | None = None

    async def connect(self) -> AsyncIterator[Heard]:
        """Frames of one connection, until it breaks with `TransientError`."""
        if self.stream is None:
            self.stream = await liquidation_stream(self.settings, self.settings.symbols)
        async for heard in listen(self.stream, self.exchange, self.settings.liquidations.stale_s):
            yield heard


async def record_venues(
    brain: Brain, venues: Mapping[str, Settings], clock: Clock, tell: Callable[[str], None] = lambda exchange: None
) -> None:
    """Record at every venue, by the name that the settings give it, until cancelled. None of them disturbs another.

    Parameters
    ----------
    venues
        Settings that have the venue as their first one.
    tell
        Called with the name under which a venue's liquidations are kept, once that is known.

    Raises
    ------
    PermanentError
        None of the venues can ever be recorded; the first one's reason.
    """
    async def one(name: str, settings: Settings) -> None:
        exchange = await _exchange(name, settings)
        tell(exchange)
        listener = VenueListener(settings, exchange)
        await LiquidationRecorder(brain, exchange, listener.connect, clock, settings.liquidations).run()

    async def watched(name: str, settings: Settings) -> HuracanError:
        try:
            await one(name, settings)
        except HuracanError as error:
            _log.error("venue not recorded", venue=name, error=str(error))
            return error
        raise AssertionError("a recorder ends by an error only")

    async with asyncio.TaskGroup() as group:  # waits for all of them when it is cancelled: what they heard is written first
        tasks = [group.create_task(watched(name, settings)) for name, settings in venues.items()]
    raise next((task.result() for task in tasks), PermanentError("liquidations: expected a venue, got none"))


async def _exchange(name: str, settings: Settings) -> str:
    """The name that the venue's facts are kept under; asked for until the venue answers."""
    while True:
        try:
            return await asyncio.to_thread(lambda: MarketData(settings).venue)
        except TransientError as error:
            _log.warning("venue does not answer", venue=name, error=str(error))
            await asyncio.sleep(BACKOFF_LAST_S * (0.5 + random.random()))

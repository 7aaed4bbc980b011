"""Several venues recorded at once: none of them disturbs another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from huracan_platform.errors import HuracanError, PermanentError, TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings
from huracan_platform.venues.market import MarketData

ASK_AGAIN_S = 30.0
Told = TypeVar("Told")
_log = get_logger("market_data.side_by_side")


async def side_by_side(
    venues: Mapping[str, Settings], record: Callable[[str, Settings], Awaitable[None]], tell: Callable[[str], None]
) -> None:
    """Record at every venue, by the name that the settings give it, until cancelled.

    Parameters
    ----------
    venues
        Settings that have the venue as their first one.
    record
        Records one venue, given the name under which its facts are kept, until an error ends it for good.
    tell
        Called with that name, once it is known.

    Raises
    ------
    PermanentError
        None of the venues can ever be recorded; the first one's reason.
    """
    async def watched(name: str, settings: Settings) -> HuracanError:
        try:
            exchange = await answered(name, lambda: asyncio.to_thread(lambda: MarketData(settings).venue))
            tell(exchange)
            await record(exchange, settings)
        except HuracanError as error:
            _log.error("venue not recorded", venue=name, error=str(error))
            return error
        raise AssertionError("a recorder ends by an error only")

    async with asyncio.TaskGroup() as group:  # waits for all of them when it is cancelled: what they heard is written first
        tasks = [group.create_task(watched(name, settings)) for name, settings in venues.items()]
    raise next((task.result() for task in tasks), PermanentError("recorders: expected a venue, got none"))


async def answered(venue: str, ask: Callable[[], Awaitable[Told]]) -> Told:
    """What a venue says, asked for until it answers."""
    while True:
        try:
            return await ask()
        except TransientError as error:
            _log.warning("venue does not answer", venue=venue, error=str(error))
            await asyncio.sleep(ASK_AGAIN_S * (0.5 + random.random()))

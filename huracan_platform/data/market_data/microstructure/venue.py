"""Recorders of trades and books, side by side, at one venue or at several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import Clock
from huracan_platform.data.market_data.microstructure.recorder import SecondsRecorder
from huracan_platform.data.market_data.side_by_side import answered, side_by_side
from huracan_platform.errors import HuracanError
from huracan_platform.settings import Settings
from huracan_platform.venues.alternatives import alternative_settings
from huracan_platform.venues.client import build_client
from huracan_platform.venues.listed import listed_contracts
from huracan_platform.venues.microstructure import Dataset, streams_of
from huracan_platform.venues.microstructure.feed import listen
from huracan_platform.venues.sockets import close_client

DATASETS: tuple[Dataset, ...] = ("trades", "book")


async def record_venues(brain: Brain, settings: Settings, clock: Clock, tell: Callable[[str], None] = lambda venue: None) -> None:
    """Trades and books of the venue, and of its alternatives what of both the settings want of them, as `side_by_side`.

    Raises
    ------
    PermanentError
        None of the venues can ever be recorded; the first one's reason.
    """
    wanted = tuple(dataset for dataset in DATASETS if dataset in settings.sources.alternatives)
    others = alternative_settings(settings) if wanted else {}

    async def record(venue: str, own: Settings) -> None:
        await record_seconds(brain, venue, own, clock, DATASETS if own is settings else wanted)

    await side_by_side({settings.venue.ccxt_id: settings, **others}, record, tell)


async def record_seconds(
    brain: Brain, venue: str, settings: Settings, clock: Clock, datasets: tuple[Dataset, ...] = DATASETS
) -> None:
    """Trades and books of those of the settings' symbols that the venue lists, until cancelled.

    A simulated market may run fast or in the past, where the wall says nothing: a second is known there since the newest
    time that was told.

    Raises
    ------
    PermanentError
        The exchange's streams are not known here, or it lists none of the symbols.
    """
    client, rule = build_client(settings, "market", "pro"), settings.microstructure
    try:
        contracts = await answered(venue, lambda: listed_contracts(client, settings.symbols, "trades and books"))
        symbols = [contract.symbol for contract in contracts.values()]
        streams = streams_of(settings.venue.ccxt_id, client, contracts, rule.snapshot_levels)
        arrived = clock.market_ms if settings.venue.url is None else lambda: 0
        recorders = [
            SecondsRecorder(
                brain, venue, dataset, symbols, streams,
                partial(listen, streams, dataset, rule.stale_s, settings.venue.place), clock, rule, arrived_ms=arrived,
            )
            for dataset in datasets
        ]
        async with asyncio.TaskGroup() as group:
            for recorder in recorders:
                group.create_task(recorder.run())
    except ExceptionGroup as errors:
        own, foreign = errors.split(HuracanError)
        if own is not None and foreign is None:
            raise own.exceptions[0] from None
        raise
    finally:
        await close_client(client)

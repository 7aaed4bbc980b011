"""Recorders of a venue's trades and books, side by side."""

from __future__ import annotations

import asyncio
from functools import partial

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import Clock
from huracan_platform.data.market_data.microstructure.recorder import SecondsRecorder
from huracan_platform.settings import Settings
from huracan_platform.venues.client import build_client, translated
from huracan_platform.venues.microstructure import Dataset, streams_of
from huracan_platform.venues.microstructure.feed import listen
from huracan_platform.venues.sockets import close_client

DATASETS: tuple[Dataset, ...] = ("trades", "book")


async def record_seconds(brain: Brain, venue: str, settings: Settings, clock: Clock) -> None:
    """Trades and books of the symbols of the settings, until cancelled.

    A simulated market may run fast or in the past, where the wall says nothing: a second is known there since the newest
    time that was told.

    Raises
    ------
    ConfigurationError
        The exchange's streams are not known here.
    TransientError
        The venue does not say what it lists.
    """
    client, rule = build_client(settings, "market", "pro"), settings.microstructure
    try:
        with translated(client, "exchangeInfo"):
            await client.load_markets()
            names = {str(client.market(symbol)["id"]): symbol for symbol in settings.symbols}
        streams = streams_of(settings.venue.ccxt_id, client, names, rule.snapshot_levels)
        arrived = clock.market_ms if settings.venue.url is None else lambda: 0
        recorders = [
            SecondsRecorder(
                brain, venue, dataset, settings.symbols, streams, partial(listen, streams, dataset, rule.stale_s), clock, rule,
                arrived_ms=arrived,
            )
            for dataset in DATASETS
        ]
        async with asyncio.TaskGroup() as group:
            for recorder in recorders:
                group.create_task(recorder.run())
    finally:
        await close_client(client)

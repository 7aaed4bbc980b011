"""The liquidations of several venues at once, each with a connection and a recorder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import Clock
from huracan_platform.data.market_data.liquidations.recorder import LiquidationRecorder
from huracan_platform.data.market_data.side_by_side import side_by_side
from huracan_platform.settings import Settings
from huracan_platform.venues.liquidation_feed import Heard, LiquidationStream, liquidation_stream, listen


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
    """Liquidations of every venue, as `side_by_side`."""
    async def record(exchange: str, settings: Settings) -> None:
        listener = VenueListener(settings, exchange)
        await LiquidationRecorder(brain, exchange, listener.connect, clock, settings.liquidations).run()

    await side_by_side(venues, record, tell)

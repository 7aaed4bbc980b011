"""The recorder of seconds where its library refuses what it writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import SystemClock
from huracan_platform.contracts.microstructure import Trade
from huracan_platform.data.market_data.microstructure.recorder import SecondsRecorder
from huracan_platform.settings import MicrostructureSettings
from huracan_platform.venues.microstructure.binance import BinanceStreams
from huracan_platform.venues.microstructure.feed import Frame
from tests.brain.batches import BTC, T0

LONGEST_S = 60.0


async def trades() -> AsyncIterator[Frame]:
    """A trade every tenth of a market second, for ever."""
    number = 0
    while True:
        number += 1
        yield Frame((Trade(BTC, T0 + 100 * number, number, 100.0, 1.0, True, number, number),))
        await asyncio.sleep(0.005)


def test_a_recorder_whose_rows_the_library_refuses_ends_and_says_why(brain: Brain) -> None:
    with brain.connect() as connection:
        connection.execute("ALTER TABLE trade_seconds RENAME COLUMN trades TO others")
    recorder = SecondsRecorder(
        brain, "v", "trades", (BTC,), BinanceStreams(None, {"BTCUSDT": BTC}, 1000), trades, SystemClock(),
        MicrostructureSettings(flush_s=0.1, settle_ms=0), arrived_ms=lambda: 0,
    )

    async def run() -> None:
        task = asyncio.create_task(recorder.run())
        done, _ = await asyncio.wait({task}, timeout=LONGEST_S)
        assert done, "expected the recorder to end by itself, got one that goes on in vain"
        await task

    with pytest.raises(psycopg.errors.UndefinedColumn):
        asyncio.run(run())

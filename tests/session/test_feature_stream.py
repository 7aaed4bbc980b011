"""Live features equal what the store computes from the library: after a restore, bar by bar, and after a restatement."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from huracan_platform.clock import MINUTE_MS, to_datetime
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.market import CANDLE_COLUMNS, ClosedBar, Pin
from huracan_platform.data.features.recompute import recompute_row
from huracan_platform.errors import DataContractError
from huracan_platform.execution.feature_stream import FeatureStream
from huracan_platform.execution.live_library import LiveLibrary
from tests.session.world import SYMBOLS, World

pytestmark = pytest.mark.slow
SYMBOL = SYMBOLS[0]


def next_bars(world: World, after_ms: int, count: int) -> list[ClosedBar]:
    """Let the market run until `count` more bars are over, then stand still."""
    world.control("clock", {"speed": 600})
    while world.clock.market_ms() < after_ms + (count + 1) * MINUTE_MS:
        time.sleep(0.05)
    world.control("clock", {"speed": 0})
    served = world.market.candles(SYMBOL, after_ms, after_ms + count * MINUTE_MS)
    return [
        ClosedBar(SYMBOL, int(ts), *(float(getattr(served, name)[i]) for name in CANDLE_COLUMNS), 0)
        for i, ts in enumerate(served.ts_ms)
    ]


def from_library(world: World, stream: FeatureStream, ts_ms: int) -> FeatureRow:
    """The row again, from the library as it is now."""
    clock = world.clock
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    return recompute_row(
        world.store, world.market.venue, SYMBOL, world.features, ts_ms, pin, state_from_ms=stream.source.state_from_ms,
        checkpoint_hash=stream.source.checkpoint_hash,
    )


def test_live_rows_follow_the_library_also_when_a_bar_is_restated(world: World) -> None:
    library = LiveLibrary(world.brain, world.market, world.clock, world.settings)
    stream = FeatureStream(SYMBOL, library, world.store, world.features, world.settings)
    first = stream.restore(world.clock)
    assert stream.source.checkpoint_hash is not None
    bars = next_bars(world, first, 8)
    assert len(bars) == 8
    library.record(bars)
    for bar in bars[:5]:
        assert stream.step(bar).row_hash == from_library(world, stream, bar.ts_ms).row_hash

    library.record([replace(bars[2], volume=bars[2].volume * 2.0)])
    assert stream.step(bars[5]).row_hash != from_library(world, stream, bars[5].ts_ms).row_hash
    stream.rebuild(world.clock)
    assert stream.step(bars[6]).row_hash == from_library(world, stream, bars[6].ts_ms).row_hash
    with pytest.raises(DataContractError, match="expected the bar of"):
        stream.step(bars[6])

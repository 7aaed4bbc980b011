"""Live features equal what the store computes from the library: after a restore, bar by bar, and after a restatement."""

from __future__ import annotations

import time
from dataclasses import replace

import pyarrow as pa
import pytest

from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.clock import DAY_MS, MINUTE_MS, to_datetime
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.market import CANDLE_COLUMNS, ClosedBar, Pin
from huracan_platform.contracts.quality import Refetched
from huracan_platform.data.features.recompute import recompute_row
from huracan_platform.data.market_data.own_bars import read_own
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


def test_what_another_venue_lent_is_asked_for_again_and_left_out_while_the_venue_lacks_it(world: World) -> None:
    library, ledger = LiveLibrary(world.brain, world.market, world.clock, world.settings), RefetchedWindows(world.brain)
    now = world.clock.market_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS  # the newest bar may have ended and not be known yet
    start, lent = now - 30 * MINUTE_MS, [now - 20 * MINUTE_MS, now - 10 * MINUTE_MS]
    own = library.catch_up(SYMBOL, start, now)
    assert own.ts_ms.tolist() == list(range(start, now, MINUTE_MS))
    venue, wire = world.market.venue, world.clock.wire_ms()
    ledger.lend(venue, "candles", [Refetched(SYMBOL, ts, ts + MINUTE_MS, "bybit") for ts in lent], wire)
    bars = [ClosedBar(SYMBOL, ts, *(1.01 * float(getattr(own, n)[own.ts_ms == ts][0]) for n in CANDLE_COLUMNS), 0) for ts in lent]
    columns = {name: [getattr(bar, name) for bar in bars] for name in CANDLE_COLUMNS}
    CandleRepository(world.brain).upsert(venue, pa.table({
        "symbol": [SYMBOL] * 2, "ts_ms": lent, **columns, "known_at_ms": [ts + MINUTE_MS for ts in lent]
    }), wire, revision_known_at_ms=world.clock.market_ms())
    world.control("faults", {"kind": "missing_candle", "candle_ms": lent[0], "path": "/fapi/v1/klines"})
    again = library.catch_up(SYMBOL, start, now)
    assert again.ts_ms.tolist() == [ts for ts in range(start, now, MINUTE_MS) if ts != lent[0]]
    assert again.close.tolist() == own.close[own.ts_ms != lent[0]].tolist()
    assert [w.start_ms for w in ledger.standing(venue, "candles", SYMBOL, start, now)] == [lent[0]]
    seen = Pin(to_datetime(world.clock.market_ms()), to_datetime(wire))
    assert [w.start_ms for w in ledger.standing(venue, "candles", SYMBOL, start, now, seen)] == lent
    between = read_own(world.brain, venue, [SYMBOL], start, now, seen)[SYMBOL]
    assert between.ts_ms.tolist() == [ts for ts in range(start, now, MINUTE_MS) if ts not in lent]


def test_a_session_keeps_the_delay_that_was_measured_when_it_started(world: World) -> None:
    delays = ArrivalDelays(world.brain, world.settings.quality.arrival)
    library = LiveLibrary(world.brain, world.market, world.clock, world.settings)
    library.measure([30_000] * world.settings.quality.arrival.fewest)
    assert delays.model(world.market.venue, "candles", 2_000).delay_ms == pytest.approx(30_000, rel=0.05)
    now = world.clock.market_ms() // MINUTE_MS * MINUTE_MS
    # Long before what the library holds, so that they are new to it.
    first, second = now - 400 * DAY_MS, now - 400 * DAY_MS + MINUTE_MS
    library.record([ClosedBar(SYMBOL, first, 1.0, 1.0, 1.0, 1.0, 1.0, 0)])
    later = LiveLibrary(world.brain, world.market, world.clock, world.settings)
    later.record([ClosedBar(SYMBOL, second, 1.0, 1.0, 1.0, 1.0, 1.0, 0)])
    versions = CandleRepository(world.brain).read_versions(world.market.venue, [SYMBOL], first, second + 1)[SYMBOL]
    known_after = (versions.known_ms - versions.ts_ms - MINUTE_MS).tolist()
    assert known_after == [2_000, pytest.approx(30_000, rel=0.05)]

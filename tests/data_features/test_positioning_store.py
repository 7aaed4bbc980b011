"""Days of the set `positioning`: facts find their way from the library, and a corrected one counts from when it was known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.positioning.alignment import align
from huracan_platform.data.features.store import FeatureStore
from tests.data_features.facts import facts_of, versions
from tests.data_features.library import (
    BTC,
    DAYS,
    ETH,
    FUNDING_DELAY_MS,
    POSITIONING,
    VENUE,
    funding_rates,
)
from tests.data_features.synthetic import BARS_PER_DAY, START_MS, bits, walk


def test_stored_rows_of_positioning_are_the_engines_own(store: FeatureStore) -> None:
    """Every column has values: each fact found its way from the library beside the bars."""
    store.build_days(VENUE, [BTC, ETH], DAYS, POSITIONING)
    candles, rates = walk(5 * BARS_PER_DAY, 1, symbol=BTC), funding_rates(BTC)
    own = versions(rates.ts_ms, FUNDING_DELAY_MS, rate=rates.rate, interval_h=rates.interval_h)
    known = align(candles.ts_ms, replace(facts_of(len(DAYS), 1), funding=own))
    expected = FeatureEngine(POSITIONING).run(candles, *(known[name] for name in POSITIONING.inputs))
    loaded = store.load(VENUE, BTC, POSITIONING, START_MS, START_MS + 5 * DAY_MS)
    assert (bits(loaded.values) == bits(expected)).all()
    assert np.isfinite(loaded.values[-1]).all()


def test_a_corrected_fact_changes_rows_from_when_it_was_known_and_makes_no_earlier_row_stale(
    own_store: FeatureStore, own_library: Brain, clock: ManualClock,
) -> None:
    store = own_store
    store.build_days(VENUE, [BTC], DAYS, POSITIONING)
    before = store.load(VENUE, BTC, POSITIONING, START_MS, START_MS + 5 * DAY_MS)
    clock.advance(HOUR_MS)
    # A snapshot of 10:00 of the second day, corrected at 10:20; another as well, at the end of all days.
    corrected = START_MS + DAY_MS + 10 * HOUR_MS
    for ts_ms, known_ms in ((corrected, corrected + 20 * MINUTE_MS), (corrected + MINUTE_MS * 5, START_MS + 6 * DAY_MS)):
        OpenInterestRepository(own_library).upsert(VENUE, pa.table({
            "symbol": [BTC], "ts_ms": [ts_ms], "known_at_ms": [known_ms], "contracts": [3e4], "value_usd": [1.0],
        }), clock.wire_ms(), revision_known_at_ms=known_ms)
    clock.advance(HOUR_MS)
    # By 10:20 three newer snapshots were known: no row saw the correction, so nothing is stale.
    assert store.stale_days(VENUE, [BTC], POSITIONING, DAYS[0], DAYS[-1]) == []
    late = corrected + 3 * HOUR_MS
    OpenInterestRepository(own_library).upsert(VENUE, pa.table({
        "symbol": [BTC], "ts_ms": [late], "known_at_ms": [late], "contracts": [3e4], "value_usd": [1.0],
    }), clock.wire_ms(), revision_known_at_ms=late + 6 * MINUTE_MS)
    clock.advance(HOUR_MS)
    stale = store.stale_days(VENUE, [BTC], POSITIONING, DAYS[0], DAYS[-1])
    assert [s.day for s in stale] == [DAYS[1]]
    store.build_days(VENUE, [BTC], [DAYS[1]], POSITIONING)
    after = store.load(VENUE, BTC, POSITIONING, START_MS, START_MS + 5 * DAY_MS)
    first = (late - START_MS) // MINUTE_MS + 5                # closes six minutes after the snapshot
    assert (bits(after.values[:first]) == bits(before.values[:first])).all()
    assert after.values[first, POSITIONING.columns.index("oi_change_60")] > 0.9


def test_without_facts_only_candles_are_needed(library: Brain, tmp_path: Path, clock: ManualClock) -> None:
    alone = FeatureStore(library, str(tmp_path / "alone"), clock=clock)
    built = alone.build_days(VENUE, [BTC], DAYS[:1], POSITIONING)
    assert [d.rows for d in built] == [BARS_PER_DAY]
    values = alone.load(VENUE, BTC, POSITIONING, START_MS, START_MS + DAY_MS).values
    lost = {POSITIONING.columns[c] for c in np.flatnonzero(np.isnan(values).all(axis=0))}
    assert {"funding_spread", "funding_spread_momentum", "fear_greed"} <= lost
    assert "oi_change_60" not in lost

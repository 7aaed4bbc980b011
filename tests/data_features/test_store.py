"""Feature days: the same from any cut of the work, merged by symbol, versioned by what changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock, to_datetime
from huracan_platform.contracts.market import Candles, Pin
from huracan_platform.data.features.alignment import align_funding
from huracan_platform.data.features.engine import FeatureEngine, feature_row
from huracan_platform.data.features.recompute import recompute_row
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.errors import DataContractError, PermanentError
from tests.data_features.library import (
    BTC,
    DAYS,
    ETH,
    FUNDING_DELAY_MS,
    POSITIONING,
    SET,
    VENUE,
    funding_rates,
    record,
    store_at,
)
from tests.data_features.synthetic import BARS_PER_DAY, START_MS, bits, part, walk

each_set = pytest.mark.parametrize("features", [SET, POSITIONING], ids=lambda s: s.name)


def restated(candles: Candles, row: int) -> Candles:
    """One bar again with another close and volume."""
    bar = part(candles, slice(row, row + 1))
    return Candles(bar.symbol, bar.ts_ms, bar.open, bar.high * 1.01, bar.low, bar.high * 1.01, bar.volume * 2)


def hashes(store: FeatureStore, features: FeatureSet = SET) -> dict[date, str]:
    return {d.day: d.content_hash for d in store.days(VENUE, features, DAYS[0], DAYS[-1])}


def files(tmp_path: Path) -> set[str]:
    return {p.name for p in tmp_path.rglob("*") if p.is_file()}


def test_stored_rows_are_the_engines_own(store: FeatureStore) -> None:
    store.build_days(VENUE, [BTC, ETH], DAYS, SET)
    candles = walk(5 * BARS_PER_DAY, 1, symbol=BTC)
    expected = FeatureEngine(SET).run(candles, align_funding(candles.ts_ms, funding_rates(BTC), FUNDING_DELAY_MS))
    loaded = store.load(VENUE, BTC, SET, START_MS, START_MS + 5 * DAY_MS)
    assert (bits(loaded.values) == bits(expected)).all()
    assert (loaded.ts_ms == candles.ts_ms).all()
    assert len(loaded.day_hashes) == 5


def test_a_load_keeps_to_its_range(store: FeatureStore) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    loaded = store.load(VENUE, BTC, SET, START_MS + 90 * MINUTE_MS, START_MS + DAY_MS + MINUTE_MS)
    assert loaded.ts_ms[0] == START_MS + 90 * MINUTE_MS
    assert loaded.ts_ms[-1] == START_MS + DAY_MS
    assert len(store.load(VENUE, "XRP/USDT:USDT", SET, START_MS, START_MS + DAY_MS).ts_ms) == 0


@each_set
def test_days_built_one_by_one_equal_days_built_at_once(
    features: FeatureSet, library: Brain, tmp_path: Path, clock: ManualClock
) -> None:
    at_once = store_at(library, tmp_path / "a", clock)
    at_once.build_days(VENUE, [BTC, ETH], DAYS, features)
    together = hashes(at_once, features)
    other = store_at(library, tmp_path / "b", clock)
    with library.connect() as connection:
        connection.execute("TRUNCATE feature_day_symbols, feature_days")
    for day in DAYS:
        other.build_days(VENUE, [BTC, ETH], [day], features)
    assert hashes(other, features) == together
    assert files(tmp_path / "a") == files(tmp_path / "b")


@each_set
def test_building_again_gives_the_same_hash_and_no_second_version(
    features: FeatureSet, store: FeatureStore, library: Brain, tmp_path: Path
) -> None:
    first = store.build_days(VENUE, [BTC, ETH], DAYS, features)
    held = files(tmp_path)
    again = store.build_days(VENUE, [BTC, ETH], DAYS, features)
    assert again == first
    assert files(tmp_path) == held
    with library.connect() as connection:
        assert connection.execute("SELECT count(*) FROM feature_days").fetchone() == (5,)


def test_a_run_narrowed_to_one_symbol_merges_into_the_day(store: FeatureStore) -> None:
    store.build_days(VENUE, [ETH], DAYS[:2], SET)
    alone = store.load(VENUE, ETH, SET, START_MS, START_MS + 2 * DAY_MS)
    store.build_days(VENUE, [BTC], DAYS[:2], SET)
    day = store.days(VENUE, SET, DAYS[1], DAYS[1])[0]
    assert list(day.symbols) == [BTC, ETH]
    merged = store.load(VENUE, ETH, SET, START_MS, START_MS + 2 * DAY_MS)
    assert merged.day_hashes == alone.day_hashes
    assert (bits(merged.values) == bits(alone.values)).all()
    assert store.checkpoint_before(VENUE, ETH, SET, DAYS[2]) is not None


def test_a_restated_candle_makes_later_days_stale_and_building_its_day_rebuilds_them(
    own_store: FeatureStore, own_library: Brain, clock: ManualClock,
) -> None:
    store, library = own_store, own_library
    store.build_days(VENUE, [BTC, ETH], DAYS, SET)
    before = store.load(VENUE, BTC, SET, START_MS, START_MS + 5 * DAY_MS)
    old_pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    clock.advance(HOUR_MS)
    bar = restated(walk(5 * BARS_PER_DAY, 1, symbol=BTC), BARS_PER_DAY + 600)
    record(library, bar, wire_ms=clock.wire_ms(), known_ms=clock.market_ms())
    clock.advance(HOUR_MS)
    stale = store.stale_days(VENUE, [BTC, ETH], SET, DAYS[0], DAYS[-1])
    assert [(s.day, s.symbol) for s in stale] == [(DAYS[1], BTC)]
    rebuilt = store.build_days(VENUE, [BTC], [DAYS[1]], SET)
    assert [d.day for d in rebuilt] == DAYS[1:]
    assert store.stale_days(VENUE, [BTC, ETH], SET, DAYS[0], DAYS[-1]) == []
    after = store.load(VENUE, BTC, SET, START_MS, START_MS + 5 * DAY_MS)
    changed = BARS_PER_DAY + 600
    assert (bits(after.values[:changed]) == bits(before.values[:changed])).all()
    assert (bits(after.values[changed]) != bits(before.values[changed])).any()
    pinned = store.load(VENUE, BTC, SET, START_MS, START_MS + 5 * DAY_MS, old_pin)
    assert (bits(pinned.values) == bits(before.values)).all()


def test_building_stops_where_the_state_agrees_again(store: FeatureStore) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    assert [d.day for d in store.build_days(VENUE, [BTC], [DAYS[1]], SET)] == [DAYS[1]]


def test_a_day_that_is_not_good_is_passed_over_and_its_minutes_count_as_missing(store: FeatureStore) -> None:
    built = store.build_days(VENUE, [BTC], DAYS, SET, good_days={BTC: [d for d in DAYS if d != DAYS[2]]})
    assert [d.day for d in built] == [d for d in DAYS if d != DAYS[2]]
    rows = store.load(VENUE, BTC, SET, START_MS + 3 * DAY_MS, START_MS + 4 * DAY_MS)
    assert np.isnan(rows.values[0, SET.columns.index("log_return_1440")])
    assert [d.day for d in store.build_days(VENUE, [BTC], [DAYS[2]], SET)] == DAYS[2:]


@each_set
def test_a_row_after_a_day_that_was_passed_over_is_found_again(
    features: FeatureSet, store: FeatureStore, clock: ManualClock
) -> None:
    store.build_days(VENUE, [BTC], DAYS, features, good_days={BTC: [DAYS[1], DAYS[3], DAYS[4]]})
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    for day in (1, 3, 4):
        ts_ms = START_MS + day * DAY_MS + 65 * MINUTE_MS
        row = recompute_row(store, VENUE, BTC, features, ts_ms, pin)
        stored = store.load(VENUE, BTC, features, ts_ms, ts_ms + MINUTE_MS)
        assert (bits(row.values) == bits(stored.values[0])).all(), day


def test_a_stored_day_that_is_good_no_more_stays_in_its_chain(store: FeatureStore) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    held = hashes(store)
    store.build_days(VENUE, [BTC], [DAYS[1]], SET, good_days={BTC: [d for d in DAYS if d != DAYS[2]]})
    assert hashes(store) == held
    assert store.stale_days(VENUE, [BTC], SET, DAYS[0], DAYS[4]) == []


def test_an_earlier_day_built_later_becomes_the_genesis(store: FeatureStore) -> None:
    store.build_days(VENUE, [BTC], DAYS[2:], SET)
    store.build_days(VENUE, [BTC], DAYS[:2], SET)
    day = store.days(VENUE, SET, DAYS[4], DAYS[4])[0].symbols[BTC]
    assert day.genesis == datetime(2025, 1, 1, tzinfo=UTC)


def test_the_manifest_holds_pin_profile_and_hashes(store: FeatureStore, clock: ManualClock) -> None:
    day = store.build_days(VENUE, [BTC], DAYS[:2], SET)[1]
    held = day.symbols[BTC]
    assert (day.profile, day.set_hash, day.rows) == ("short_history", SET.set_hash, BARS_PER_DAY)
    assert held.as_of == held.recorded_before == to_datetime(clock.wire_ms())
    first = store.days(VENUE, SET, DAYS[0], DAYS[0])[0].symbols[BTC]
    assert first.start_checkpoint is None
    assert held.start_checkpoint == first.end_checkpoint


def test_a_build_that_fails_leaves_the_old_days(own_store: FeatureStore, own_library: Brain, clock: ManualClock) -> None:
    store, library = own_store, own_library
    store.build_days(VENUE, [BTC], DAYS[:2], SET)
    held = hashes(store)
    bad = walk(1, 1, symbol=BTC, start_ms=START_MS + 3 * DAY_MS)
    record(library, Candles(BTC, bad.ts_ms, bad.open, bad.low / 2, bad.low, bad.close, bad.volume),
           wire_ms=clock.wire_ms(), known_ms=clock.market_ms())
    with pytest.raises(DataContractError, match="low <= open, close <= high"):
        store.build_days(VENUE, [BTC], DAYS, SET)
    assert hashes(store) == held


@pytest.mark.parametrize("minute", [1, 777, BARS_PER_DAY + 3, 5 * BARS_PER_DAY - 1])
def test_a_row_computed_again_from_the_library_is_the_stored_one(store: FeatureStore, minute: int, clock: ManualClock) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    ts_ms = START_MS + minute * MINUTE_MS
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    row = recompute_row(store, VENUE, BTC, SET, ts_ms, pin)
    stored = store.load(VENUE, BTC, SET, ts_ms, ts_ms + MINUTE_MS)
    assert (bits(row.values) == bits(stored.values[0])).all()
    assert row.row_hash == feature_row(BTC, ts_ms, stored.values[0], SET).row_hash


def test_the_pin_of_a_days_own_inputs_sees_the_days_built_with_it(store: FeatureStore, clock: ManualClock) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    part = store.days(VENUE, SET, DAYS[4], DAYS[4])[0].symbols[BTC]
    pin = Pin(part.as_of, part.recorded_before)
    clock.advance(DAY_MS)
    found = store.checkpoint_before(VENUE, BTC, SET, DAYS[4], pin)
    assert found is not None
    assert found[1] == DAYS[3]
    earlier = Pin(part.as_of, part.recorded_before - timedelta(milliseconds=1))
    assert store.checkpoint_before(VENUE, BTC, SET, DAYS[4], earlier) is None


def test_a_row_can_be_computed_from_a_named_state(store: FeatureStore, clock: ManualClock) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    ts_ms = START_MS + 4 * DAY_MS + 5 * MINUTE_MS
    pin = Pin(to_datetime(clock.market_ms()), to_datetime(clock.wire_ms()))
    state = store.days(VENUE, SET, DAYS[1], DAYS[1])[0].symbols[BTC].end_checkpoint
    named = recompute_row(store, VENUE, BTC, SET, ts_ms, pin, state_from_ms=START_MS + 2 * DAY_MS, checkpoint_hash=state)
    assert named.row_hash == recompute_row(store, VENUE, BTC, SET, ts_ms, pin).row_hash
    with pytest.raises(PermanentError, match="expected a stored day"):
        store.checkpoint("0" * 64)


def test_a_row_the_library_has_no_bar_for_is_refused(store: FeatureStore, clock: ManualClock) -> None:
    pin = Pin(to_datetime(START_MS + HOUR_MS), to_datetime(clock.wire_ms()))
    with pytest.raises(DataContractError, match="expected a bar at"):
        recompute_row(store, VENUE, BTC, SET, START_MS + 2 * HOUR_MS, pin)


def test_a_damaged_file_is_noticed(store: FeatureStore, tmp_path: Path) -> None:
    day = store.build_days(VENUE, [BTC], DAYS[:1], SET)[0]
    for path in (day.path, day.checkpoints_path):
        file = tmp_path / "artefacts" / path
        content = bytearray(file.read_bytes())
        content[len(content) // 3] ^= 0xFF
        file.write_bytes(content)
    with pytest.raises(DataContractError, match="expected the rows of"):
        store.load(VENUE, BTC, SET, START_MS, START_MS + DAY_MS)
    with pytest.raises(PermanentError, match="feature checkpoints"):
        store.checkpoint_before(VENUE, BTC, SET, DAYS[1])

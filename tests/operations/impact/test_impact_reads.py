"""Which days and decisions are told to have read a partition: those whose rows took a fact of it, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.candles import CandleRepository
from huracan_platform.brain.facts.funding import FundingRepository
from huracan_platform.brain.facts.liquidations import LiquidationMinuteRepository
from huracan_platform.brain.facts.open_interest import OpenInterestRepository
from huracan_platform.brain.facts.refetched import RefetchedWindows
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.sentiment import SentimentRepository
from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock, day_start_ms, to_datetime
from huracan_platform.contracts.quality import Refetched
from huracan_platform.contracts.revision import Standing
from huracan_platform.data.features.registry import FeatureSet
from huracan_platform.data.features.store import FeatureStore
from huracan_platform.operations.impact import impact
from tests.data_features.library import BTC, DAYS, OTHER_VENUE, POSITIONING, SET, VENUE, WIRE_MS, record
from tests.data_features.synthetic import BARS_PER_DAY, walk
from tests.operations.impact.test_impact import decide, told

SECOND = day_start_ms(DAYS[1])


def correct(repository: FactRepository, venue: str, ts_ms: int, column: str, clock: ManualClock, known_ms: int) -> None:
    """Another value of one column of one fact, or that fact where there was none."""
    found = repository.read_table(venue, [BTC], ts_ms, ts_ms + 1)
    values = {name: found.column(name).to_numpy() if len(found) else np.array([8.0]) for name in repository.table.values}
    values[column] = values[column] * 0.5 + 0.01
    clock.advance(1000)
    repository.upsert(venue, pa.table({
        "symbol": [BTC], "ts_ms": [ts_ms], "known_at_ms": [known_ms], **values,
    }), clock.wire_ms(), revision_known_at_ms=known_ms)
    clock.advance(1000)


def forget(brain: Brain, start_ms: int, end_ms: int) -> None:
    """No settlement there was ever told."""
    with brain.connect() as connection:
        connection.execute("DELETE FROM funding_rates WHERE ts >= %s AND ts < %s", (to_datetime(start_ms), to_datetime(end_ms)))


CORRECTIONS = [
    (FundingRepository, VENUE, "rate", 16 * HOUR_MS, 0),
    (FundingRepository, VENUE, "rate", 0, 3 * DAY_MS),                    # too late for any row of `positioning`
    (FundingRepository, OTHER_VENUE, "rate", 8 * HOUR_MS, 0),
    (FundingRepository, VENUE, "rate", 20 * HOUR_MS, 0),                  # a settlement that was not there
    (OpenInterestRepository, VENUE, "contracts", 23 * HOUR_MS + 55 * MINUTE_MS, 0),  # known when the next day begins
    (OpenInterestRepository, VENUE, "value_usd", 12 * HOUR_MS, 0),        # no feature is made of it
    (SentimentRepository, VENUE, "score", 23 * HOUR_MS + 45 * MINUTE_MS, 0),
    (LiquidationMinuteRepository, VENUE, "long_usd", DAY_MS - MINUTE_MS, 0),
    (LiquidationMinuteRepository, VENUE, "long_usd", 6 * HOUR_MS, HOUR_MS),  # a minute that is told late is a gap
]
DATASETS = {"funding_rates": "funding", "liquidation_minutes": "liquidations", "sentiment_scores": "sentiment"}


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True], ids=["settlements", "a day without settlements"])
def test_exactly_the_days_whose_inputs_a_correction_changes_are_stale(
    library: Brain, store: FeatureStore, clock: ManualClock, silent: bool
) -> None:
    """Held against the store, which reads every day's inputs again and compares their hashes."""
    if silent:
        forget(library, SECOND + DAY_MS, SECOND + 2 * DAY_MS)
    both = (SET, POSITIONING)
    for one in both:
        store.build_days(VENUE, [BTC], DAYS, one)
    seen = set()
    for make, venue, column, at_ms, late_ms in CORRECTIONS:
        repository = make(library)
        before = repository.read_versions(venue, [BTC], SECOND + at_ms, SECOND + at_ms + 1)[BTC]
        known = int(before.known_ms[0]) if len(before) else SECOND + at_ms + 5_000
        correct(repository, venue, SECOND + at_ms, column, clock, known + late_ms)
        dataset = DATASETS.get(repository.table.name, repository.table.name)
        found = impact(library, venue, BTC, DAYS[1], dataset)
        stale = {d.name for d in found.of(Standing.STALE) if d.kind == "feature day"}
        assert stale == {name for one in both for name in others_now(store, one)}, (dataset, column, at_ms)
        seen.add(frozenset(name.split()[0] + name[-1] for name in stale))
        for one in both:
            store.build_days(VENUE, [BTC], DAYS, one)
    third = {"core3", "positioning3"} if silent else set()
    assert {frozenset({"core2", "positioning2"} | third), frozenset(), frozenset({"positioning3"})} <= seen


def others_now(store: FeatureStore, feature_set: FeatureSet) -> list[str]:
    """Days whose own inputs the library holds otherwise now."""
    found = store.stale_days(VENUE, [BTC], feature_set, DAYS[0], DAYS[-1])
    return [f"{feature_set.name} {day.day}" for day in found if day.reason.startswith("made from input")]


def test_a_day_reads_the_settlements_before_it_only_until_its_own_first_one(
    library: Brain, store: FeatureStore
) -> None:
    store.build_days(VENUE, [BTC], DAYS, SET)
    state = ("feature days", "core, 3 to 2025-01-05", "current")
    assert told(impact(library, VENUE, BTC, DAYS[1], "funding")) == [("feature day", "core 2025-01-02", "current"), state]
    slow = impact(library, VENUE, BTC, DAYS[1], "funding", funding_delay_ms=HOUR_MS)
    assert told(slow) == [
        ("feature day", "core 2025-01-02", "current"), ("feature day", "core 2025-01-03", "current"),
        ("feature days", "core, 2 to 2025-01-05", "current"),
    ]


def test_a_decision_is_told_of_a_settlement_only_where_its_own_bars_took_it(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    """The session starts without a stored state at the next midnight, when the day's last settlement is the newest one known."""
    begin = DAYS[1] + timedelta(days=1)
    for minute in (0, 30):
        decide(library, begin, minute, store.pin_now(), to_datetime(day_start_ms(begin)), None)

    def sessions(delay_ms: int) -> list[str]:
        found = impact(library, VENUE, BTC, DAYS[1], "funding", funding_delay_ms=delay_ms).dependents
        return [f"{d.name} {d.standing.value}" for d in found if d.kind == "session"]

    assert sessions(5_000) == []
    assert sessions(2 * MINUTE_MS) == ["s1: 0 of 2 decisions, 0 of them acted current"]
    correct(FundingRepository(library), VENUE, SECOND + 8 * HOUR_MS, "rate", clock, SECOND + 9 * HOUR_MS)
    assert sessions(2 * MINUTE_MS) == ["s1: 0 of 2 decisions, 0 of them acted current"]  # one before that which they took
    correct(FundingRepository(library), VENUE, SECOND + 16 * HOUR_MS, "rate", clock, SECOND + 17 * HOUR_MS)
    assert sessions(2 * MINUTE_MS) == ["s1: 2 of 2 decisions, 2 of them acted stale"]


def test_own_bars_in_the_place_of_lent_ones_make_a_day_stale_though_they_have_the_same_values(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    ledger, ts = RefetchedWindows(library), SECOND + 600 * MINUTE_MS
    ledger.lend(VENUE, "candles", [Refetched(BTC, ts, ts + 10 * MINUTE_MS, "bybit")], WIRE_MS)
    store.build_days(VENUE, [BTC], DAYS, SET)

    def standing() -> set[str]:
        found = impact(library, VENUE, BTC, DAYS[1], "candles")
        assert found.revisions == ()
        assert impact(library, VENUE, BTC, DAYS[2], "candles").of(Standing.STALE) == ()
        return {d.standing.value for d in found.dependents if d.kind.startswith("feature day")}

    assert standing() == {"current"}
    clock.advance(1000)
    bars = walk(5 * BARS_PER_DAY, 1, symbol=BTC).at(slice(BARS_PER_DAY + 603, BARS_PER_DAY + 605))
    record(library, bars, wire_ms=clock.wire_ms())
    ledger.replace(VENUE, "candles", BTC, bars.ts_ms, clock.wire_ms(), clock.market_ms())
    assert standing() == {"stale"}
    clock.advance(1000)
    store.build_days(VENUE, [BTC], [DAYS[1]], SET)
    assert standing() == {"replaced", "current"}


def test_bars_that_are_lent_after_a_day_was_built_change_nothing_of_it(
    library: Brain, store: FeatureStore, clock: ManualClock
) -> None:
    ts = SECOND + 600 * MINUTE_MS
    with library.connect() as connection:
        connection.execute("DELETE FROM candles WHERE ts = %s", (to_datetime(ts),))
    store.build_days(VENUE, [BTC], DAYS, SET)
    clock.advance(1000)
    RefetchedWindows(library).lend(VENUE, "candles", [Refetched(BTC, ts, ts + MINUTE_MS, "bybit")], clock.wire_ms())
    (bar,) = (walk(5 * BARS_PER_DAY, 1, symbol=BTC).at(slice(at, at + 1)) for at in [BARS_PER_DAY + 600])
    record(library, replace(bar, volume=bar.volume * 2), wire_ms=clock.wire_ms())
    assert len(CandleRepository(library).read(VENUE, [BTC], ts, ts + 1)[BTC]) == 1
    assert impact(library, VENUE, BTC, DAYS[1], "candles").of(Standing.STALE) == ()

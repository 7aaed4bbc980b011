"""Facts beside bars: a row sees what was known at its close and nothing else, gaps are NaN, and mutants are noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.positioning.alignment import PositioningFacts, align
from huracan_platform.data.features.registry import feature_set
from tests.data_features.facts import corrected, facts_of, in_order, known_by, late, taken, without
from tests.data_features.synthetic import BARS_PER_DAY, START_MS, bits, part, walk

SET = feature_set("positioning")
DAYS, BARS = 3, 3 * BARS_PER_DAY
Facts = Callable[[PositioningFacts], PositioningFacts]
# Bars that close at a rate, a snapshot, a window's end; around the index's arrival, the correction, what was late, the gaps.
TOLD_AT = (
    0, 1, 7, 239, 241, 479, 481, 1447, 1919, 2066, 2140, 2887, 2890, 2904, 2970, 3001, 3020, 3063, 3300, 3485, 3499, 3600, 4000,
)
LATE_FROM, LATE_TO = START_MS + 2 * DAY_MS + 2 * HOUR_MS, START_MS + 2 * DAY_MS + 5 * HOUR_MS


def rows_of(candles: Candles, facts: PositioningFacts) -> Float64:
    known = align(candles.ts_ms, facts)
    return FeatureEngine(SET).run(candles, *(known[name] for name in SET.inputs))


@cache
def bars() -> Candles:
    return walk(BARS, seed=4)


@cache
def facts() -> PositioningFacts:
    """With minutes of liquidations told three hours late, a gap in each recording, and a corrected snapshot."""
    given = facts_of(DAYS, seed=4)
    gap = START_MS + 2 * DAY_MS + 10 * HOUR_MS
    return replace(
        given,
        open_interest=corrected(given.open_interest, 700, "contracts", 2e4, by_ms=HOUR_MS),
        sentiment=without(given.sentiment, gap, gap + 2 * HOUR_MS),
        liquidations=late(without(given.liquidations, gap, gap + 20 * MINUTE_MS), LATE_FROM, LATE_TO, by_ms=3 * HOUR_MS),
    )


def as_told(given: PositioningFacts) -> PositioningFacts:
    return given


def each(given: PositioningFacts, change: Callable[[FactVersions], FactVersions]) -> PositioningFacts:
    return PositioningFacts(**{f.name: in_order(change(getattr(given, f.name))) for f in fields(given)})


def joined_by_event_time(given: PositioningFacts) -> PositioningFacts:
    """The mutant that joins a longer interval's value by its begin: before it was known."""
    return each(given, lambda versions: replace(versions, known_ms=versions.ts_ms))


def newest_version_from_the_first_on(given: PositioningFacts) -> PositioningFacts:
    """The mutant that reads corrections as if they had always been there."""

    def rewritten(versions: FactVersions) -> FactVersions:
        first = dict(zip(versions.ts_ms[::-1].tolist(), versions.known_ms[::-1].tolist(), strict=True))
        last = {ts: row for row, ts in enumerate(versions.ts_ms.tolist())}
        newest = taken(versions, np.array(list(last.values()), np.int64))
        return replace(newest, known_ms=np.array([first[ts] for ts in newest.ts_ms.tolist()], np.int64))

    return each(given, rewritten)


def gap_filled_later(given: PositioningFacts) -> PositioningFacts:
    """The mutant that takes minutes which were told late for known in time."""
    told = given.liquidations
    return replace(given, liquidations=in_order(replace(told, known_ms=told.ts_ms + MINUTE_MS)))


def peeps(mutant: Facts) -> set[str]:
    """Columns of which a row changes when everything that was not known at its close is taken away."""
    whole = rows_of(bars(), mutant(facts()))
    found = np.zeros(len(SET.columns), np.int64)
    for bar in TOLD_AT:
        close = int(bars().ts_ms[bar]) + MINUTE_MS
        row = rows_of(part(bars(), slice(0, bar + 1)), mutant(known_by(facts(), close)))[-1]
        found += bits(row) != bits(whole[bar])
    return {SET.columns[c] for c in np.flatnonzero(found)}


def test_a_row_is_the_same_when_nothing_exists_that_was_not_known_at_its_close() -> None:
    assert peeps(as_told) == set()


def test_a_value_of_a_longer_interval_joined_before_it_was_known_is_noticed() -> None:
    assert peeps(joined_by_event_time) == set(SET.columns)


def test_a_correction_read_as_if_it_had_always_been_there_is_noticed() -> None:
    of_contracts = {"oi_change_60", "oi_change_240", "oi_change_1440", "oi_trend", "oi_return_product"}
    assert peeps(newest_version_from_the_first_on) == of_contracts


def test_a_gap_that_is_filled_later_is_noticed() -> None:
    of_hours = {"liquidation_momentum", "liquidation_imbalance", "liquidation_density", "cascade_indicator"}
    assert of_hours <= peeps(gap_filled_later)


def column(name: str, given: PositioningFacts) -> Float64:
    values: Float64 = rows_of(bars(), given)[:, SET.columns.index(name)]
    return values


def test_minutes_told_late_and_gaps_are_nan_and_never_zero() -> None:
    gap = 2 * BARS_PER_DAY + 600
    whole, holey = facts_of(DAYS, seed=4), facts()
    for name in ("liquidation_momentum", "liquidation_imbalance", "liquidation_density"):
        assert np.isfinite(column(name, whole)[gap:gap + 100]).all()
        told = column(name, holey)
        assert np.isfinite(told[gap]), "of the minute before the gap"
        assert np.isnan(told[gap + 1:gap + 80]).all()
        assert np.isfinite(told[gap + 80])
        assert np.isnan(told[(LATE_FROM - START_MS) // MINUTE_MS + 1])
    score = column("sentiment_score", holey)
    assert np.isfinite(score[gap + 29]), "the window before the gap began 45 minutes before this close"
    assert np.isnan(score[gap + 30:gap + 134]).all()
    assert np.isfinite(score[gap + 134])


def test_without_a_second_venue_or_a_recorder_columns_are_nan_and_the_others_stay() -> None:
    whole = facts_of(DAYS, seed=4)
    alone = replace(whole, funding_elsewhere=FactVersions(), liquidations=FactVersions())
    got, expected = rows_of(bars(), alone), rows_of(bars(), whole)
    lost = {c for c in SET.columns if c.startswith(("funding_", "liquidation_", "cascade_", "post_"))}
    assert {SET.columns[c] for c in np.flatnonzero(np.isnan(got).all(axis=0))} == lost
    kept = [SET.columns.index(c) for c in SET.columns if c not in lost]
    assert (bits(got[:, kept]) == bits(expected[:, kept])).all()


def test_the_newest_fact_counts_though_an_older_one_is_told_after_it() -> None:
    ts_ms, known_ms = np.array([START_MS, START_MS - HOUR_MS]), np.array([START_MS, START_MS + 1000])
    told = FactVersions(ts_ms, known_ms, {"value": np.array([40.0, 90.0])})
    assert align(np.array([START_MS]), PositioningFacts(fear_greed=told))["fear_greed"].tolist() == [0.4]


def test_each_input_is_what_was_known_at_the_close_in_its_unit() -> None:
    given = facts_of(DAYS, seed=4)
    at = START_MS + DAY_MS + 7 * MINUTE_MS                       # closes eight minutes after midnight
    known = {name: float(values[0]) for name, values in align(np.array([at]), given).items()}

    def value(versions: FactVersions, ts_ms: int, name: str) -> float:
        return float(versions.values[name][versions.ts_ms == ts_ms][0])

    midnight = START_MS + DAY_MS
    assert known == {
        "funding": value(given.funding, midnight, "rate"),
        "funding_elsewhere": 2 * value(given.funding_elsewhere, midnight, "rate"),
        "contracts": value(given.open_interest, midnight, "contracts"),
        "sentiment": value(given.sentiment, midnight - 15 * MINUTE_MS, "score"),
        "fear_greed": value(given.fear_greed, midnight - DAY_MS, "value") / 100,
        "long_usd": value(given.liquidations, at - MINUTE_MS, "long_usd"),
        "short_usd": value(given.liquidations, at - MINUTE_MS, "short_usd"),
        "in_cascade": value(given.liquidations, at - MINUTE_MS, "in_cascade"),
    }


@pytest.mark.parametrize(("dataset", "covered", "input_", "expected"), [
    ("sentiment", 0.5, "sentiment", True), ("sentiment", 0.49, "sentiment", False),
    ("liquidations", 1.0, "long_usd", True), ("liquidations", 0.99, "long_usd", False),
])
def test_what_was_covered_in_part_counts_only_where_a_part_is_enough(
    dataset: str, covered: float, input_: str, expected: bool
) -> None:
    given = facts_of(1, seed=4)
    versions: FactVersions = getattr(given, dataset)
    thin = replace(versions, values={**versions.values, "coverage": np.full(len(versions), covered)})
    known = align(np.array([START_MS]), replace(given, **{dataset: thin}))
    assert bool(np.isfinite(known[input_][0])) is expected


@pytest.mark.parametrize(("late_ms", "seen"), [(0, True), (1, False)])
def test_a_minute_of_liquidations_counts_when_it_is_known_at_the_close_of_the_next_bar_and_not_a_moment_later(
    late_ms: int, seen: bool
) -> None:
    minute = np.array([START_MS])
    values = {"long_usd": 7.0, "short_usd": 0.0, "in_cascade": 0.0, "coverage": 1.0}
    told = FactVersions(minute, minute + 2 * MINUTE_MS + late_ms, {name: np.array([v]) for name, v in values.items()})
    aligned = align(minute + MINUTE_MS, PositioningFacts(liquidations=told))
    assert np.isfinite(aligned["long_usd"]).tolist() == [seen]

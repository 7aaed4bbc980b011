"""What holds for every registered feature: nothing after t is used, warm-up is as declared, and mutants are noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from huracan_platform.contracts.market import Candles, Float64
from huracan_platform.data.features.engine import FeatureEngine
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.registry import FEATURES, Feature, feature_set
from tests.data_features.synthetic import bits, funding_of, part, walk

BARS = 9 * 1440 + 77
CUTS = (1, 61, 1440, 1441, 5_000, 9 * 1440 + 1)
SET = feature_set("core", "short_history")
Rows = Callable[[Candles, Float64], Float64]
each_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)


def engine_rows(candles: Candles, funding: Float64) -> Float64:
    return FeatureEngine(SET).run(candles, funding)


def shifted(candles: Candles, funding: Float64) -> Float64:
    """The mutant that reads tomorrow: shift(-1)."""
    rows = engine_rows(candles, funding)
    return np.vstack([rows[1:], rows[-1:]])


def centred(candles: Candles, funding: Float64) -> Float64:
    """The mutant with a centred window of 5 rows."""
    rows = engine_rows(candles, funding)
    padded = np.vstack([rows[:1], rows[:1], rows, rows[-1:], rows[-1:]])
    return sum(padded[i:i + len(rows)] for i in range(5)) / 5.0


def globally_scaled(candles: Candles, funding: Float64) -> Float64:
    """The mutant whose z-score uses the mean and sd of the whole history."""
    rows = engine_rows(candles, funding)
    known = np.where(np.isnan(rows), 0.0, rows)
    return (rows - known.mean(axis=0)) / (known.std(axis=0) + 1e-12)


def filled_backwards(candles: Candles, funding: Float64) -> Float64:
    """The mutant that fills its warm-up from later rows."""
    rows = engine_rows(candles, funding).copy()
    for column in rows.T:
        first = int(np.argmax(~np.isnan(column)))
        column[:first] = column[first]
    return rows


def prefix_differences(rows: Rows, candles: Candles, funding: Float64, cuts: Sequence[int] = CUTS) -> np.ndarray:
    """Per column, how many values change when history is cut off after a bar."""
    whole = rows(candles, funding)
    found = np.zeros(whole.shape[1], np.int64)
    for cut in cuts:
        short = rows(part(candles, slice(0, cut)), funding[:cut])
        found += (bits(short) != bits(whole[:cut])).sum(axis=0)
    return found


def poison_differences(rows: Rows, candles: Candles, funding: Float64, cuts: Sequence[int] = CUTS) -> np.ndarray:
    """Per column, how many values up to a bar change when all bars after it are replaced."""
    whole = rows(candles, funding)
    other, other_funding = walk(len(candles), seed=99), funding_of(candles, seed=99) * 50
    found = np.zeros(whole.shape[1], np.int64)
    for cut in cuts:
        later = np.arange(len(candles)) >= cut
        mixed = Candles(candles.symbol, candles.ts_ms, *(
            np.where(later, 7.0 * getattr(other, n), getattr(candles, n)) for n in ("open", "high", "low", "close", "volume")
        ))
        poisoned = rows(mixed, np.where(later, other_funding, funding))
        found += (bits(poisoned[:cut]) != bits(whole[:cut])).sum(axis=0)
    return found


@pytest.fixture(scope="module")
def history() -> tuple[Candles, Float64]:
    candles = walk(BARS, seed=3)
    return candles, funding_of(candles, seed=3)


@pytest.fixture(scope="module")
def rows(history: tuple[Candles, Float64]) -> Float64:
    return engine_rows(*history)


@pytest.fixture(scope="module")
def prefix(history: tuple[Candles, Float64]) -> np.ndarray:
    return prefix_differences(engine_rows, *history)


@pytest.fixture(scope="module")
def poison(history: tuple[Candles, Float64]) -> np.ndarray:
    return poison_differences(engine_rows, *history)


def test_the_registry_names_every_column_once_and_in_order() -> None:
    assert [f.column for f in FEATURES] == list(Column)
    assert SET.columns == tuple(c.name.lower() for c in Column)


@each_feature
def test_feature_at_t_is_the_same_when_history_ends_at_t(feature: Feature, prefix: np.ndarray) -> None:
    assert prefix[feature.column] == 0


@each_feature
def test_feature_at_t_ignores_bars_after_t(feature: Feature, poison: np.ndarray) -> None:
    assert poison[feature.column] == 0


@each_feature
def test_feature_is_nan_in_its_declared_warm_up_and_finite_after_it(feature: Feature, rows: Float64) -> None:
    column = rows[:, feature.column]
    assert np.isnan(column[:feature.warmup_bars]).all()
    assert np.isfinite(column[feature.warmup_bars:]).all()


@each_feature
def test_feature_says_something(feature: Feature, rows: Float64) -> None:
    assert len(np.unique(rows[feature.warmup_bars:, feature.column])) > 1


@each_feature
def test_feature_does_not_depend_on_the_price_level(feature: Feature, history: tuple[Candles, Float64], rows: Float64) -> None:
    """A price 8 times higher changes no feature by more than the volume profile's bin."""
    candles, funding = history
    prices = (8.0 * getattr(candles, n) for n in ("open", "high", "low", "close"))
    dear = Candles(candles.symbol, candles.ts_ms, *prices, candles.volume)
    got, expected = engine_rows(dear, funding)[:, feature.column], rows[:, feature.column]
    if feature.column in (Column.POC_DISTANCE, Column.VALUE_AREA_POSITION):
        assert np.corrcoef(got[1440:], expected[1440:])[0, 1] > 0.9
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mutant", [shifted, centred, globally_scaled, filled_backwards], ids=lambda m: m.__name__)
def test_a_feature_that_looks_ahead_is_noticed(mutant: Rows, history: tuple[Candles, Float64], rows: Float64) -> None:
    """History is cut where each column changes: a regime that stays for hours hides a peep of two bars elsewhere."""
    changes = {int(1441 + np.argmax(np.diff(rows[1440:, c]) != 0)) for c in Column}
    found = prefix_differences(mutant, *history, sorted({*CUTS, *changes})) + poison_differences(mutant, *history)
    harmless = {f.column for f in FEATURES if f.warmup_bars == 0} if mutant is filled_backwards else set()
    noticed = {Column(c) for c in np.flatnonzero(found)}
    assert noticed == set(Column) - harmless

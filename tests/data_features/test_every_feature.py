"""What holds for every registered feature: nothing after t is used, warm-up is as declared, and mutants are noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

from huracan_platform.contracts.market import Float64
from huracan_platform.data.features.kernels.columns import Column
from huracan_platform.data.features.registry import SETS, Feature
from tests.data_features.sets import ALL, EACH_FEATURE, History, history_of
from tests.data_features.synthetic import BARS_PER_DAY, bits

# The hourly windows of `core` are full after seven days; `positioning` looks back one.
BARS = {"core": 9 * BARS_PER_DAY + 77, "positioning": 3 * BARS_PER_DAY + 77}
CUTS = (1, 61, 1440, 1441, 4_000)
Rows = Callable[[History], Float64]
each_set = pytest.mark.parametrize("name", SETS)
each_feature = pytest.mark.parametrize(("name", "feature"), EACH_FEATURE, ids=lambda x: x if isinstance(x, str) else x.name)


def engine_rows(history: History) -> Float64:
    return history.rows()


def shifted(history: History) -> Float64:
    """The mutant that reads tomorrow: shift(-1)."""
    rows = history.rows()
    return np.vstack([rows[1:], rows[-1:]])


def centred(history: History) -> Float64:
    """The mutant with a centred window of 5 rows."""
    rows = history.rows()
    padded = np.vstack([rows[:1], rows[:1], rows, rows[-1:], rows[-1:]])
    return sum(padded[i:i + len(rows)] for i in range(5)) / 5.0


def globally_scaled(history: History) -> Float64:
    """The mutant whose z-score uses the mean and sd of the whole history."""
    rows = history.rows()
    known = np.where(np.isnan(rows), 0.0, rows)
    return (rows - known.mean(axis=0)) / (known.std(axis=0) + 1e-12)


def filled_backwards(history: History) -> Float64:
    """The mutant that fills its warm-up from later rows."""
    rows = history.rows().copy()
    for column in rows.T:
        first = int(np.argmax(~np.isnan(column)))
        column[:first] = column[first]
    return rows


def cuts_of(history: History) -> list[int]:
    return [*CUTS, len(history) - 76]


def prefix_differences(rows: Rows, history: History, cuts: Sequence[int]) -> np.ndarray:
    """Per column, how many values change when history is cut off after a bar."""
    whole = rows(history)
    found = np.zeros(whole.shape[1], np.int64)
    for cut in cuts:
        found += (bits(rows(history.part(slice(0, cut)))) != bits(whole[:cut])).sum(axis=0)
    return found


def poison_differences(rows: Rows, history: History, cuts: Sequence[int]) -> np.ndarray:
    """Per column, how many values up to a bar change when all bars after it, and what is known beside them, are replaced."""
    whole = rows(history)
    found = np.zeros(whole.shape[1], np.int64)
    for cut in cuts:
        found += (bits(rows(history.poisoned(cut))[:cut]) != bits(whole[:cut])).sum(axis=0)
    return found


@cache
def history(name: str) -> History:
    return history_of(ALL[name], BARS[name], seed=3)


@cache
def stored_rows(name: str) -> Float64:
    return history(name).rows()


@cache
def dear_rows(name: str) -> Float64:
    return history(name).dearer(8.0).rows()


@cache
def prefix(name: str) -> np.ndarray:
    return prefix_differences(engine_rows, history(name), cuts_of(history(name)))


@cache
def poison(name: str) -> np.ndarray:
    return poison_differences(engine_rows, history(name), cuts_of(history(name)))


@each_set
def test_the_registry_names_every_column_once_and_in_order(name: str) -> None:
    features = SETS[name].features
    assert [f.column for f in features] == list(type(features[0].column))
    assert ALL[name].columns == tuple(f.column.name.lower() for f in features)


@each_feature
def test_feature_at_t_is_the_same_when_history_ends_at_t(name: str, feature: Feature) -> None:
    assert prefix(name)[feature.column] == 0


@each_feature
def test_feature_at_t_ignores_bars_after_t(name: str, feature: Feature) -> None:
    assert poison(name)[feature.column] == 0


@each_feature
def test_feature_is_nan_in_its_declared_warm_up_and_finite_after_it(name: str, feature: Feature) -> None:
    column = stored_rows(name)[:, feature.column]
    assert np.isnan(column[:feature.warmup_bars]).all()
    assert np.isfinite(column[feature.warmup_bars:]).all()


@each_feature
def test_feature_says_something(name: str, feature: Feature) -> None:
    assert len(np.unique(stored_rows(name)[feature.warmup_bars:, feature.column])) > 1


@each_feature
def test_feature_does_not_depend_on_the_price_level(name: str, feature: Feature) -> None:
    """A price 8 times higher changes no feature by more than the volume profile's bin."""
    got, expected = dear_rows(name)[:, feature.column], stored_rows(name)[:, feature.column]
    if feature.column in (Column.POC_DISTANCE, Column.VALUE_AREA_POSITION) and name == "core":
        assert np.corrcoef(got[1440:], expected[1440:])[0, 1] > 0.9
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@each_set
@pytest.mark.parametrize("mutant", [shifted, centred, globally_scaled, filled_backwards], ids=lambda m: m.__name__)
def test_a_feature_that_looks_ahead_is_noticed(name: str, mutant: Rows) -> None:
    """History is cut where each column changes: a regime that stays for hours hides a peep of two bars elsewhere."""
    given, features = history(name), SETS[name].features
    warm = ALL[name].warmup_bars
    changes = {int(warm + 1 + np.argmax(np.diff(column) != 0)) for column in stored_rows(name)[warm:].T}
    found = prefix_differences(mutant, given, sorted({*cuts_of(given), *changes}))
    found += poison_differences(mutant, given, cuts_of(given))
    harmless = {f.name for f in features if f.warmup_bars == 0} if mutant is filled_backwards else set()
    assert {features[c].name for c in np.flatnonzero(found)} == {f.name for f in features} - harmless

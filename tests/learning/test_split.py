from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.errors import ConfigurationError
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.split import Split, forward_split, walk_forward_folds
from huracan_platform.settings import TrainingSettings
from tests.learning.frames import START_MS, synthetic_frame

BASE = synthetic_frame(days=3)


def frame_with(minutes: list[int], lengths: list[int]) -> TrainingFrame:
    """A frame with decisions at the given minutes and labels of the given lengths; only times matter here."""
    ts_ms = START_MS + MINUTE_MS * np.array(minutes, np.int64)
    n = len(minutes)
    return replace(
        BASE, ts_ms=ts_ms, label_end_ms=ts_ms + MINUTE_MS * (1 + np.array(lengths)), x=np.zeros((n, 2)), y=np.zeros(n)
    )


def assert_no_label_reaches_a_later_part(frame: TrainingFrame, split: Split, embargo_ms: int) -> None:
    parts = [split.train, split.validation, split.test]
    for i, earlier in enumerate(parts):
        for later in parts[i + 1:]:
            if len(earlier) and len(later):
                assert frame.label_end_ms[earlier].max() + embargo_ms <= frame.decision_ms[later].min()
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)


times = st.lists(st.integers(0, 40 * 1440), min_size=5, max_size=120, unique=True).map(sorted)


@given(times, st.data(), st.integers(60, 2000))
@settings(max_examples=60, deadline=None)
def test_no_label_of_an_earlier_part_reaches_into_a_later_one(minutes: list[int], data: st.DataObject, embargo: int) -> None:
    lengths = data.draw(st.lists(st.integers(1, 3000), min_size=len(minutes), max_size=len(minutes)))
    frame = frame_with(minutes, lengths)
    rules = TrainingSettings(
        embargo_min=embargo, walk_forward_train_days=data.draw(st.integers(5, 15)),
        walk_forward_test_days=data.draw(st.integers(1, 9)),
        walk_forward_mode=data.draw(st.sampled_from(["expanding", "rolling"])),
    )
    for split in (forward_split(frame, rules), *walk_forward_folds(frame, rules)):
        assert_no_label_reaches_a_later_part(frame, split, embargo * MINUTE_MS)


def test_forward_split_is_70_15_15_in_time_order() -> None:
    frame = synthetic_frame(days=20)
    split = forward_split(frame, TrainingSettings())
    n = len(frame)
    assert len(split.test) == n - int(n * 0.85)
    assert len(split.train) == pytest.approx(0.70 * n, abs=10)
    assert len(split.validation) == pytest.approx(0.15 * n, abs=10)
    assert split.train[-1] < split.validation[0] <= split.validation[-1] < split.test[0]
    assert split.purged == n - len(split.train) - len(split.validation) - len(split.test) > 0


def test_folds_tile_the_days_after_the_first_window_once_each() -> None:
    frame = synthetic_frame(days=20)
    rules = TrainingSettings(walk_forward_train_days=8, walk_forward_test_days=5)
    folds = walk_forward_folds(frame, rules)
    tested = np.concatenate([fold.test for fold in folds])
    expected = np.flatnonzero(frame.ts_ms >= START_MS + 8 * DAY_MS)
    np.testing.assert_array_equal(tested, expected)
    assert len(folds) == 3
    assert all((frame.ts_ms[fold.test[0]] - START_MS) % DAY_MS < 15 * MINUTE_MS for fold in folds)


def test_expanding_folds_keep_the_oldest_rows_and_rolling_ones_drop_them() -> None:
    frame = synthetic_frame(days=20)
    rules = TrainingSettings(walk_forward_train_days=8, walk_forward_test_days=5)
    assert {int(fold.train[0]) for fold in walk_forward_folds(frame, rules)} == {0}
    rolling = walk_forward_folds(frame, rules.model_copy(update={"walk_forward_mode": "rolling"}))
    starts = [int(fold.train[0]) for fold in rolling]
    assert starts == sorted(set(starts))
    assert len(starts) == 3


def test_too_few_days_give_no_folds() -> None:
    assert walk_forward_folds(synthetic_frame(days=3), TrainingSettings()) == ()


def test_an_embargo_shorter_than_the_horizon_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least the label horizon of 60 min, got 30"):
        forward_split(synthetic_frame(days=3), TrainingSettings(embargo_min=30))


def test_fractions_that_hold_nothing_out_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="< 1"):
        forward_split(synthetic_frame(days=3), TrainingSettings(train_fraction=0.9, validation_fraction=0.2))

"""Splits that only look forward.

A row belongs to an earlier part only if its label had ended, an embargo ago, when the later part begins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Int64
from huracan_platform.errors import ConfigurationError
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.settings import TrainingSettings


@dataclass(frozen=True)
class Split:
    """Row indices of the three parts, ascending and disjoint; `purged` counts rows lost between them."""

    train: Int64
    validation: Int64
    test: Int64
    purged: int


def forward_split(frame: TrainingFrame, training: TrainingSettings) -> Split:
    """Oldest `train_fraction` of the rows, then `validation_fraction`, then the rest held out.

    Raises
    ------
    ConfigurationError
        The embargo is shorter than the label horizon, or nothing is left to hold out.
    """
    embargo = _embargo_ms(frame, training)
    if training.train_fraction + training.validation_fraction >= 1.0:
        raise ConfigurationError(
            "HURACAN_TRAINING: expected train_fraction + validation_fraction < 1, "
            f"got {training.train_fraction} + {training.validation_fraction}"
        )
    n = len(frame)
    cuts = (int(n * training.train_fraction), int(n * (training.train_fraction + training.validation_fraction)))
    return _parts(frame, np.arange(n), cuts, embargo)


def walk_forward_folds(frame: TrainingFrame, training: TrainingSettings) -> tuple[Split, ...]:
    """Folds in time order whose test windows tile the days after the first training window, without overlap.

    Each fold trains on what lies before its test window: all of it (`expanding`) or the last `walk_forward_train_days`
    (`rolling`). The youngest part of that, in the proportion of the settings' fractions, is its validation part. Windows
    begin at 00:00 UTC; the last one may be shorter. Too few days give no folds.
    """
    embargo = _embargo_ms(frame, training)
    if len(frame) == 0:
        return ()
    window, step = training.walk_forward_train_days * DAY_MS, training.walk_forward_test_days * DAY_MS
    first_day = int(frame.ts_ms[0]) // DAY_MS * DAY_MS
    validation_share = training.validation_fraction / (training.train_fraction + training.validation_fraction)
    folds = []
    for start in range(first_day + window, int(frame.ts_ms[-1]) + 1, step):
        oldest = start - window if training.walk_forward_mode == "rolling" else first_day
        low, middle, high = np.searchsorted(frame.ts_ms, (oldest, start, start + step))
        if high == middle:
            continue
        validation_from = int((middle - low) * (1.0 - validation_share))
        folds.append(_parts(frame, np.arange(low, high), (validation_from, int(middle - low)), embargo))
    return tuple(folds)


def ended_before(frame: TrainingFrame, rows: Int64, start_ms: int, embargo_ms: int) -> Int64:
    """Those of `rows` whose labels end at least `embargo_ms` before `start_ms` (ms UTC)."""
    return rows[frame.label_end_ms[rows] + embargo_ms <= start_ms]


def _embargo_ms(frame: TrainingFrame, training: TrainingSettings) -> int:
    if training.embargo_min < frame.labels.horizon_min:
        raise ConfigurationError(
            f"HURACAN_TRAINING__EMBARGO_MIN: expected at least the label horizon of {frame.labels.horizon_min} min, "
            f"got {training.embargo_min}"
        )
    return training.embargo_min * MINUTE_MS


def _parts(frame: TrainingFrame, rows: Int64, cuts: tuple[int, int], embargo_ms: int) -> Split:
    train, validation, test = np.split(rows, cuts)
    if len(test):
        validation = ended_before(frame, validation, int(frame.decision_ms[test[0]]), embargo_ms)
    later = validation if len(validation) else test
    if len(later):
        train = ended_before(frame, train, int(frame.decision_ms[later[0]]), embargo_ms)
    return Split(train, validation, test, len(rows) - len(train) - len(validation) - len(test))

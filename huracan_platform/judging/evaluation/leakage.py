"""Five ways in which a model can know what it must not. Each check returns what it looked at and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.judging.evaluation.bootstrap import block_permutation
from huracan_platform.learning.models.frame import TrainingFrame
from huracan_platform.learning.models.scaling import Scaler
from huracan_platform.learning.models.scores import auc
from huracan_platform.learning.models.split import Split
from huracan_platform.learning.models.train import FittedModel

MIN_BLOCKS = 20  # with a handful of blocks the unpermuted order itself is drawn too often to be beaten
NEAR = 1e-6   # rows closer than this, in training standard deviations over all columns, are the same row
_SAME = 1e-9  # relative difference that recomputing a mean in another order may make
RecomputeRow = Callable[[int], Float64]


@dataclass(frozen=True)
class LeakageFinding:
    """Outcome of one check: `found` counts what broke the rule among `examined`; 0 of 0 proves nothing."""

    check: str
    found: int
    examined: int
    details: dict[str, Any] = field(default_factory=dict)


def split_overlap(frame: TrainingFrame, splits: Iterable[Split], embargo_ms: int) -> LeakageFinding:
    """Training or validation rows whose label, embargo included, reaches past the first decision of a later part."""
    found = examined = shared = 0
    for split in splits:
        parts = [p for p in (split.train, split.validation, split.test) if len(p)]
        for earlier, later in ((a, b) for i, a in enumerate(parts) for b in parts[i + 1:]):
            begins = int(frame.decision_ms[later].min())
            found += int((frame.label_end_ms[earlier] + embargo_ms > begins).sum())
            shared += len(np.intersect1d(earlier, later))
            examined += len(earlier)
    return LeakageFinding("split_overlap", found + shared, examined, {"shared_rows": shared, "embargo_ms": embargo_ms})


def look_ahead(frame: TrainingFrame, rows: Sequence[int], recompute: RecomputeRow | None) -> LeakageFinding:
    """Feature rows that change when history ends with their own bar.

    `recompute(ts_ms)` returns the (k,) features of the bar that opened at ts_ms, computed from bars up to and including
    it. Rows must agree bit for bit: the kernels are incremental, so nothing else is an excuse.
    """
    if recompute is None:
        return LeakageFinding("look_ahead", 0, 0, {"note": "no history to recompute features on"})
    changed: set[str] = set()
    found = 0
    for row in rows:
        again = recompute(int(frame.ts_ms[row]))
        differs = ~((again == frame.x[row]) | (np.isnan(again) & np.isnan(frame.x[row])))
        found += bool(differs.any())
        changed |= {frame.columns[i] for i in np.flatnonzero(differs)}
    return LeakageFinding("look_ahead", found, len(rows), {"columns": sorted(changed)})


def target_leakage(
    frame: TrainingFrame, rows: Int64, max_auc: float, block: int, rng: np.random.Generator, *, permutations: int = 2000,
) -> LeakageFinding:
    """Single features that foretell the label too well on held-out rows to be honest.

    A feature is flagged when its AUC (either direction) is above `max_auc` and above the 99.9th percentile of its AUC
    against labels permuted in blocks of `block` rows (shorter ones where that makes under 20 blocks). The strongest
    honest feature of a market stays under such a bound; one made from the outcome does not.
    """
    judged = frame.labelled(rows)
    y = frame.y[judged]
    if len(judged) < 2 or y.min() == y.max():
        return LeakageFinding("target_leakage", 0, 0, {"note": "no held-out labels of both classes"})
    strength = np.array([_either_way(auc(frame.x[judged, i], y)) for i in range(len(frame.columns))])
    flagged = {}
    block = max(1, min(block, len(judged) // MIN_BLOCKS))
    for i in np.flatnonzero(strength > max_auc):
        bound = float(np.quantile(_permuted_aucs(frame.x[judged, i], y, block, permutations, rng), 0.999))
        if strength[i] > bound:
            flagged[frame.columns[i]] = {"auc": float(strength[i]), "permuted_999": bound}
    best = int(strength.argmax())
    details = {"strongest": frame.columns[best], "strongest_auc": float(strength[best]), "flagged": flagged, "rows": len(judged)}
    return LeakageFinding("target_leakage", len(flagged), len(frame.columns), details)


def preprocessing_leakage(frame: TrainingFrame, models: Iterable[tuple[FittedModel, Int64]]) -> LeakageFinding:
    """Scaler statistics that are not those of the model's own training rows."""
    found = examined = 0
    worst = 0.0
    for model, train in models:
        own = Scaler.fit(frame.x[train])
        gap = np.maximum(np.abs(model.scaler.mean - own.mean) / own.scale, np.abs(model.scaler.scale / own.scale - 1.0))
        found += int((gap > _SAME).sum())
        examined += len(gap)
        worst = max(worst, float(gap.max()))
    return LeakageFinding("preprocessing", found, examined, {"largest_gap_sigma": worst})


def duplicate_rows(frame: TrainingFrame, splits: Iterable[Split], rng: np.random.Generator) -> LeakageFinding:
    """Held-out rows that equal, or nearly equal, a training or validation row of the same split."""
    found = examined = 0
    for split in splits:
        seen = np.concatenate((split.train, split.validation))
        if len(seen) == 0 or len(split.test) == 0:
            continue
        mean, scale = frame.x[seen].mean(axis=0), frame.x[seen].std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        found += _near_pairs((frame.x[seen] - mean) / scale, (frame.x[split.test] - mean) / scale, NEAR, rng)
        examined += len(split.test)
    return LeakageFinding("duplicates", found, examined, {"near_sigma": NEAR})


def _near_pairs(seen: Float64, held_out: Float64, near: float, rng: np.random.Generator) -> int:
    """How many rows of `held_out` have a row of `seen` within `near` (Euclidean).

    A projection on a unit vector never lengthens a distance, so only neighbours on one random projection are compared.
    """
    drawn = rng.normal(size=seen.shape[1])
    direction = drawn / np.linalg.norm(drawn)
    projected = seen @ direction
    order = np.argsort(projected)
    line, at = projected[order], held_out @ direction
    slack = near + 1e-12 * np.abs(at)
    low, high = np.searchsorted(line, at - slack), np.searchsorted(line, at + slack, side="right")
    close = np.flatnonzero(high > low)
    return sum(bool((np.linalg.norm(seen[order[low[i]:high[i]]] - held_out[i], axis=1) <= near).any()) for i in close)


def _either_way(value: float) -> float:
    return max(value, 1.0 - value)


def _permuted_aucs(x: Float64, y: Float64, block: int, permutations: int, rng: np.random.Generator) -> Float64:
    ranks = rankdata(x)
    up = float(y.sum())
    down = len(y) - up
    drawn = np.array([ranks @ y[block_permutation(len(y), block, rng)] for _ in range(permutations)])
    one_way = (drawn - up * (up + 1.0) / 2.0) / (up * down)
    result: Float64 = np.maximum(one_way, 1.0 - one_way)
    return result

"""Models, stages and verdicts as they cross borders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

from huracan_platform.contracts.market import Float64


class Classifier(Protocol):
    """What every architecture offers. X is (n, k) float64 (already scaled), y is (n,) in {0, 1}."""

    def fit(self, x: Float64, y: Float64, weight: Float64, x_valid: Float64, y_valid: Float64) -> None:
        """Train; the validation part may stop training early and nothing else."""
        ...

    def predict_proba(self, x: Float64) -> Float64:
        """(n, 2) float64: probability of down, of up."""
        ...

    def save(self) -> dict[str, bytes]:
        """File name to bytes, no pickle; the same model gives the same bytes."""
        ...


class Stage(StrEnum):
    """Where a model version stands."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    CANARY = "canary"
    CHAMPION = "champion"
    RETIRED = "retired"


class GateStatus(StrEnum):
    """insufficient_evidence is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INSUFFICIENT = "insufficient_evidence"


@dataclass(frozen=True)
class Criterion:
    """One comparison inside a gate: observed `relation` threshold, e.g. 1.3 >= 1.0."""

    name: str
    observed: float | None
    relation: str
    threshold: float
    status: GateStatus
    interval: tuple[float, float] | None = None
    sample_size: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What one gate said about one model version, with its evidence."""

    model_id: str
    gate: int
    name: str
    status: GateStatus
    criteria: tuple[Criterion, ...]
    thresholds_version: int
    judged_at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """One line: the criteria that kept it from passing, or the first that passed."""
        kept = [c for c in self.criteria if c.status is not GateStatus.PASS] or list(self.criteria[:1])
        return "; ".join(
            f"{c.name} {'n/a' if c.observed is None or np.isnan(c.observed) else f'{c.observed:.4g}'} {c.relation} {c.threshold:g}"
            f"{'' if c.sample_size is None else f' (n={c.sample_size})'}{': ' + c.note if c.note else ''}"
            for c in kept
        )

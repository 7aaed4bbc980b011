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

    @property
    def text(self) -> str:
        """`sharpe 1.3 >= 1 (n=269)`, with the note behind it."""
        observed = "n/a" if self.observed is None or np.isnan(self.observed) else f"{self.observed:.4g}"
        size = "" if self.sample_size is None else f" (n={self.sample_size})"
        return f"{self.name} {observed} {self.relation} {self.threshold:g}{size}{': ' + self.note if self.note else ''}"


REASONS_TOLD = 3


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
        """One line: the first criteria that kept it from passing, or, of a pass, the first beyond mere sample sizes."""
        kept = [c for c in self.criteria if c.status is not GateStatus.PASS]
        told = kept or [c for c in self.criteria if c.observed != c.sample_size] or list(self.criteria)
        more = len(told) - REASONS_TOLD
        return "; ".join(c.text for c in told[:REASONS_TOLD]) + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class ModelCard:
    """One registered model version. `manifest` holds everything that made it, `created_ms` is wire time in ms UTC."""

    model_id: str
    venue: str
    symbol: str
    architecture: str
    version: int
    artefact_hash: str
    dataset_hash: str
    parent_id: str | None
    created_ms: int
    manifest: dict[str, Any]
    stage: Stage


@dataclass(frozen=True)
class StageChange:
    """One row of the stage chain. `gates` maps gate numbers to the statuses the change was made on; times in ms UTC."""

    change_id: int
    model_id: str
    from_stage: Stage | None
    to_stage: Stage
    changed_by: str
    reason: str
    gates: dict[str, str]
    wire_ms: int
    market_ms: int
    prev_hash: str
    row_hash: str


@dataclass(frozen=True)
class Authorisation:
    """Leave for one model to trade through one gateway until `expires_ms` (wire, ms UTC).

    `unproven` says that gates 1 to 6 had not all passed when it was granted. `withdrawn_ms` is when it was taken back
    before its end, None where it was not. `activation_id` is the model's place in the order in which versions took charge,
    None where it did not since it was last withdrawn.
    """

    model_id: str
    gateway: str
    granted_by: str
    reason: str
    unproven: bool
    granted_ms: int
    expires_ms: int
    withdrawn_ms: int | None = None
    activation_id: int | None = None

    def holds_at(self, wire_ms: int) -> bool:
        """Whether it gives leave at that instant."""
        end = self.expires_ms if self.withdrawn_ms is None else min(self.expires_ms, self.withdrawn_ms)
        return self.granted_ms <= wire_ms < end


@dataclass(frozen=True)
class ModelMetric:
    """One number about a model on one part of its data; `recorded_ms` is wire time in ms UTC."""

    model_id: str
    asset: str
    split: str
    metric: str
    value: float
    recorded_ms: int
    interval: tuple[float, float] | None = None

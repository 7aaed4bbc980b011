"""The trade passport: one fill and everything that stands behind it. Times are aware UTC."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class DecisionPart:
    """What was decided, from what, and when. `link` says how the fill leads to it."""

    decision_id: str
    link: str
    session_id: str
    bar_ts: datetime
    decided_at: datetime
    action: str
    reason: str
    inputs: dict[str, Any]
    output: dict[str, Any]
    parameters: dict[str, Any]
    outcomes: tuple[str, ...]


@dataclass(frozen=True)
class FeaturePart:
    """The feature row and the state it came from."""

    feature_set: str
    profile: str
    set_hash: str
    row_hash: str
    state_from: datetime
    checkpoint_hash: str | None
    values: dict[str, float]


@dataclass(frozen=True)
class LiveDataPart:
    """The facts between the stored state and the decision's bar, as the pin sees them now."""

    as_of: datetime
    recorded_before: datetime
    bars: int
    candles_hash: str
    funding_hash: str


@dataclass(frozen=True)
class ModelPart:
    """The model version and how it was made."""

    model_id: str
    architecture: str
    version: int
    stage: str
    artefact_hash: str
    trained_at: datetime
    hyperparameters: dict[str, Any]
    seeds: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class DatasetPart:
    """What the model was trained on: versions by pin, feature days and candle days by hash."""

    dataset_id: str
    dataset_hash: str
    first_day: str
    last_day: str
    as_of: datetime
    recorded_before: datetime
    rows: int
    feature_day_hashes: tuple[str, ...]
    candle_day_hashes: dict[str, str | None]


@dataclass(frozen=True)
class CheckPart:
    """What the quality checks say about the days: how many in each state, and the reasons of those that are not good."""

    dataset: str
    states: dict[str, int]
    not_good: dict[str, str]


@dataclass(frozen=True)
class VerdictPart:
    """One gate."""

    gate: int
    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class AuthorisationPart:
    """The leave under which the model traded; `unproven`: gates 1 to 6 had not all passed."""

    gateway: str
    granted_by: str
    reason: str
    unproven: bool
    granted_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Passport:
    """One fill and all that stands behind it. A part that is None or empty has its line in `missing`."""

    fill: dict[str, Any]
    order: dict[str, Any] | None
    order_events: tuple[dict[str, Any], ...]
    decision: DecisionPart | None
    features: FeaturePart | None
    live_data: LiveDataPart | None
    model: ModelPart | None
    dataset: DatasetPart | None
    checks: tuple[CheckPart, ...]
    verdicts: tuple[VerdictPart, ...]
    authorisation: AuthorisationPart | None
    code: dict[str, str]
    runs: dict[str, str]
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain nested values; decimals and times are left for the JSON writer."""
        return asdict(self)

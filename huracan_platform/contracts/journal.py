"""What a session writes down: itself, the commands it obeyed, and each decision with all it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from huracan_platform.contracts.decision import Decision, DecisionInputs
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.market import Pin


class CommandKind(StrEnum):
    """What may be asked of a running session."""

    MODEL_AUTHORISED = "model_authorised"  # payload: model_id
    POLICY_JUDGED = "policy_judged"  # payload: policy_id
    ACTIVATE = "activate"
    REDUCE = "reduce"
    HALT = "halt"
    STOP = "stop"


@dataclass(frozen=True)
class SessionCommand:
    """One row of the command table. `source` says who asked."""

    command_id: int
    kind: CommandKind
    payload: dict[str, Any]
    source: str


@dataclass(frozen=True)
class SessionRecord:
    """One session as it started. `epoch` is the fencing epoch of its lease; `run_id` a Dagster run, None for a plain service."""

    session_id: str
    name: str
    gateway: str
    venue: str
    account: str
    epoch: int
    code_revision: str
    settings_hash: str
    started_ms: int
    run_id: str | None = None


@dataclass(frozen=True)
class FeatureSource:
    """Where a live feature row's state came from.

    `state_from_ms` is the open of the first bar that ran after the restored state, ms UTC; `checkpoint_hash` is the
    SHA-256 of that state, None when the engine began empty at `state_from_ms`.
    """

    feature_set: str
    profile: str
    state_from_ms: int
    checkpoint_hash: str | None


@dataclass(frozen=True)
class DecisionRecord:
    """One decision: inputs, output, and a reference to everything between them and the library.

    `pin` says which versions of the facts count: those known by its `as_of` on the market clock and recorded by its
    `recorded_before` on the wire clock. `model_asked` tells whether this bar asks for a probability; `model_id` and
    `artefact_hash` are None when no model was in charge.
    """

    decision_id: str
    session_id: str
    epoch: int
    strategy: str
    gateway: str
    venue: str
    decided_ms: int
    pin: Pin
    features: FeatureRow
    source: FeatureSource
    model_asked: bool
    model_id: str | None
    artefact_hash: str | None
    inputs: DecisionInputs
    decision: Decision
    code_revision: str


@dataclass(frozen=True)
class DecisionOutcome:
    """What became of one order that a decision wanted: `step` is entry, stop or exit; `code` a denial's or refusal's."""

    decision_id: str
    step: str
    outcome: str
    code: str | None
    detail: str
    latency_ms: float | None
    recorded_ms: int


@dataclass(frozen=True)
class DecisionSummary:
    """One line of `huracan decisions`."""

    decision_id: str
    symbol: str
    bar_ts_ms: int
    action: str
    reason: str
    p_up: float
    target: float
    model_id: str | None
    outcomes: tuple[str, ...] = field(default=())

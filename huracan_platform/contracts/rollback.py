"""How versions take charge of a symbol and lose it again, as it crosses borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from huracan_platform.contracts.market import Float64, Int64


class ActivationVerdict(StrEnum):
    """What came of an authorised version; only the refused one is not handed to the executor."""

    ACTIVATED = "activated"
    REFUSED = "refused"
    OVERRIDDEN = "overridden"          # worse or not comparable, and put in charge by a person's word
    ROLLED_BACK_TO = "rolled_back_to"


@dataclass(frozen=True)
class Activation:
    """Whether a version is handed to the executor, and why; `incumbent_id` None: no version was in charge.

    `decided_ms` is wire time in ms UTC.
    """

    model_id: str
    incumbent_id: str | None
    gateway: str
    verdict: ActivationVerdict
    reason: str
    decided_by: str
    decided_ms: int
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_charge(self) -> bool:
        """Whether the executor is told."""
        return self.verdict is not ActivationVerdict.REFUSED


class RollbackKind(StrEnum):
    """What showed, or said, that the version in charge has to go."""

    SEQUENTIAL = "sequential"
    LOSS_LIMIT = "loss_limit"
    DRIFT = "drift"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Rollback:
    """From the version in charge of a symbol back to one before it; `at_ms` is wire time in ms UTC."""

    venue: str
    symbol: str
    gateway: str
    from_model: str
    to_model: str
    kind: RollbackKind
    reason: str
    by: str
    at_ms: int
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ShadowReturns:
    """Net returns of one version per hour it was followed; `ts_ms` (n,) are the hours' beginnings, ascending, market ms UTC."""

    model_id: str
    ts_ms: Int64
    net: Float64

"""Why a training was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TriggerKind(StrEnum):
    """What asked: the daily schedule, a critical drift, enough new days, or a person."""

    SCHEDULE = "schedule"
    DRIFT = "drift"
    NEW_DATA = "new_data"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Trigger:
    """What asked for a training, why and when (wall ms); `request_id` None where no request was stored."""

    kind: TriggerKind
    reason: str
    by: str
    requested_ms: int
    request_id: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        return {
            "kind": self.kind.value, "reason": self.reason, "by": self.by, "requested_ms": self.requested_ms,
            "request_id": self.request_id,
        }

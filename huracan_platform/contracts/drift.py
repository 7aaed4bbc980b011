"""How far a column of numbers has moved from its reference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DriftLevel(StrEnum):
    """How far a column moved. `unmeasured`: too few effective observations to call it critical."""

    NONE = "none"
    WARNING = "warning"
    CRITICAL = "critical"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True)
class ColumnDrift:
    """`critical_psi` is the threshold that applied to this column; `effective` counts independent observations."""

    column: str
    psi: float
    critical_psi: float
    ks: float
    ks_p: float
    rows: int
    effective: float
    level: DriftLevel

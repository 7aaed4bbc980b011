"""What the gates look at, and how one gate answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from huracan_platform.contracts.drift import ColumnDrift
from huracan_platform.contracts.model import Criterion, GateStatus
from huracan_platform.judging.backtest.engine import BacktestResult
from huracan_platform.judging.evaluation.calibration_evidence import CalibrationEvidence
from huracan_platform.judging.evaluation.leakage import LeakageFinding

# Ratios over fewer than this say nothing at all, whatever their value.
MIN_DAYS_FOR_RATIOS = 30
MIN_TRADES_FOR_RATIOS = 30


@dataclass(frozen=True)
class Trials:
    """Every trial ever logged: how many, and the variance of their per-day Sharpe ratios (None: not known)."""

    count: int
    sharpe_variance: float | None = None


@dataclass(frozen=True)
class JudgingEvidence:
    """All that seven gates may look at for one model version of one symbol.

    `account` and `founding` are out-of-sample backtests of the walk-forward probabilities under the account's own fees and
    under the founding documents' schedule; None where no fold could be fitted.
    """

    model_id: str
    symbol: str
    architecture: str
    account: BacktestResult | None
    founding: BacktestResult | None
    calibration: CalibrationEvidence
    leakage: tuple[LeakageFinding, ...]
    drift: tuple[ColumnDrift, ...]
    trials: Trials
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateAnswer:
    """One gate's criteria with whatever else explains them; JSON-ready `evidence`."""

    criteria: tuple[Criterion, ...]
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> GateStatus:
        """Insufficient as soon as one criterion lacks its sample: without that, neither praise nor blame is earned."""
        found = {c.status for c in self.criteria}
        if GateStatus.INSUFFICIENT in found or not found:
            return GateStatus.INSUFFICIENT
        return GateStatus.FAIL if GateStatus.FAIL in found else GateStatus.PASS


def sample(name: str, observed: int, least: int, unit: str) -> Criterion:
    """A sample rule: enough, or insufficient by how many."""
    enough = observed >= least
    note = "" if enough else f"lacks {least - observed} {unit}"
    return Criterion(name, float(observed), ">=", float(least), GateStatus.PASS if enough else GateStatus.INSUFFICIENT,
                     sample_size=observed, note=note)


def compare(
    name: str, observed: float, relation: str, threshold: float, *, n: int, enough: bool = True,
    interval: tuple[float, float] | None = None, note: str = "",
) -> Criterion:
    """observed `relation` threshold, with relation one of >=, <=, >. Insufficient without enough sample; NaN never passes."""
    holds = {">=": observed >= threshold, "<=": observed <= threshold, ">": observed > threshold}[relation]
    status = GateStatus.INSUFFICIENT if not enough else GateStatus.PASS if holds else GateStatus.FAIL
    note = note if enough else "too small a sample to tell"
    return Criterion(name, observed, relation, threshold, status, interval, n, note)


def not_judged(name: str, relation: str, threshold: float, why: str) -> Criterion:
    """A criterion for which there is no evidence at all."""
    return Criterion(name, None, relation, threshold, GateStatus.INSUFFICIENT, sample_size=0, note=why)


def worst(criteria: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Criteria in the order a reader wants them: what lacks, what failed, what passed."""
    order = {GateStatus.INSUFFICIENT: 0, GateStatus.FAIL: 1, GateStatus.PASS: 2}
    return tuple(sorted(criteria, key=lambda c: order[c.status]))

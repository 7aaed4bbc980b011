"""Gate 6, drift: no feature of the model and not its predictions critically away from the training reference."""

from __future__ import annotations

from dataclasses import asdict

from huracan_platform.contracts.drift import DriftLevel
from huracan_platform.judging.gates.evidence import GateAnswer, JudgingEvidence, compare, not_judged, sample
from huracan_platform.settings import GateSettings


def judge_drift(evidence: JudgingEvidence, gates: GateSettings) -> GateAnswer:
    """Columns with too few effective observations cannot be critical; they are counted, and named in the evidence.

    Where no column at all has enough of them, there is no verdict.
    """
    if not evidence.drift:
        return GateAnswer((not_judged("critical columns", "<=", 0.0, "no held-out rows to compare with the training rows"),))
    measured = [d for d in evidence.drift if d.level is not DriftLevel.UNMEASURED]
    critical = [d for d in measured if d.level is DriftLevel.CRITICAL]
    best = int(max(d.effective for d in evidence.drift))
    unmeasured = len(evidence.drift) - len(measured)
    names = ", ".join(f"{d.column} PSI {d.psi:.3f} > {d.critical_psi:.3f}" for d in critical)
    return GateAnswer((
        sample("effective observations", best, gates.min_drift_observations, "effective observations"),
        compare("critical columns", float(len(critical)), "<=", 0.0, n=len(measured), enough=bool(measured),
                note=names or f"{unmeasured} columns move too slowly to be measured" * bool(unmeasured)),
    ), {"columns": [asdict(d) | {"level": d.level.value} for d in evidence.drift]})

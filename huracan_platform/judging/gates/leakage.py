"""Gate 5, leakage: none of the five checks may find anything, and each must have had something to look at."""

from __future__ import annotations

from huracan_platform.contracts.model import Criterion
from huracan_platform.judging.evaluation.leakage import LeakageFinding
from huracan_platform.judging.gates.evidence import GateAnswer, JudgingEvidence, compare, not_judged

CHECKS = ("split_overlap", "look_ahead", "target_leakage", "preprocessing", "duplicates")


def judge_leakage(evidence: JudgingEvidence) -> GateAnswer:
    """One criterion per check."""
    found = {f.check: f for f in evidence.leakage}
    return GateAnswer(
        tuple(_criterion(check, found.get(check)) for check in CHECKS), {f.check: dict(f.details) for f in evidence.leakage}
    )


def _criterion(check: str, finding: LeakageFinding | None) -> Criterion:
    if finding is None or finding.examined == 0:
        return not_judged(check, "<=", 0.0, "the check had nothing to examine")
    return compare(check, float(finding.found), "<=", 0.0, n=finding.examined)

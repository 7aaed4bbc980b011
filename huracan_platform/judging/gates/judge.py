"""The seven verdicts on one model version: rules and numbers, nothing else."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from huracan_platform.contracts.model import Verdict
from huracan_platform.judging.gates.calibration import judge_calibration
from huracan_platform.judging.gates.drift import judge_drift
from huracan_platform.judging.gates.evidence import GateAnswer, JudgingEvidence, worst
from huracan_platform.judging.gates.leakage import judge_leakage
from huracan_platform.judging.gates.live_consistency import judge_live_consistency
from huracan_platform.judging.gates.performance import judge_performance
from huracan_platform.judging.gates.risk import judge_risk
from huracan_platform.judging.gates.stress import judge_stress
from huracan_platform.settings import GateSettings

GATE_NAMES = {
    1: "performance", 2: "risk", 3: "calibration", 4: "stress", 5: "leakage", 6: "drift", 7: "live_consistency",
}


def judge(
    evidence: JudgingEvidence, gates: GateSettings, *, judged_at: datetime, rng: np.random.Generator,
) -> tuple[Verdict, ...]:
    """All seven verdicts, in order. Pure: equal evidence, settings and generator state give equal verdicts.

    A gate passes only when every criterion does; one that lacks its sample makes the gate insufficient_evidence, which
    is never a pass.
    """
    answers: dict[int, GateAnswer] = {
        1: judge_performance(evidence, gates, rng),
        2: judge_risk(evidence, gates, rng),
        3: judge_calibration(evidence, gates, rng),
        4: judge_stress(),
        5: judge_leakage(evidence),
        6: judge_drift(evidence, gates),
        7: judge_live_consistency(gates),
    }
    return tuple(
        Verdict(evidence.model_id, gate, GATE_NAMES[gate], answer.status, worst(answer.criteria), gates.version, judged_at,
                answer.evidence | {"symbol": evidence.symbol, "architecture": evidence.architecture})
        for gate, answer in answers.items()
    )

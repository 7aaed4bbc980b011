"""Gate 3, calibration: does 62 % mean 62 %, and do the probabilities say more than the base rate."""

from __future__ import annotations

import numpy as np

from huracan_platform.judging.gates.evidence import GateAnswer, JudgingEvidence, compare, not_judged, sample
from huracan_platform.settings import GateSettings


def judge_calibration(evidence: JudgingEvidence, gates: GateSettings, rng: np.random.Generator) -> GateAnswer:
    """On out-of-sample rows with an outcome. The skill's lower bootstrap bound is judged, not the skill."""
    calibration = evidence.calibration
    n = len(calibration.y)
    rule = sample("labelled out-of-sample rows", n, gates.min_calibration_n, "rows")
    if n == 0:
        return GateAnswer((rule, not_judged("brier", "<=", gates.max_brier, "no out-of-sample rows with an outcome")))
    enough = n >= gates.min_calibration_n
    interval = calibration.skill_interval(gates.bootstrap_draws, rng)
    lower = float("nan") if interval is None else interval[0]
    diagram = calibration.reliability
    return GateAnswer((
        rule,
        compare("brier", calibration.brier, "<=", gates.max_brier, n=n, enough=enough),
        compare("brier skill, lower bound", lower, ">", 0.0, n=n, enough=enough, interval=interval),
        compare("expected calibration error", calibration.ece, "<=", gates.max_ece, n=n, enough=enough),
    ), {
        "brier_skill": calibration.skill, "abstained": calibration.abstained, "base_rate": float(calibration.y.mean()),
        "reliability": {
            "predicted": diagram.predicted.tolist(), "observed": diagram.observed.tolist(), "count": diagram.count.tolist(),
        },
    })

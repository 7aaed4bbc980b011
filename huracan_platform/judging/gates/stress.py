"""Gate 4, stress: survival of eight scenarios."""

from __future__ import annotations

from huracan_platform.judging.gates.evidence import GateAnswer, not_judged

SCENARIOS = 8


def judge_stress() -> GateAnswer:
    """There is no scenario replay to take evidence from, so the gate says so; it never passes on silence."""
    why = f"0 of {SCENARIOS} stress scenarios were replayed"
    return GateAnswer((not_judged("stress scenarios survived", ">=", SCENARIOS, why),))

"""The way a model goes: candidate, shadow, canary, champion, retired, and which gates stand between."""

from __future__ import annotations

from collections.abc import Iterable

from huracan_platform.contracts.model import GateStatus, Stage, Verdict

PROVEN = (1, 2, 3, 4, 5, 6)
ALL_GATES = (*PROVEN, 7)

# From each stage, where a model may go next, and the gates that must have passed. Moving down needs none.
MOVES: dict[Stage, dict[Stage, tuple[int, ...]]] = {
    Stage.CANDIDATE: {Stage.SHADOW: (), Stage.RETIRED: ()},
    Stage.SHADOW: {Stage.CANARY: PROVEN, Stage.RETIRED: ()},
    Stage.CANARY: {Stage.CHAMPION: ALL_GATES, Stage.SHADOW: (), Stage.RETIRED: ()},
    Stage.CHAMPION: {Stage.SHADOW: (), Stage.RETIRED: ()},
    Stage.RETIRED: {},
}
# One canary and one champion per symbol: where the one goes that a new one takes the place of. Not into retirement: the
# one before is what a rollback goes back to.
REPLACED: dict[Stage, Stage] = {Stage.CHAMPION: Stage.SHADOW, Stage.CANARY: Stage.SHADOW}


def refusal(model_id: str, stage: Stage | None, to: Stage, verdicts: Iterable[Verdict]) -> str | None:
    """Why the model may not move from `stage` to `to`; None when it may."""
    moves = MOVES[stage] if stage else {}
    if to not in moves:
        return f"{model_id} is {stage}: expected {' or '.join(moves) or 'no further stage'}, got {to}"
    if missing := gates_missing(verdicts, moves[to]):
        return f"{model_id} to {to}: expected gates {moves[to][0]}-{moves[to][-1]} to pass, got {missing}"
    return None


def gates_missing(verdicts: Iterable[Verdict], needed: tuple[int, ...]) -> str:
    """Which of the needed gates did not pass, each with its status; empty when all did. Insufficient is not passed."""
    status = {v.gate: v.status for v in verdicts}
    return ", ".join(f"{gate} {status.get(gate, 'not judged')}" for gate in needed if status.get(gate) is not GateStatus.PASS)

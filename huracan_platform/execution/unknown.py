"""When an UNKNOWN order may be called not accepted. Pure.

Peers lose orders here: they take silence, one not-found or any exception for a refusal. Only the sum counts: the order
cannot be accepted any more, the venue has said often enough that it does not know it, was able to answer, and nothing
else it showed speaks of the order.
"""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.settings import ExecutionSettings


@dataclass(frozen=True)
class Evidence:
    """All that is known about one UNKNOWN order in one cycle. Times are wire ms.

    `not_founds` counts definitive not-founds by client order id, this cycle's included. `not_found_now`: the last query
    came after nothing else. `control_worked`: another private query was answered in the same cycle. `contrary` names a
    user event, trade or balance that speaks for the order.
    """

    now_ms: int
    deadline_ms: int
    not_founds: int
    not_found_now: bool
    control_worked: bool
    contrary: str | None


def why_still_unknown(evidence: Evidence, execution: ExecutionSettings) -> str | None:
    """None when absence is proven; otherwise what is missing."""
    earliest = evidence.deadline_ms + int((execution.clock_bound_s + execution.unknown_grace_s) * 1000)
    if evidence.contrary is not None:
        return f"the venue shows {evidence.contrary}"
    if evidence.now_ms <= earliest:
        return f"may still arrive for {earliest - evidence.now_ms} ms"
    if not evidence.not_found_now:
        return "the last query was not a definitive not-found"
    if evidence.not_founds < execution.unknown_not_found:
        return f"{evidence.not_founds} of {execution.unknown_not_found} definitive not-founds"
    if not evidence.control_worked:
        return "no control query was answered in this cycle"
    return None

"""When the version in charge of a symbol has to give way to the one before it. Pure: equal evidence, equal answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.rollback import RollbackKind, ShadowReturns
from huracan_platform.judging.evaluation.betting import best_capital, betting_capital
from huracan_platform.judging.evaluation.metrics import max_drawdown
from huracan_platform.settings import RollbackSettings


@dataclass(frozen=True)
class RollbackEvidence:
    """What is known of the version in charge and of its predecessor.

    `drifted` are the columns that drifted critically from the training rows of the version in charge, by its newest
    measurement; `drifted_before` those of the predecessor, None where it was not measured.
    """

    in_charge: ShadowReturns
    predecessor: ShadowReturns
    drifted: tuple[str, ...] = ()
    drifted_before: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RollbackDue:
    """That it is time, by which rule, and on what figures."""

    kind: RollbackKind
    reason: str
    figures: Mapping[str, Any]


def rollback_due(evidence: RollbackEvidence, settings: RollbackSettings) -> RollbackDue | None:
    """The first rule that asks for a rollback; None when none does.

    - `loss_limit`: the version in charge fell by `max_drawdown`, and its predecessor did not in the same hours.
    - `sequential`: betting on the predecessor earning more, hour by hour, made 1/`alpha` of the stake at some hour.
    - `drift`: its columns drifted critically, while the predecessor was measured and did not drift.
    """
    mine, theirs = _paired(evidence)
    fall = max_drawdown(evidence.in_charge.net) if len(evidence.in_charge.net) else 0.0
    their_fall = max_drawdown(theirs) if len(theirs) else 0.0
    capital = best_capital(betting_capital(theirs - mine, settings.clip))
    figures = {
        "hours": len(mine), "e_value": capital, "needed": 1.0 / settings.alpha, "drawdown": fall,
        "predecessor_drawdown": their_fall, "max_drawdown": settings.max_drawdown, "net": float(np.sum(mine)),
        "predecessor_net": float(np.sum(theirs)), "drifted": list(evidence.drifted),
    }
    if fall >= settings.max_drawdown > their_fall:
        reason = f"fell by {fall:.2%}, the limit is {settings.max_drawdown:.2%}; its predecessor by {their_fall:.2%}"
        return RollbackDue(RollbackKind.LOSS_LIMIT, reason, figures)
    if capital >= 1.0 / settings.alpha:
        reason = f"earned less than its predecessor over {len(mine)} hours: e-value {capital:.1f} >= {1.0 / settings.alpha:g}"
        return RollbackDue(RollbackKind.SEQUENTIAL, reason, figures)
    if evidence.drifted and evidence.drifted_before == ():
        reason = f"critical drift of {', '.join(evidence.drifted)}, none of its predecessor"
        return RollbackDue(RollbackKind.DRIFT, reason, figures)
    return None


def _paired(evidence: RollbackEvidence) -> tuple[Float64, Float64]:
    """Returns of both in the hours that both were followed."""
    a, b = evidence.in_charge, evidence.predecessor
    _, mine, theirs = np.intersect1d(a.ts_ms, b.ts_ms, assume_unique=True, return_indices=True)
    return a.net[mine], b.net[theirs]

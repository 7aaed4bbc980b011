"""Gate verdicts: append-only, newest per gate on request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.contracts.model import Criterion, GateStatus, Verdict

_COLUMNS = "model_id, gate, name, status, criteria, evidence, thresholds_version, judged_at"


class VerdictRepository:
    """What the gates said about each model version. The database refuses to change or delete a row."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def append(self, verdicts: Sequence[Verdict]) -> None:
        """Store verdicts, all or none.

        Raises
        ------
        psycopg.errors.UniqueViolation
            A gate already answered for this model at this very instant.
        """
        rows = [
            (v.model_id, v.gate, v.name, v.status.value, Jsonb([_criterion_json(c) for c in v.criteria]),
             Jsonb(_finite(v.evidence)), v.thresholds_version, v.judged_at)
            for v in verdicts
        ]
        with self._brain.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO gate_verdicts ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows)

    def latest(self, model_id: str) -> tuple[Verdict, ...]:
        """The newest verdict of each gate, in gate order; empty for a model that was never judged."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT ON (gate) {_COLUMNS} FROM gate_verdicts WHERE model_id = %s ORDER BY gate, judged_at DESC",
                (model_id,),
            ).fetchall()
        return tuple(_verdict(row) for row in rows)

    def history(self, model_id: str) -> tuple[Verdict, ...]:
        """Every verdict ever given on a model, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM gate_verdicts WHERE model_id = %s ORDER BY judged_at, gate", (model_id,)
            ).fetchall()
        return tuple(_verdict(row) for row in rows)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Plain JSON values of one verdict: NaN as null, infinities by name, time in ISO 8601."""
    return {
        "model_id": verdict.model_id, "gate": verdict.gate, "name": verdict.name, "status": verdict.status.value,
        "reason": verdict.reason, "criteria": [_criterion_json(c) for c in verdict.criteria],
        "thresholds_version": verdict.thresholds_version, "judged_at": verdict.judged_at.isoformat(),
        "evidence": _finite(verdict.evidence),
    }


def _verdict(row: tuple[Any, ...]) -> Verdict:
    model_id, gate, name, status, criteria, evidence, version, judged_at = row
    return Verdict(
        model_id, gate, name, GateStatus(status), tuple(_criterion(c) for c in criteria), version, judged_at, evidence
    )


def _criterion_json(criterion: Criterion) -> dict[str, Any]:
    return {
        "name": criterion.name, "observed": _finite(criterion.observed), "relation": criterion.relation,
        "threshold": criterion.threshold, "status": criterion.status.value,
        "interval": None if criterion.interval is None else [_finite(bound) for bound in criterion.interval],
        "sample_size": criterion.sample_size, "note": criterion.note,
    }


def _criterion(value: dict[str, Any]) -> Criterion:
    observed, interval = value["observed"], value["interval"]
    return Criterion(
        value["name"], None if observed is None else float(observed), value["relation"], float(value["threshold"]),
        GateStatus(value["status"]), None if interval is None else (float(interval[0]), float(interval[1])),
        value["sample_size"], value["note"],
    )


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity: NaN (not known) becomes null, an infinity its name."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value

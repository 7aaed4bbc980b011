"""Decisions as they were made, and what became of them. Rows are inserted once and never changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.decision import Action, Decision, DecisionInputs, Reason, StrategyParameters
from huracan_platform.contracts.features import FeatureRow
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.journal import DecisionOutcome, DecisionRecord, DecisionSummary, FeatureSource
from huracan_platform.contracts.market import Pin
from huracan_platform.errors import PermanentError

_COLUMNS = (
    "decision_id", "session_id", "epoch", "strategy", "gateway", "venue", "symbol", "bar_ts", "decided_at", "pin_as_of",
    "pin_recorded_before", "feature_set", "feature_profile", "feature_set_hash", "feature_columns", "feature_values",
    "feature_row_hash", "state_from", "checkpoint_hash", "model_asked",
    "model_id", "artefact_hash", "close", "p_up", "sigma", "position",
    "entry_price", "held_stop_price", "held_take_price", "bars_held", "equity_usd", "risk_multiplier", "parameters",
    "parameters_hash", "code_revision", "action", "reason", "target", "stop_price", "take_price", "edge",
)
# a commit whose answer was lost is written again
_INSERT = f"""INSERT INTO decisions ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'%({c})s' for c in _COLUMNS)})
    ON CONFLICT (decision_id) DO NOTHING"""


class DecisionRepository:
    """The decision journal."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def add(self, records: Sequence[DecisionRecord]) -> None:
        """Insert records in one transaction, all or none; one that is there already stays as it is."""
        if records:
            with self._brain.connect() as connection, connection.cursor() as cursor:
                cursor.executemany(_INSERT, [_to_row(r) for r in records])

    def add_outcome(self, outcome: DecisionOutcome) -> None:
        """Insert what became of one order of a decision; the same step again replaces nothing."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO decision_outcomes (decision_id, step, outcome, code, detail, latency_ms, recorded_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (outcome.decision_id, outcome.step, outcome.outcome, outcome.code, outcome.detail, outcome.latency_ms,
                 to_datetime(outcome.recorded_ms)),
            )

    def load(self, decision_id: str) -> DecisionRecord:
        """The record. Raises `PermanentError` when there is none."""
        with self._brain.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute("SELECT * FROM decisions WHERE decision_id = %s", (decision_id,)).fetchone()
        if row is None:
            raise PermanentError(f"decision: expected a known id, got {decision_id!r}")
        return _from_row(row)

    def entry_of(self, venue: str, account: str, symbol: str) -> DecisionRecord | None:
        """The decision behind the account's newest risk-adding order in the symbol that filled; None when there is none."""
        with self._brain.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(
                "SELECT d.* FROM decisions d JOIN order_intents i USING (decision_id) JOIN orders o USING (intent_id)"
                " WHERE i.venue = %s AND i.account = %s AND i.symbol = %s AND NOT i.reduce_only AND o.filled > 0"
                " ORDER BY i.intent_id DESC LIMIT 1", (venue, account, symbol),
            ).fetchone()
        return None if row is None else _from_row(row)

    def outcomes(self, decision_id: str) -> list[DecisionOutcome]:
        """What became of the decision's orders, in the order of recording."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT decision_id, step, outcome, code, detail, latency_ms, recorded_at FROM decision_outcomes"
                " WHERE decision_id = %s ORDER BY recorded_at, step", (decision_id,),
            ).fetchall()
        return [
            DecisionOutcome(of, step, outcome, code, detail, latency_ms, to_ms(recorded_at))
            for of, step, outcome, code, detail, latency_ms, recorded_at in rows
        ]

    def recent(
        self, limit: int, *, symbol: str | None = None, session_id: str | None = None, acting: bool = False
    ) -> list[DecisionSummary]:
        """The newest decisions first; `acting` leaves out those that held."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT d.decision_id, d.symbol, d.bar_ts, d.action, d.reason, d.p_up, d.target, d.model_id,"
                " coalesce((SELECT array_agg(o.step || ': ' || o.outcome || coalesce(' ' || o.code, '') ORDER BY o.recorded_at)"
                "           FROM decision_outcomes o WHERE o.decision_id = d.decision_id), '{}')"
                " FROM decisions d WHERE (%(symbol)s::text IS NULL OR d.symbol = %(symbol)s)"
                " AND (%(session)s::text IS NULL OR d.session_id = %(session)s) AND (NOT %(acting)s OR d.action <> 'HOLD')"
                " ORDER BY d.decided_at DESC, d.symbol LIMIT %(limit)s",
                {"symbol": symbol, "session": session_id, "acting": acting, "limit": limit},
            ).fetchall()
        return [
            DecisionSummary(decision_id, of, to_ms(bar_ts), action, reason, p_up, target, model_id, tuple(outcomes))
            for decision_id, of, bar_ts, action, reason, p_up, target, model_id, outcomes in rows
        ]


def _to_row(r: DecisionRecord) -> dict[str, Any]:
    if r.pin.as_of is None or r.pin.recorded_before is None:
        raise PermanentError(f"decision {r.decision_id}: expected a pin with both bounds, got {r.pin}")
    i, d, parameters = r.inputs, r.decision, dataclasses.asdict(r.inputs.parameters)
    return {
        "decision_id": r.decision_id, "session_id": r.session_id, "epoch": r.epoch, "strategy": r.strategy,
        "gateway": r.gateway, "venue": r.venue, "symbol": i.symbol, "bar_ts": to_datetime(i.ts_ms),
        "decided_at": to_datetime(r.decided_ms), "pin_as_of": r.pin.as_of, "pin_recorded_before": r.pin.recorded_before,
        "feature_set": r.source.feature_set, "feature_profile": r.source.profile, "feature_set_hash": r.features.set_hash,
        "feature_columns": list(r.features.columns), "feature_values": r.features.values.tolist(),
        "feature_row_hash": r.features.row_hash, "state_from": to_datetime(r.source.state_from_ms),
        "checkpoint_hash": r.source.checkpoint_hash, "model_asked": r.model_asked,
        "model_id": r.model_id, "artefact_hash": r.artefact_hash,
        "close": i.close, "p_up": i.p_up, "sigma": i.sigma, "position": i.position, "entry_price": i.entry_price,
        "held_stop_price": i.stop_price, "held_take_price": i.take_price, "bars_held": i.bars_held,
        "equity_usd": i.equity_usd, "risk_multiplier": i.risk_multiplier, "parameters": Jsonb(parameters),
        "parameters_hash": hash_json(parameters), "code_revision": r.code_revision, "action": d.action.name,
        "reason": d.reason.name, "target": d.target, "stop_price": d.stop_price, "take_price": d.take_price, "edge": d.edge,
    }


def _from_row(row: dict[str, Any]) -> DecisionRecord:
    ts_ms = to_ms(row["bar_ts"])
    inputs = DecisionInputs(
        symbol=row["symbol"], ts_ms=ts_ms, close=row["close"], p_up=row["p_up"], sigma=row["sigma"],
        position=row["position"], entry_price=row["entry_price"], stop_price=row["held_stop_price"],
        take_price=row["held_take_price"], bars_held=row["bars_held"], equity_usd=row["equity_usd"],
        risk_multiplier=row["risk_multiplier"], parameters=StrategyParameters(**row["parameters"]),
    )
    features = FeatureRow(
        row["symbol"], ts_ms, np.array(row["feature_values"], dtype=np.float64), tuple(row["feature_columns"]),
        row["feature_set_hash"], row["feature_row_hash"],
    )
    decision = Decision(
        Action[row["action"]], Reason[row["reason"]], row["target"], row["stop_price"], row["take_price"], row["edge"],
    )
    return DecisionRecord(
        decision_id=row["decision_id"], session_id=row["session_id"], epoch=row["epoch"], strategy=row["strategy"],
        gateway=row["gateway"], venue=row["venue"], decided_ms=to_ms(row["decided_at"]),
        pin=Pin(row["pin_as_of"], row["pin_recorded_before"]), features=features,
        source=FeatureSource(row["feature_set"], row["feature_profile"], to_ms(row["state_from"]), row["checkpoint_hash"]),
        model_asked=row["model_asked"], model_id=row["model_id"],
        artefact_hash=row["artefact_hash"], inputs=inputs, decision=decision,
        code_revision=row["code_revision"],
    )

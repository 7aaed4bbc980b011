"""Who may write what: the one matrix that the database's grants are made from and compared with.

Everybody reads everything that the platform stores; no secret is among it. The owner, whose login the settings name, may do
all, and what no role has a hand in is a person's word: who may trade, and whether a session is to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """A part of the platform, as the database knows it."""

    INGEST = "ingest"
    TRAINER = "trainer"
    EXECUTOR = "executor"
    VIEWER = "viewer"
    DAGSTER = "dagster"

    @property
    def group(self) -> str:
        """Name in the database; the roles of a server are shared by its databases."""
        return f"huracan_{self.value}"


class Verb(StrEnum):
    """A right on a table."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    TRUNCATE = "TRUNCATE"


Writers = Mapping[Role, frozenset[Verb]]

_ADD = frozenset({Verb.INSERT})
_CHANGE = frozenset({Verb.INSERT, Verb.UPDATE})
_RECORDED: Writers = {Role.INGEST: _CHANGE}
_RECORDED_HISTORY: Writers = {Role.INGEST: _ADD}
# The executor stores the bars and settlements that it decides on before it decides.
_LIVE: Writers = {Role.INGEST: _CHANGE, Role.EXECUTOR: _CHANGE}
_LIVE_HISTORY: Writers = {Role.INGEST: _ADD, Role.EXECUTOR: _ADD}
_LEARNT: Writers = {Role.TRAINER: _ADD}
_TRADED: Writers = {Role.EXECUTOR: _ADD}
_TRADING: Writers = {Role.EXECUTOR: _CHANGE}
_TOLD: Writers = {Role.DAGSTER: _CHANGE, Role.EXECUTOR: _CHANGE}
_ORDERED: Writers = {Role.DAGSTER: _ADD}

WRITERS: Mapping[str, Writers] = MappingProxyType({
    # facts
    "series": _LIVE_HISTORY,
    "candles": _LIVE,
    "candles_history": _LIVE_HISTORY,
    "funding_rates": _LIVE,
    "funding_rates_history": _LIVE_HISTORY,
    "instruments": _RECORDED_HISTORY,
    "listings": _RECORDED_HISTORY,
    "catalogue_reads": _RECORDED_HISTORY,
    "alternative_venues": _RECORDED,
    "open_interest": _RECORDED,
    "open_interest_history": _RECORDED_HISTORY,
    "sentiment": _RECORDED,
    "sentiment_history": _RECORDED_HISTORY,
    "fear_greed": _RECORDED,
    "fear_greed_history": _RECORDED_HISTORY,
    "liquidation_minutes": _RECORDED,
    "liquidation_minutes_history": _RECORDED_HISTORY,
    "liquidations": _RECORDED_HISTORY,
    "trade_seconds": _RECORDED,
    "trade_seconds_history": _RECORDED_HISTORY,
    "book_seconds": _RECORDED,
    "book_seconds_history": _RECORDED_HISTORY,
    "sentiment_scores": _RECORDED_HISTORY,
    "recordings": _RECORDED,
    "recorders": _RECORDED,
    "detached_days": {},
    "arrival_delays": _LIVE,
    # quality
    "data_quality_logs": _RECORDED,
    "dataset_days": _RECORDED,
    "quarantine_batches": _RECORDED,
    "quarantine_rulings": {},
    "data_summaries": _RECORDED_HISTORY,
    "explained_gaps": _RECORDED,
    "refetched_windows": _LIVE,
    "archive_files": _RECORDED,
    # learning
    "feature_days": _LEARNT,
    "feature_day_symbols": _LEARNT,
    "models": _LEARNT,
    "model_stages": {Role.TRAINER: _ADD, Role.DAGSTER: _ADD},
    "trials": {Role.TRAINER: _CHANGE},
    "model_metrics": {Role.TRAINER: _CHANGE},
    "feature_importance": {Role.TRAINER: frozenset({Verb.INSERT, Verb.DELETE})},
    "drift_measurements": _LEARNT,
    "drift_reports": _LEARNT,
    "gate_verdicts": _LEARNT,
    "retraining_requests": {Role.DAGSTER: _CHANGE, Role.TRAINER: _CHANGE},
    "policies": _LEARNT,
    "policy_verdicts": _LEARNT,
    "shadow_returns": _LEARNT,
    # who trades: a person, and the way back to the version before
    "model_authorisations": _ORDERED,
    "authorisation_withdrawals": _ORDERED,
    "activations": _ORDERED,
    "rollback_logs": _ORDERED,
    "session_switches": {},
    # trading
    "installation": _TRADING,
    "executor_leases": _TRADING,
    "order_intents": _TRADED,
    "order_events": _TRADED,
    "orders": _TRADING,
    "fills": _TRADED,
    "pre_trade_denials": _TRADED,
    "governor_states": _TRADED,
    "trading_states": _TRADED,
    "account_days": _TRADED,
    "sessions": _TRADING,
    "session_commands": {Role.DAGSTER: _ADD, Role.EXECUTOR: frozenset({Verb.UPDATE})},
    "decisions": _TRADED,
    "decision_outcomes": _TRADED,
    # telling people
    "incidents": _TOLD,
    "outbox": _TOLD,
    "deliveries": {Role.DAGSTER: _CHANGE},
    # which migrations were applied: every process asks
    "_yoyo_migration": {},
})

# The migrations' own, with names of machines and accounts in it.
OWNER_ONLY = frozenset({"_yoyo_log", "_yoyo_version", "yoyo_lock"})

# Tables of sources that declare their columns themselves; two for each, made when its first rows come.
SOURCE_TABLES = "source_"

# Functions that do as the owner what a role may not do itself.
CALLERS: Mapping[str, frozenset[Role]] = MappingProxyType({
    "make_liquidations_day(date)": frozenset({Role.INGEST}),
    "make_seconds_day(text, date)": frozenset({Role.INGEST}),
    "make_source_tables(text, text[])": frozenset({Role.INGEST}),
})


def writers(table: str) -> Writers | None:
    """Who may write a table; None where it is the owner's or not in the matrix. Sources are written as open interest is."""
    if table.startswith(SOURCE_TABLES):
        return _RECORDED_HISTORY if table.endswith("_history") else _RECORDED
    return WRITERS.get(table)


def allowed(table: str, role: Role) -> frozenset[Verb]:
    """What the role may do to the table; nothing where the table is the owner's or not in the matrix."""
    found = writers(table)
    return frozenset() if found is None else found.get(role, frozenset()) | {Verb.SELECT}

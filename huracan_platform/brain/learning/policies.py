"""Risk policies and the verdicts on them. The database refuses to change or delete a row."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.policy import Contender, PolicyCard, PolicyVerdict

_CARD = """
    SELECT policy_id, venue, symbol, version, artefact_hash, model_id, dataset_hash, manifest::text, created_at FROM policies
"""
_VERDICT = "SELECT policy_id, approved, winner, reason, days, contenders, judged_at FROM policy_verdicts"
_LOCK = 0x504F4C49  # one number per symbol is given out at a time


class PolicyRepository:
    """Versions and verdicts."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def add(self, card: PolicyCard) -> PolicyCard:
        """Enter the version under the symbol's next number, which `{version}` in its id and `version` take.

        The same artefact from the same data is the same version: entered twice, the first card comes back.
        """
        with self._brain.connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            twin = connection.execute(
                _CARD + "WHERE venue = %s AND symbol = %s AND artefact_hash = %s AND dataset_hash = %s",
                (card.venue, card.symbol, card.artefact_hash, card.dataset_hash),
            ).fetchone()
            if twin is not None:
                return _card(twin)
            row = connection.execute(
                "SELECT coalesce(max(version), 0) + 1 FROM policies WHERE symbol = %s", (card.symbol,)
            ).fetchone()
            assert row is not None
            plain = json.loads(json.dumps(card.manifest, sort_keys=True))  # as it will be read: lists for tuples
            named = replace(card, version=int(row[0]), policy_id=card.policy_id.format(version=row[0]), manifest=plain)
            connection.execute(
                """
                INSERT INTO policies (policy_id, venue, symbol, version, artefact_hash, model_id, dataset_hash, manifest,
                                      manifest_hash, created_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (
                    named.policy_id, named.venue, named.symbol, named.version, named.artefact_hash, named.model_id,
                    named.dataset_hash, json.dumps(named.manifest, sort_keys=True), hash_json(named.manifest),
                    to_datetime(named.created_ms),
                ),
            )
        return named

    def get(self, policy_id: str) -> PolicyCard | None:
        """The version of that id; None when there is none."""
        return next(iter(self._cards("WHERE policy_id = %s", (policy_id,))), None)

    def all(self, *, venue: str | None = None, symbol: str | None = None) -> list[PolicyCard]:
        """Versions by symbol and version; None does not narrow."""
        where = "WHERE (%s::text IS NULL OR venue = %s) AND (%s::text IS NULL OR symbol = %s) ORDER BY symbol, version"
        return self._cards(where, (venue, venue, symbol, symbol))

    def add_verdict(self, verdict: PolicyVerdict) -> None:
        """Append a verdict."""
        with self._brain.connect() as connection:
            connection.execute(
                "INSERT INTO policy_verdicts (policy_id, approved, winner, reason, days, contenders, judged_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (
                    verdict.policy_id, verdict.approved, verdict.winner, verdict.reason, verdict.days,
                    Jsonb([asdict(c) for c in verdict.contenders]), to_datetime(verdict.judged_ms),
                ),
            )

    def verdict(self, policy_id: str) -> PolicyVerdict | None:
        """The newest verdict on a version; None where it was never judged."""
        with self._brain.connect() as connection:
            row = connection.execute(
                _VERDICT + " WHERE policy_id = %s ORDER BY verdict_id DESC LIMIT 1", (policy_id,)
            ).fetchone()
        return None if row is None else _judged(row)

    def verdicts_since(self, verdict_id: int) -> list[tuple[int, str]]:
        """(verdict id, policy id) of verdicts with a greater id, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT verdict_id, policy_id FROM policy_verdicts WHERE verdict_id > %s ORDER BY verdict_id", (verdict_id,)
            ).fetchall()
        return [(int(row[0]), str(row[1])) for row in rows]

    def _cards(self, where: str, values: tuple[object, ...]) -> list[PolicyCard]:
        with self._brain.connect() as connection:
            return [_card(row) for row in connection.execute(_CARD + where, values)]


def _contender(value: dict[str, Any]) -> Contender:
    lead = value["lead"]
    return Contender(**{**value, "seed_scores": tuple(value["seed_scores"]), "lead": None if lead is None else tuple(lead)})


def _judged(row: tuple[Any, ...]) -> PolicyVerdict:
    policy_id, approved, winner, reason, days, contenders, judged_at = row
    return PolicyVerdict(
        policy_id, approved, winner, reason, days, tuple(_contender(c) for c in contenders), to_ms(judged_at)
    )


def _card(row: tuple[Any, ...]) -> PolicyCard:
    policy_id, venue, symbol, version, artefact_hash, model_id, dataset_hash, manifest, created_at = row
    return PolicyCard(
        policy_id, venue, symbol, version, artefact_hash, model_id, dataset_hash, json.loads(manifest), to_ms(created_at)
    )

"""Who let which model trade through which gateway, and until when."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.model import Authorisation

_COLUMNS = "model_id, gateway, granted_by, reason, unproven, granted_at, expires_at"
_SELECT = """
    SELECT g.model_id, g.gateway, g.granted_by, g.reason, g.unproven, g.granted_at, g.expires_at, w.withdrawn_at, a.activation_id
      FROM model_authorisations g
      LEFT JOIN authorisation_withdrawals w USING (authorisation_id)
      LEFT JOIN LATERAL (
        SELECT max(activation_id) AS activation_id FROM activations
         WHERE model_id = g.model_id AND gateway = g.gateway AND verdict <> 'refused' AND decided_at > ALL (
            SELECT withdrawn_at FROM authorisation_withdrawals JOIN model_authorisations o USING (authorisation_id)
             WHERE o.model_id = g.model_id AND o.gateway = g.gateway)
      ) a ON true
"""


class AuthorisationRepository:
    """Append-only grants and withdrawals; the newest grant of a model and gateway counts."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def grant(self, authorisation: Authorisation) -> None:
        """Store one grant."""
        with self._brain.connect() as connection:
            insert_grant(connection, authorisation)

    def newest(self, model_id: str, gateway: str) -> Authorisation | None:
        """The newest grant, expired, withdrawn or neither; None when there never was one."""
        return next(iter(self._read("WHERE g.model_id = %s AND g.gateway = %s", (model_id, gateway))), None)

    def of_model(self, model_id: str) -> list[Authorisation]:
        """All grants of one model, newest first."""
        return self._read("WHERE g.model_id = %s", (model_id,))

    def since(self, authorisation_id: int, gateway: str) -> list[tuple[int, str]]:
        """(authorisation id, model id) of the gateway's grants with a greater id, oldest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT authorisation_id, model_id FROM model_authorisations"
                " WHERE authorisation_id > %s AND gateway = %s ORDER BY authorisation_id",
                (authorisation_id, gateway),
            ).fetchall()
        return [(int(row[0]), str(row[1])) for row in rows]

    def _read(self, where: str, values: tuple[object, ...]) -> list[Authorisation]:
        with self._brain.connect() as connection:
            rows = connection.execute(f"{_SELECT} {where} ORDER BY g.authorisation_id DESC", values).fetchall()
        return [
            Authorisation(
                row[0], row[1], row[2], row[3], row[4], to_ms(row[5]), to_ms(row[6]), None if row[7] is None else to_ms(row[7]),
                row[8],
            )
            for row in rows
        ]


def insert_grant(connection: Connection[Any], authorisation: Authorisation) -> int:
    """Store one grant within a transaction; returns its id."""
    a = authorisation
    row = connection.execute(
        f"INSERT INTO model_authorisations ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING authorisation_id",
        (a.model_id, a.gateway, a.granted_by, a.reason, a.unproven, to_datetime(a.granted_ms), to_datetime(a.expires_ms)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def grant_again(connection: Connection[Any], model_id: str, gateway: str, by: str, reason: str, at_ms: int) -> int | None:
    """Grant what is left of the model's newest grant once more, withdrawn or not; its id, None where nothing is left."""
    row = connection.execute(
        """
        INSERT INTO model_authorisations (model_id, gateway, granted_by, reason, unproven, granted_at, expires_at)
        SELECT model_id, gateway, %(by)s, %(reason)s, unproven, %(at)s, expires_at FROM (
            SELECT * FROM model_authorisations WHERE model_id = %(model)s AND gateway = %(gateway)s
             ORDER BY authorisation_id DESC LIMIT 1
        ) newest WHERE expires_at > %(at)s RETURNING authorisation_id
        """,
        {"by": by, "reason": reason, "at": to_datetime(at_ms), "model": model_id, "gateway": gateway},
    ).fetchone()
    return None if row is None else int(row[0])


def withdraw(connection: Connection[Any], model_id: str, by: str, reason: str, at_ms: int) -> int:
    """Take back every grant of the model that has not ended, for all gateways; returns how many."""
    return connection.execute(
        """
        INSERT INTO authorisation_withdrawals (authorisation_id, withdrawn_by, reason, withdrawn_at)
        SELECT authorisation_id, %(by)s, %(reason)s, %(at)s FROM model_authorisations
         WHERE model_id = %(model)s AND expires_at > %(at)s ON CONFLICT DO NOTHING
        """,
        {"by": by, "reason": reason, "at": to_datetime(at_ms), "model": model_id},
    ).rowcount

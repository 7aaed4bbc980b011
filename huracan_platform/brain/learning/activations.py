"""Which authorised versions were handed to the executor, and which were not."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.sessions import put_command
from huracan_platform.brain.learning.authorisations import insert_grant, withdraw
from huracan_platform.brain.operations.incidents import put_incident
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.incident import Incident
from huracan_platform.contracts.journal import CommandKind
from huracan_platform.contracts.model import Authorisation
from huracan_platform.contracts.rollback import Activation, ActivationVerdict
from huracan_platform.failpoints import Failpoint, reach


class ActivationRepository:
    """The journal of activations; what a verdict entails is done in its transaction."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def settle(self, authorisation_id: int, activation: Activation, incident: Incident | None = None) -> bool:
        """Enter the verdict on a stored grant: the executor is told, or the grant withdrawn and the incident opened.

        False, and nothing done, where the grant was settled before.
        """
        with self._brain.connect() as connection:
            if not put_activation(connection, authorisation_id, activation):
                return False
            if not activation.takes_charge:
                withdraw(connection, activation.model_id, activation.decided_by, activation.reason, activation.decided_ms)
            if incident is not None:
                put_incident(connection, to_datetime(activation.decided_ms), incident)
            reach(Failpoint.BEFORE_ACTIVATION_COMMIT)
        reach(Failpoint.AFTER_ACTIVATION_COMMIT)
        return True

    def grant(self, authorisation: Authorisation, activation: Activation) -> None:
        """Store the grant with its verdict, and tell the executor."""
        with self._brain.connect() as connection:
            put_activation(connection, insert_grant(connection, authorisation), activation)

    def refuse(self, activation: Activation, incident: Incident) -> None:
        """Enter the refusal of a version that was not granted anything."""
        with self._brain.connect() as connection:
            put_activation(connection, None, activation)
            put_incident(connection, to_datetime(activation.decided_ms), incident)

    def settled(self, authorisation_id: int) -> bool:
        """Whether there is a verdict on the grant."""
        with self._brain.connect() as connection:
            query = "SELECT 1 FROM activations WHERE authorisation_id = %s"
            return connection.execute(query, (authorisation_id,)).fetchone() is not None

    def of_model(self, model_id: str) -> list[Activation]:
        """Verdicts on one version, newest first."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                "SELECT model_id, incumbent_id, gateway, verdict, reason, decided_by, decided_at, figures FROM activations"
                " WHERE model_id = %s ORDER BY activation_id DESC", (model_id,),
            ).fetchall()
        return [
            Activation(model, incumbent, gateway, ActivationVerdict(verdict), reason, by, to_ms(at), figures)
            for model, incumbent, gateway, verdict, reason, by, at, figures in rows
        ]


def put_activation(connection: Connection[Any], authorisation_id: int | None, activation: Activation) -> bool:
    """Enter a verdict and, where the version takes charge, the command to the executor; False where the grant has one."""
    a = activation
    entered = connection.execute(
        """
        INSERT INTO activations
            (authorisation_id, model_id, incumbent_id, gateway, verdict, reason, figures, decided_by, decided_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (authorisation_id) DO NOTHING RETURNING activation_id
        """,
        (authorisation_id, a.model_id, a.incumbent_id, a.gateway, a.verdict.value, a.reason, Jsonb(dict(a.figures)), a.decided_by,
         to_datetime(a.decided_ms)),
    ).fetchone()
    if entered is None:
        return False
    if a.takes_charge:
        put_command(connection, CommandKind.MODEL_AUTHORISED, {"model_id": a.model_id}, a.decided_by)
    return True

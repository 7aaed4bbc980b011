"""Who let which model trade through which gateway, and until when."""

from __future__ import annotations

from huracan_platform.brain.connection import Brain
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.model import Authorisation

_COLUMNS = "model_id, gateway, granted_by, reason, unproven, granted_at, expires_at"


class AuthorisationRepository:
    """Append-only grants; the newest one of a model and gateway counts."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def grant(self, authorisation: Authorisation) -> None:
        """Store one grant."""
        a = authorisation
        with self._brain.connect() as connection:
            connection.execute(
                f"INSERT INTO model_authorisations ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (a.model_id, a.gateway, a.granted_by, a.reason, a.unproven, to_datetime(a.granted_ms), to_datetime(a.expires_ms)),
            )

    def newest(self, model_id: str, gateway: str) -> Authorisation | None:
        """The newest grant, expired or not; None when there never was one."""
        return next(iter(self._read("WHERE model_id = %s AND gateway = %s", (model_id, gateway))), None)

    def of_model(self, model_id: str) -> list[Authorisation]:
        """All grants of one model, newest first."""
        return self._read("WHERE model_id = %s", (model_id,))

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
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM model_authorisations {where} ORDER BY authorisation_id DESC", values
            ).fetchall()
        return [Authorisation(row[0], row[1], row[2], row[3], row[4], to_ms(row[5]), to_ms(row[6])) for row in rows]

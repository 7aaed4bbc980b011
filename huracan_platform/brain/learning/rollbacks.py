"""Rolling back, as one transaction: authorisations, stages, activation, command, log and incident change together or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.activations import put_activation
from huracan_platform.brain.learning.authorisations import grant_again, withdraw
from huracan_platform.brain.learning.stages import StageRepository, StageWriter
from huracan_platform.brain.operations.incidents import put_incident
from huracan_platform.clock import to_datetime, to_ms
from huracan_platform.contracts.incident import Incident
from huracan_platform.contracts.model import Stage
from huracan_platform.contracts.rollback import Activation, ActivationVerdict, Rollback, RollbackKind
from huracan_platform.failpoints import Failpoint, reach

_COLUMNS = "venue, symbol, gateway, from_model, to_model, kind, reason, rolled_back_by, rolled_back_at, figures"


class RollbackRepository:
    """The journal of rollbacks, and the way to make one."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def roll_back(self, rollback: Rollback, incident: Incident, market_ms: int, cool_down: timedelta | None) -> str | None:
        """Withdraw one version, authorise the other for what is left of its time, tell the executor, log it.

        Parameters
        ----------
        incident
            Opened with it.
        market_ms
            Market time of the stage changes, ms UTC.
        cool_down
            None: a person's word, which does not wait.

        Returns
        -------
        str or None
            Why it was not done, nothing changed; None when it was done. The reasons that can arise between looking and
            doing are looked at again here, while no one else can roll back or move a stage.
        """
        with StageRepository(self._brain).writing() as writer:
            connection = writer.connection
            if refused := _refusal(connection, rollback, cool_down):
                return refused
            r, why = rollback, f"rolled back ({rollback.kind}): {rollback.reason}"
            withdraw(connection, r.from_model, r.by, why, r.at_ms)
            authorisation_id = grant_again(connection, r.to_model, r.gateway, "rollback", why, r.at_ms)
            _move_stages(writer, r, why, market_ms)
            back = Activation(
                r.to_model, r.from_model, r.gateway, ActivationVerdict.ROLLED_BACK_TO, why, r.by, r.at_ms, r.figures
            )
            put_activation(connection, authorisation_id, back)
            put_incident(connection, to_datetime(r.at_ms), incident)
            _log(connection, r)
            reach(Failpoint.BEFORE_ROLLBACK_COMMIT)
        return None

    def logs(self, *, venue: str | None = None, symbol: str | None = None) -> list[Rollback]:
        """Rollbacks, newest first; None does not narrow."""
        with self._brain.connect() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM rollback_logs WHERE (%(venue)s::text IS NULL OR venue = %(venue)s)"
                " AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s) ORDER BY rollback_id DESC",
                {"venue": venue, "symbol": symbol},
            ).fetchall()
        return [
            Rollback(of, symbol, gateway, from_model, to_model, RollbackKind(kind), reason, by, to_ms(at), figures)
            for of, symbol, gateway, from_model, to_model, kind, reason, by, at, figures in rows
        ]


def _refusal(connection: Connection[Any], rollback: Rollback, cool_down: timedelta | None) -> str | None:
    r, at = rollback, to_datetime(rollback.at_ms)
    if cool_down is not None:
        row = connection.execute(
            "SELECT max(rolled_back_at) FROM rollback_logs WHERE venue = %s AND symbol = %s AND rolled_back_at > %s",
            (r.venue, r.symbol, at - cool_down),
        ).fetchone()
        if row is not None and row[0] is not None:
            return f"{r.symbol} was rolled back {row[0]:%Y-%m-%d %H:%M} UTC and waits until {row[0] + cool_down:%Y-%m-%d %H:%M}"
    if not _has_time_left(connection, r.from_model, r.gateway, r.at_ms, withdrawn_too=False):
        return f"{r.from_model} has no authorisation for {r.gateway} any more"
    if not _has_time_left(connection, r.to_model, r.gateway, r.at_ms, withdrawn_too=r.kind is RollbackKind.OPERATOR):
        return f"{r.to_model} has no time left of an authorisation for {r.gateway}"
    if StageWriter(connection).stage_of(r.to_model) is Stage.RETIRED:
        return f"{r.to_model} is retired"
    return None


def _has_time_left(connection: Connection[Any], model_id: str, gateway: str, at_ms: int, *, withdrawn_too: bool) -> bool:
    """Whether the model's newest grant has not ended; one that was withdrawn counts if so wanted."""
    row = connection.execute(
        """
        SELECT expires_at > %s AND (%s OR withdrawn_at IS NULL)
          FROM model_authorisations LEFT JOIN authorisation_withdrawals USING (authorisation_id)
         WHERE model_id = %s AND gateway = %s ORDER BY authorisation_id DESC LIMIT 1
        """,
        (to_datetime(at_ms), withdrawn_too, model_id, gateway),
    ).fetchone()
    return bool(row and row[0])


def _move_stages(writer: StageWriter, rollback: Rollback, why: str, market_ms: int) -> None:
    """A champion or canary goes back to shadow; the other takes its place where it stood there before, on the gates of then."""
    r, stage = rollback, writer.stage_of(rollback.from_model)
    if stage not in (Stage.CHAMPION, Stage.CANARY):
        return
    writer.append(r.from_model, Stage.SHADOW, by=r.by, reason=why, gates={}, wire_ms=r.at_ms, market_ms=market_ms)
    before = writer.connection.execute(
        "SELECT gates::text::jsonb FROM model_stages WHERE model_id = %s AND to_stage = %s ORDER BY change_id DESC LIMIT 1",
        (r.to_model, stage.value),
    ).fetchone()
    if before is not None:
        writer.append(r.to_model, stage, by=r.by, reason=why, gates=before[0], wire_ms=r.at_ms, market_ms=market_ms)


def _log(connection: Connection[Any], r: Rollback) -> None:
    connection.execute(
        f"INSERT INTO rollback_logs ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (r.venue, r.symbol, r.gateway, r.from_model, r.to_model, r.kind.value, r.reason, r.by, to_datetime(r.at_ms),
         Jsonb(dict(r.figures))),
    )

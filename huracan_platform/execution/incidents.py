"""Incidents of the executor: recorded once per cause, told through the outbox, closed when they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.logs import get_logger

log = get_logger("incidents")


@dataclass(frozen=True)
class IncidentKind:
    """A kind of trouble, what it means for trading, and what the executor does about it by itself."""

    name: str
    severity: IncidentSeverity
    trading_effect: str
    action_taken: str


UNEXPLAINED = IncidentKind(
    "unexplained", IncidentSeverity.CRITICAL, "only orders that reduce risk are sent",
    "nothing was cancelled or closed: what is not ours is left to a person",
)
STOP_FAILED = IncidentKind(
    "stop_failed", IncidentSeverity.CRITICAL, "a position stands without its stop at the venue",
    "the position is closed at market; where the refusal was of the moment, the stop is placed again with the next poll",
)


class IncidentLog:
    """Incidents of one account; `scope` keeps its dedupe keys apart from other accounts'."""

    def __init__(self, repository: IncidentRepository, scope: str, clock: Clock) -> None:
        self._repository = repository
        self._scope = scope
        self._clock = clock

    def report(self, kind: IncidentKind, cause: str, symbol: str = "") -> None:
        """Record something that happened; the same cause is one incident until a person resolves it."""
        incident = Incident(
            kind.name, kind.severity, self._key(kind, cause), cause, symbol=symbol, trading_effect=kind.trading_effect,
            action_taken=kind.action_taken,
        )
        if self._repository.open_incident(to_datetime(self._clock.wire_ms()), incident):
            log.error("incident", kind=kind.name, severity=kind.severity.value, cause=cause)

    def keep_open(self, kind: IncidentKind, causes: Sequence[str]) -> None:
        """Have exactly these causes of a kind open: new ones are recorded, others resolved."""
        mine = {row.incident.dedupe_key for row in self._repository.open(self._key(kind, ""))}
        wanted = {self._key(kind, cause): cause for cause in causes}
        for key in wanted.keys() - mine:
            self.report(kind, wanted[key])
        if mine - wanted.keys():
            self._repository.resolve(to_datetime(self._clock.wire_ms()), mine - wanted.keys())

    def _key(self, kind: IncidentKind, cause: str) -> str:
        return f"{self._scope}|{kind.name}|{cause}"

"""Incidents: what a person must hear of, recorded once per cause and closed when it is over."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.risk import IncidentRepository
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.logs import get_logger

log = get_logger("incidents")


class IncidentLog:
    """Incidents of one account; `scope` keeps its dedupe keys apart from other accounts'."""

    def __init__(self, repository: IncidentRepository, scope: str, clock: Clock) -> None:
        self._repository = repository
        self._scope = scope
        self._clock = clock

    def report(self, kind: str, severity: str, cause: str) -> None:
        """Record something that happened; the same cause is one incident until a person resolves it."""
        at = to_datetime(self._clock.wire_ms())
        if self._repository.raise_incident(at, kind, severity, self._key(kind, cause), {"cause": cause}):
            log.error("incident", kind=kind, severity=severity, cause=cause)

    def keep_open(self, kind: str, severity: str, causes: Sequence[str]) -> None:
        """Have exactly these causes of a kind open: new ones are recorded, others resolved."""
        wanted = {self._key(kind, cause) for cause in causes}
        mine = {row["dedupe_key"] for row in self._repository.open() if row["dedupe_key"].startswith(self._key(kind, ""))}
        for cause in causes:
            self.report(kind, severity, cause)
        if mine - wanted:
            self._repository.resolve(to_datetime(self._clock.wire_ms()), mine - wanted)

    def _key(self, kind: str, cause: str) -> str:
        return f"{self._scope}|{kind}|{cause}"

"""Recorders that end by themselves are started again: what they would have heard cannot be had later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huracan_platform.brain.migrate import open_brain
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.brain.roles import Role
from huracan_platform.cli.processes import Processes, tail
from huracan_platform.clock import Clock, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.errors import TransientError
from huracan_platform.logs import get_logger
from huracan_platform.settings import Settings

KIND = "recorder_dies"
BACKOFF_FIRST_S, BACKOFF_LAST_S = 1.0, 60.0
# One that ran so long is well again; so many ends without that in between are told to people.
WELL_AFTER_S, DEATHS_TO_TELL = 300.0, 3
_log = get_logger("supervisor")


@dataclass
class _Watched:
    """A recorder: when it was started last, how often it ended since it was well, and when it is started again."""

    arguments: Sequence[str]
    began_ms: int
    deaths: int = 0
    due_ms: int | None = None
    told: bool = False


class Supervisor:
    """Looks after recorders that were started; `tend` is called every second or so.

    Parameters
    ----------
    recorders
        Arguments of each by the name of its process.
    clock
        The wire clock counts backoff and how long one has been well.
    """

    def __init__(
        self, processes: Processes, recorders: Mapping[str, Sequence[str]], incidents: IncidentRepository, clock: Clock
    ) -> None:
        self._processes, self._incidents, self._clock = processes, incidents, clock
        self._watched = {name: _Watched(arguments, clock.wire_ms()) for name, arguments in recorders.items()}

    @property
    def names(self) -> set[str]:
        """Processes whose end is its business."""
        return set(self._watched)

    def tend(self) -> None:
        """Start again what ended and has waited; open an incident where one keeps ending, and close it when that is over."""
        now, ended = self._clock.wire_ms(), set(self._processes.poll())
        for name, watched in self._watched.items():
            if name not in ended:
                self._well(name, watched, now)
            elif watched.due_ms is None:
                self._ended(name, watched, now)
            elif now >= watched.due_ms:
                self._processes.start_again(name, watched.arguments)
                watched.began_ms, watched.due_ms = now, None

    def _ended(self, name: str, watched: _Watched, now: int) -> None:
        watched.deaths += 1
        pause_s = min(BACKOFF_FIRST_S * 2 ** (watched.deaths - 1), BACKOFF_LAST_S)
        watched.due_ms = now + int(1000 * pause_s)
        why = tail(self._processes.log_dir / f"{name}.log")
        _log.error("recorder ended by itself", name=name, deaths=watched.deaths, again_in_s=pause_s, why=why)
        if watched.deaths >= DEATHS_TO_TELL:
            watched.told = self._tell(name, watched.deaths, why, now) or watched.told

    def _well(self, name: str, watched: _Watched, now: int) -> None:
        if not watched.deaths or now - watched.began_ms < 1000 * WELL_AFTER_S:
            return
        try:
            if watched.told:
                self._incidents.resolve(to_datetime(now), [_key(name)])
            watched.deaths, watched.told = 0, False
        except TransientError as error:
            _log.warning("incident not closed", name=name, error=str(error))

    def _tell(self, name: str, deaths: int, why: str, now: int) -> bool:
        incident = Incident(
            KIND, IncidentSeverity.CRITICAL, _key(name), f"{name} keeps ending by itself", asset=name.removeprefix("record-"),
            observed=why, expected="a recorder that runs", counts={"ends": deaths},
            trading_effect="what is not recorded meanwhile is a gap for good", action_taken="it is started again and again",
        )
        try:
            self._incidents.open_incident(to_datetime(now), incident)
        except TransientError as error:  # the next end tells it
            _log.warning("incident not told", name=name, error=str(error))
            return False
        return True


def incident_book(settings: Settings) -> IncidentRepository:
    """Where incidents of recorders go."""
    return IncidentRepository(open_brain(settings, Role.DAGSTER))


def _key(name: str) -> str:
    return "|".join((KIND, name))

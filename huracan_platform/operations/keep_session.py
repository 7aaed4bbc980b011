"""Whether to launch a session, and which runs to close first, because they only look alive.

A run's status is no sign of life: when its worker and the code server die together it stays STARTED for ever. Its process is,
and where none is known the lease: who trades renews it every few seconds, and one that has run out belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# From the launch of a run to its session's first lease: imports, database, venue, reconciliation.
STARTUP_S = 120.0
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 600.0


@dataclass(frozen=True)
class SessionRun:
    """A session's run as Dagster and the library know it, newest first in lists.

    `age_s` since it was created and `ended_s` since it ended, wall seconds, None while it looks alive. `session_ended` is None
    where it never had a session. `lost`: it looks alive, and its process is gone.
    """

    run_id: str
    alive: bool
    failed: bool
    age_s: float
    ended_s: float | None
    session_ended: bool | None
    lost: bool = False


@dataclass(frozen=True)
class Plan:
    """Runs to close, and whether to launch; `reason` for the tick."""

    close: tuple[str, ...]
    launch: bool
    reason: str


def plan_session(wanted: bool, leases: int, runs: Sequence[SessionRun]) -> Plan:
    """What to do, given how many leases are held now.

    A lost run's lease may still be running out: the session that follows it starts meanwhile and waits for the rest.
    """
    if leases and (any(r.alive and not r.lost for r in runs) or not any(r.lost for r in runs)):
        return Plan(tuple(r.run_id for r in runs if r.lost), False, "a session holds its lease")
    stale = tuple(r.run_id for r in runs if r.alive and _stale(r))
    if not wanted:
        return Plan(stale, False, "no session is wanted")
    if starting := [r for r in runs if r.alive and r.run_id not in stale]:
        return Plan(stale, False, f"run {starting[0].run_id} is starting")
    ended = [r for r in runs if not r.alive]
    failures = next((i for i, r in enumerate(ended) if not r.failed), len(ended))
    # A run closed here died with its host: that is no reason to wait.
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (failures - 1)) if failures > 1 and not stale else 0.0
    rest_s = wait_s - (ended[0].ended_s or 0.0) if ended else 0.0
    if rest_s > 0:
        return Plan(stale, False, f"{failures} sessions failed in a row: the next one in {rest_s:.0f} s")
    return Plan(stale, True, f"closed {', '.join(stale)}" if stale else "no lease is held")


def _stale(run: SessionRun) -> bool:
    """Looks alive and is not, or holds no lease: its session died, or it never came to one in time."""
    if run.lost or run.session_ended is False:
        return True
    return run.age_s > STARTUP_S

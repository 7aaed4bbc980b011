"""When a session is launched, and which runs are closed first."""

from __future__ import annotations

import pytest

from huracan_platform.operations.keep_session import LONGEST_WAIT_S, STARTUP_S, SessionRun, plan_session


def living(run_id: str = "r", age_s: float = 5.0, session_ended: bool | None = None, lost: bool = False) -> SessionRun:
    return SessionRun(run_id, True, False, age_s, None, session_ended, lost)


def over(run_id: str = "o", ended_s: float = 1.0, failed: bool = True) -> SessionRun:
    return SessionRun(run_id, False, failed, ended_s + 60.0, ended_s, None if failed else True)


@pytest.mark.parametrize(
    ("wanted", "leases", "runs", "close", "launch"),
    [
        (True, 0, [], (), True),
        (False, 0, [], (), False),
        (True, 1, [living(session_ended=False)], (), False),  # the lease says it lives
        (True, 1, [living(age_s=9_999.0)], (), False),  # an orphan that holds the lease trades
        (True, 0, [living(session_ended=False)], ("r",), True),  # its lease ran out: it is dead, whatever the status says
        (False, 0, [living(session_ended=False)], ("r",), False),
        (True, 1, [living(session_ended=False, lost=True)], ("r",), True),  # a dead one's lease: the next waits it out
        (True, 0, [living(lost=True)], ("r",), True),  # died before its session began: nothing to wait for
        (False, 1, [living(session_ended=False, lost=True)], ("r",), False),
        (True, 1, [living("new"), living("dead", 60.0, False, lost=True)], ("dead",), False),
        (True, 1, [living("trades", 600.0, False), living("dead", 900.0, False, lost=True)], ("dead",), False),
        (False, 1, [living("trades", 600.0, False), living("dead", 900.0, False, lost=True)], ("dead",), False),
        (True, 0, [living(age_s=STARTUP_S - 1)], (), False),  # not there yet
        (True, 0, [living(age_s=STARTUP_S + 1)], ("r",), True),  # never came
        (True, 0, [living(session_ended=True)], (), False),  # saying goodbye
        (True, 0, [living("new"), living("old", 9_999.0, False)], ("old",), False),
        (True, 0, [over(failed=False)], (), True),
        (True, 0, [over()], (), True),  # one failure is no pattern
        (True, 0, [over(), over()], (), False),
        (True, 0, [over(ended_s=31.0), over()], (), True),
        (True, 0, [over(ended_s=59.0), over(), over()], (), False),
        (True, 0, [over(), over(failed=False), over(), over()], (), True),
        (True, 0, [over(ended_s=LONGEST_WAIT_S + 1), *[over()] * 30], (), True),
        (True, 0, [living("dead", 700.0, False), over(), over(), over()], ("dead",), True),
    ],
)
def test_the_lease_decides_and_the_status_does_not(
    wanted: bool, leases: int, runs: list[SessionRun], close: tuple[str, ...], launch: bool
) -> None:
    plan = plan_session(wanted, leases, runs)
    assert (plan.close, plan.launch) == (close, launch), plan.reason

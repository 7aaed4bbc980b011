"""What an ordered shutdown says of the runs that it ends, so that nobody takes them for failures."""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import SystemClock, to_datetime
from huracan_platform.defs.house import partition_of
from huracan_platform.defs.queue import SESSION_TAG
from huracan_platform.operations.check_incidents import interruption

ASKED = "everything was told to stop"
_WITH_A_PROCESS = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED]


def interrupt_runs(incidents: IncidentRepository, ui: str) -> list[str]:
    """Ask the runs under way to end and note each as interrupted; returns their jobs. A session ends by itself, in order.

    For the time when no daemon launches others any more and their processes are still there: a run whose end was asked for is
    canceled when its process is ended, any other one is failed. What waits in the queue goes on waiting.
    """
    with dg.DagsterInstance.get() as instance:
        runs = [run for run in instance.get_runs(RunsFilter(statuses=_WITH_A_PROCESS)) if SESSION_TAG not in run.tags]
        for run in runs:
            told = interruption(run.job_name, partition_of(run.tags), run.run_id, ui)
            incidents.open_incident(to_datetime(SystemClock().wire_ms()), told)
            instance.report_run_canceling(run, message=ASKED)
    return [run.job_name for run in runs]

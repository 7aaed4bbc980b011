"""The queue of runs: they wait for a free place, and a session does not."""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus, RunsFilter

SESSION_TAG = "huracan/session"
_UNDER_WAY = [
    DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING,
]


class SessionFirst(dg.QueuedRunCoordinator[dg.DagsterInstance]):
    """Dagster's own queue, but for the session: it is launched at once.

    In the queue a relaunch after a crash would wait for whatever trains or downloads just then, for minutes. A second
    session is queued as every other run, under the limit of its tag.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> DagsterRun:
        """Launch a session that is the only one, enqueue everything else."""
        run = context.dagster_run
        if (name := run.tags.get(SESSION_TAG)) is None or run.status is not DagsterRunStatus.NOT_STARTED:
            return super().submit_run(context)
        if self._instance.get_runs_count(RunsFilter(tags={SESSION_TAG: name}, statuses=_UNDER_WAY)):
            return super().submit_run(context)
        return self._instance.launch_run(run.run_id, context.workspace)

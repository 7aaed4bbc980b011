"""Runs that only look alive: their process ended with the machine, or was killed, and nobody was left to say so."""

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

from huracan_platform.operations.lost_runs import is_gone

LOST = "its process is gone: it ended with the machine, or was killed"


def is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run looks alive and its process, which a code server of this machine started, is gone.

    Dagster's own run launcher cannot tell: such a run would keep its place in the queue for ever.
    """
    if run.is_finished or "socket" not in run.tags.get(GRPC_INFO_TAG, ""):  # one with a port may be on another machine
        return False
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=1).records
    for record in events:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return is_gone(int(str(pid.value)), record.timestamp, instance.root_directory)
    return False

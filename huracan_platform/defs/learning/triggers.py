"""Why a training run was started, from the tags that the one who started it put on."""

from __future__ import annotations

from collections.abc import Mapping

from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.contracts.trigger import Trigger, TriggerKind

REQUEST_TAG = "huracan/retraining_request"
SCHEDULE_TAG = "dagster/schedule_name"


def trigger_of(tags: Mapping[str, str], requests: RetrainingRepository, wire_ms: int) -> Trigger:
    """The stored request that the run serves; else the schedule's, else that of whoever started it by hand."""
    if REQUEST_TAG in tags:
        request = requests.get(int(tags[REQUEST_TAG]))
        if request is not None:
            return request.trigger
    if SCHEDULE_TAG in tags:
        return Trigger(TriggerKind.SCHEDULE, tags[SCHEDULE_TAG], "daemon", wire_ms)
    return Trigger(TriggerKind.OPERATOR, "started by hand", tags.get("user", "operator"), wire_ms)

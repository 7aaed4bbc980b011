"""Run assets in this process, as the UI would run them in its own: same definitions, same event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg

from huracan_platform.errors import HuracanError

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class RunOutcome:
    """One finished run: its id, whether it succeeded, and the checks that failed as (asset, check, description)."""

    run_id: str
    success: bool
    failed_checks: tuple[tuple[str, str, str], ...]


class RunFailedError(HuracanError):
    """A Dagster run ended in failure; the message names the step and the error."""


def run_job(
    definitions: dg.Definitions, name: str, *, partitions: tuple[str, str] | None = None, run_config: dict[str, Any] | None = None
) -> RunOutcome:
    """Execute the job `name` of `definitions` in this process, over a closed range of partition keys where it has partitions.

    Raises
    ------
    RunFailedError
        A step failed; blocking checks that failed count as well.
    KeyboardInterrupt
        A signal ended the run. Dagster takes SIGINT and SIGTERM for itself while it runs, and does not say which came.
    """
    job = definitions.resolve_job_def(name)
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}, **(run_config or {})},
            raise_on_error=False,
            tags=dict(zip((RANGE_START, RANGE_END), partitions, strict=True)) if partitions else None,
        )
    failed = tuple(
        (e.asset_key.to_user_string(), e.check_name, e.description or "")
        for e in result.get_asset_check_evaluations()
        if not e.passed
    )
    if not result.success:
        if any(_cause(e)[0] == dg.DagsterExecutionInterruptedError.__name__ for e in result.get_step_failure_events()):
            raise KeyboardInterrupt
        reasons = [f"{e.step_key}: {_cause(e)[1]}" for e in result.get_step_failure_events()]
        raise RunFailedError(f"run {result.run_id} of {name} failed: {'; '.join(reasons) or 'no step says why'}")
    return RunOutcome(result.run_id, result.success, failed)


def _cause(event: dg.DagsterEvent) -> tuple[str, str]:
    """Class name and message of the error at the bottom."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name or "", error.message.strip()) if error is not None else ("", "unknown")

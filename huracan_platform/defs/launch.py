"""Run assets in this process, as the UI would run them in its own: same definitions, same event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg

from huracan_platform.defs.house import GROUPS
from huracan_platform.defs.operations.sensors import failed_checks
from huracan_platform.defs.resources import Platform
from huracan_platform.errors import HuracanError

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class AssetRun:
    """What a run made of one asset; `rows` None where the asset counts none, `seconds` of wall time."""

    asset: str
    partitions: int
    rows: int | None
    seconds: float


@dataclass(frozen=True)
class RunOutcome:
    """One finished run: its id, whether it succeeded, its assets, and checks that failed as (asset, check, description)."""

    run_id: str
    success: bool
    failed_checks: tuple[tuple[str, str, str], ...]
    assets: tuple[AssetRun, ...]


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
    return RunOutcome(result.run_id, result.success, failed, _assets(result))


def assets_in_order(definitions: dg.Definitions) -> list[tuple[str, str]]:
    """(group, asset) of all assets that can be made, in the order of the data's way."""
    graph = definitions.resolve_asset_graph()
    made = [key for key in graph.toposorted_asset_keys if graph.get(key).is_materializable]
    found = [(graph.get(key).group_name or "", key.to_user_string()) for key in made]
    return sorted(found, key=lambda asset: GROUPS.index(asset[0]))


def asset_keys_of(definitions: dg.Definitions, job: str) -> set[str]:
    """Names of the assets that a job makes."""
    return {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.executable_asset_keys}


def tell_failed_checks(after: str) -> None:
    """Let the sensor of failed checks look at what was evaluated after its cursor `after`, as the daemon would.

    Incidents are opened and closed. Without this, what fails while no daemon runs is told to nobody.
    """
    with (
        dg.DagsterInstance.get() as instance,
        dg.build_sensor_context(instance=instance, cursor=after, resources={"platform": Platform()}) as context,
    ):
        looked_at = None
        while context.cursor != looked_at:
            looked_at = context.cursor
            failed_checks(context)


def newest_check() -> str:
    """Cursor for `tell_failed_checks`: the place of the last check evaluation so far."""
    with dg.DagsterInstance.get() as instance:
        newest = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = instance.get_event_records(newest, limit=1)
    return str(found[0].storage_id if found else 0)


def _assets(result: dg.ExecuteInProcessResult) -> tuple[AssetRun, ...]:
    seconds = {e.step_key: e.step_success_data.duration_ms / 1000 for e in result.all_events if e.is_step_success}
    made: dict[str, list[dg.AssetMaterialization]] = {}
    for event in result.get_asset_materialization_events():
        told = event.step_materialization_data.materialization
        made.setdefault(told.asset_key.to_user_string(), []).append(told)
    return tuple(AssetRun(asset, len(told), _rows(told), seconds.get(asset, 0.0)) for asset, told in made.items())


def _rows(told: list[dg.AssetMaterialization]) -> int | None:
    """Rows of all partitions of the run; each carries its own."""
    counts = [int(str(t.metadata["dagster/row_count"].value)) for t in told if "dagster/row_count" in t.metadata]
    return sum(counts) if counts else None


def _cause(event: dg.DagsterEvent) -> tuple[str, str]:
    """Class name and message of the error at the bottom."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name or "", error.message.strip()) if error is not None else ("", "unknown")

"""Sensors evaluated as Dagster's daemon evaluates them: a cursor kept between ticks, a run key launched once."""

from __future__ import annotations

import dagster as dg

from huracan_platform.definitions import defs
from huracan_platform.defs.resources import Platform

RUN_KEY = "dagster/run_key"


class Daemon:
    """Ticks sensors of the graph and runs in this process what they ask for."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursors: dict[str, str | None] = {}

    def tick(self, sensor: dg.SensorDefinition) -> tuple[str, list[dg.ExecuteInProcessResult]]:
        """Evaluate once from the cursor of the last tick; what it said, and the runs that were launched for it."""
        platform = {"platform": Platform()}
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor.name), resources=platform,
            repository_def=defs.get_repository_def(), sensor_name=sensor.name,
        ) as context:
            told = sensor.evaluate_tick(context)
        self.cursors[sensor.name] = told.cursor
        runs = [self._launch(sensor, request) for request in told.run_requests or () if not self._launched(request)]
        return told.skip_message or "", runs

    def _launched(self, request: dg.RunRequest) -> bool:
        return bool(self.instance.get_runs(dg.RunsFilter(tags={RUN_KEY: str(request.run_key)})))

    def _launch(self, sensor: dg.SensorDefinition, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = defs.resolve_job_def(request.job_name or sensor.job_name)
        return job.execute_in_process(
            instance=self.instance, partition_key=request.partition_key, raise_on_error=False,
            tags={**request.tags, RUN_KEY: str(request.run_key)},
        )

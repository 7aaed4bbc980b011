"""Sensors and schedules as this house has them: on from the start, in UTC, and told in the web UI what they are for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import dagster as dg


def sensor(kind: Callable[..., Any] = dg.sensor, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`dg.sensor`, or another decorator of its family, with the docstring as description: Dagster itself does not show it."""
    return lambda function: kind(
        default_status=dg.DefaultSensorStatus.RUNNING, description=inspect.getdoc(function), **options
    )(function)


def schedule(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`dg.schedule`, as `sensor`."""
    return lambda function: dg.schedule(
        default_status=dg.DefaultScheduleStatus.RUNNING, execution_timezone="UTC", description=inspect.getdoc(function), **options
    )(function)

"""Dagster's daemon as `huracan up` starts it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context, instance_for_test
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon import controller
from dagster._daemon.backfill import execute_backfill_iteration_loop

from huracan_platform.defs import daemon


class Waits(threading.Event):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return True


def test_the_daemon_looks_for_backfills_every_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", 30)
    daemon.look_often()
    waits = Waits()

    with (
        instance_for_test(temp_dir=str(tmp_path)) as instance,
        create_test_daemon_workspace_context(EmptyWorkspaceTarget(), instance) as workspace,
    ):
        loop = execute_backfill_iteration_loop(workspace, logging.getLogger("test"), waits)
        while not waits.asked:
            next(loop)

    assert 0 < waits.asked[0] <= daemon.LOOK_EVERY_S

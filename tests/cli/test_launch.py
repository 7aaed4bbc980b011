"""Runs in this process: how their failures and interruptions come out."""

from __future__ import annotations

import os
import signal
import time

import dagster as dg
import pytest

from huracan_platform.defs.console import progress_logger
from huracan_platform.defs.launch import RunFailedError, run_job


@dg.asset
def interrupted_asset() -> None:
    """Gets a signal while it works."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


@dg.asset
def failing_asset() -> None:
    """Breaks."""
    raise ValueError("expected rows, got none")


@pytest.fixture
def definitions(monkeypatch, tmp_path) -> dg.Definitions:
    """Both assets with a job each, on a Dagster home of their own."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    jobs = [dg.define_asset_job(f"{a.key.to_user_string()}_job", [a]) for a in (interrupted_asset, failing_asset)]
    return dg.Definitions(assets=[interrupted_asset, failing_asset], jobs=jobs, loggers={"console": progress_logger})


def test_a_signal_during_a_run_interrupts_the_caller(definitions: dg.Definitions) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_job(definitions, "interrupted_asset_job")


def test_a_failed_run_tells_its_step_and_the_error(definitions: dg.Definitions) -> None:
    with pytest.raises(RunFailedError, match="failing_asset: ValueError: expected rows, got none"):
        run_job(definitions, "failing_asset_job")

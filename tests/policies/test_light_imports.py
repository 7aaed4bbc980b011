"""The training libraries cost seconds and hundreds of megabytes: what Dagster and a session load must not bring them along."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "stable_baselines3", "gymnasium")


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["huracan_platform.definitions", "huracan_platform.execution.session", "huracan_platform.cli.policies"]
)
def test_the_training_libraries_are_not_imported_by(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"

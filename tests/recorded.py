"""Recorded market data: where it lies, and what happens to tests where it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from huracan_platform.settings import load_settings

BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "data"


def recorded_path(name: str) -> Path:
    """Where a recording is, or would be: under HURACAN_RECORDED_DATA, else beside the checkout."""
    return (load_settings().recorded_data or BESIDE_THE_CHECKOUT) / name


def recording(name: str) -> Path:
    """A recording that is there; without it the test is skipped and says so."""
    path = recorded_path(name)
    if not path.exists():
        pytest.skip(f"recorded data: expected {path} (HURACAN_RECORDED_DATA)")
    return path

"""Arming faults of a venue over TCP, and what they have done there."""

from __future__ import annotations

from typing import Any

from tests.simulator.raw import get, post

A, B = "key-a", "key-b"  # the accounts of the fault matrix, by their keys
LONG_AGO = 1_000_000_000_001  # ms UTC, in 2001: a time, and none that counts from the arming


def arm(url: str, *faults: dict[str, Any]) -> None:
    """Arm a script of faults."""
    status, answer = post(url, "/control/faults", list(faults))
    assert status == 200, answer


def strikes(url: str) -> list[dict[str, Any]]:
    """What faults have done in this venue so far."""
    struck: list[dict[str, Any]] = get(url, "/control/ledger")["faults"]
    return struck

"""UNKNOWN becomes NOT_ACCEPTED only on the sum of the evidence; each part missing keeps it UNKNOWN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huracan_platform.execution.unknown import Evidence, why_still_unknown
from huracan_platform.settings import ExecutionSettings

SETTINGS = ExecutionSettings(clock_bound_s=1, unknown_grace_s=10, unknown_not_found=3)
PROOF = Evidence(now_ms=61_001, deadline_ms=50_000, not_founds=3, not_found_now=True, control_worked=True, contrary=None)


def test_all_evidence_together_proves_absence() -> None:
    assert why_still_unknown(PROOF, SETTINGS) is None


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"now_ms": 61_000}, "may still arrive for 0 ms"),
        ({"now_ms": 50_001}, "may still arrive for 10999 ms"),
        ({"not_founds": 2}, "2 of 3 definitive not-founds"),
        ({"not_found_now": False}, "the last query was not a definitive not-found"),
        ({"control_worked": False}, "no control query was answered in this cycle"),
        ({"contrary": "a user event"}, "the venue shows a user event"),
    ],
)
def test_any_evidence_missing_leaves_it_unknown(missing: dict, reason: str) -> None:
    assert why_still_unknown(replace(PROOF, **missing), SETTINGS) == reason

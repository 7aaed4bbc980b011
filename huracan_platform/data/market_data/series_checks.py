"""Two of the six checks, for every dataset whose rows are rows of a series: all there, each once."""

from __future__ import annotations

from typing import Any

import numpy as np

from huracan_platform.contracts.market import Int64
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.gaps import absent, in_words, ranges
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.settings import QualitySettings


def all_due(
    subject: Subject, ts_ms: Int64, due: Int64, step_ms: int, noun: str, quality: QualitySettings
) -> CheckResult:
    """Completeness: every due time has its row; explained gaps are not due. Never blocking: the rows that came are genuine."""
    missing = absent(due, ts_ms)
    got, bad = len(due) - len(missing), ranges(missing, step_ms)
    coverage = got / len(due) if len(due) else 1.0
    return check_result(
        subject, "completeness", len(missing) == 0, got, len(due),
        f"expected {len(due)} {noun}s, got {got} (missing {in_words(bad)})",
        severity=Severity.ERROR if coverage < quality.coverage_alert else Severity.WARNING, bad=bad, blocking=False,
    )


def each_once(
    subject: Subject, ts_ms: Int64, step_ms: int, noun: str, sample: tuple[dict[str, Any], ...] = ()
) -> CheckResult:
    """Uniqueness: each row once, in time order."""
    steps = np.diff(ts_ms)
    unique = len(ts_ms) if (steps > 0).all() else len(np.unique(ts_ms))
    twice, back = len(ts_ms) - unique, int((steps < 0).sum())
    return check_result(
        subject, "uniqueness", twice == 0 and back == 0, len(ts_ms), unique,
        f"expected each {noun} once in time order, got {twice} duplicates and {back} steps back in time",
        bad=ranges(np.unique(ts_ms[1:][steps <= 0]), step_ms), sample=sample,
    )

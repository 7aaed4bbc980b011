"""How every check states its result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from huracan_platform.contracts.quality import CheckResult, Severity


@dataclass(frozen=True)
class Subject:
    """What was checked: a dataset, a symbol, a day."""

    dataset: str
    symbol: str
    day: date

    def __str__(self) -> str:
        return f"{self.dataset} {self.symbol} {self.day}"


def check_result(
    subject: Subject, name: str, passed: bool, observed: float, expected: float, failure: str, *,
    severity: Severity = Severity.ERROR, blocking: bool = True, bad: tuple[tuple[int, int], ...] = (),
    sample: tuple[dict[str, Any], ...] = (),
) -> CheckResult:
    """A result; `failure`, `severity`, `blocking`, `bad` and `sample` count only where it failed."""
    failed = not passed
    return CheckResult(
        name=name, dataset=subject.dataset, symbol=subject.symbol, day=subject.day, passed=passed,
        severity=severity if failed else Severity.OK, blocking=blocking and failed,
        observed=float(observed), expected=float(expected), message=f"{subject}: {failure}" if failed else "passed",
        bad_ranges=bad if failed else (), sample=sample if failed else (),
    )

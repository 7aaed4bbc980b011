"""How every check states its result, and what a failure shows of the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from huracan_platform.clock import DAY_MS, day_start_ms, to_datetime
from huracan_platform.contracts.market import Int64
from huracan_platform.contracts.quality import CheckResult, Severity

MOST_ROWS_SHOWN = 5
# What these miss is not among the rows that came.
_OF_MISSING_ROWS = ("completeness", "freshness")


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


def with_evidence(result: CheckResult, part: pd.DataFrame | None, expected: int) -> CheckResult:
    """A failure with rows expected, got and bad, first and last bad time, and rows to look at; a pass as it is.

    `part` are the day's rows as they came, None where they cannot be told apart by days; `expected` the rows due, 0 where that
    is not known. A failure that names no times concerns all rows of the day.
    """
    if result.passed:
        return result
    times = _times(part)
    found = result.bad_ranges or ((int(times.min()), int(times.max())) if len(times) else _whole_day(result.day),)
    got = 0 if part is None else len(part)
    if result.name in _OF_MISSING_ROWS:
        bad = max(0, expected - got)
    else:
        bad = sum(int(((times >= first) & (times <= last)).sum()) for first, last in found) if len(times) else got
    counts = {"rows expected": expected, "rows got": got, "rows bad": bad}
    return replace(result, bad_ranges=found, counts=counts, sample=result.sample or _rows_near(part, times, found[0]))


def _rows_near(part: pd.DataFrame | None, times: Int64, bad: tuple[int, int]) -> tuple[dict[str, Any], ...]:
    """The row before a bad stretch and those from its begin on; where no row came, the stretch itself."""
    if part is None or len(part) == 0:
        return ({"from": to_datetime(bad[0]).isoformat(), "to": to_datetime(bad[1]).isoformat(), "row": "none came"},)
    if len(times) == 0:
        return _plain(part.head(MOST_ROWS_SHOWN))
    near = np.flatnonzero(times >= bad[0])[:MOST_ROWS_SHOWN - 1]
    before = np.flatnonzero(times < bad[0])[-1:]
    return _plain(part.iloc[np.concatenate([before, near])])


def _plain(rows: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    # Text for all that is no number, and for numbers that JSON does not have.
    def plain(value: Any) -> Any:
        return float(value) if isinstance(value, int | float | np.number) and np.isfinite(value) else str(value)

    return tuple({str(name): plain(value) for name, value in row.items()} for row in rows.to_dict("records"))


def _times(part: pd.DataFrame | None) -> Int64:
    """Times of the rows in ms UTC, as they came; empty where they cannot be read."""
    if part is None or "ts" not in part or not isinstance(part["ts"].dtype, pd.DatetimeTZDtype) or part["ts"].isna().any():
        return np.empty(0, np.int64)
    times: Int64 = part["ts"].dt.tz_convert("UTC").to_numpy(dtype="M8[ms]").astype(np.int64)
    return times


def _whole_day(day: date) -> tuple[int, int]:
    return day_start_ms(day), day_start_ms(day) + DAY_MS - 1

"""What the quality checks say about data, and where a day of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """OK is a check that passed. WARNING is noted, ERROR goes out as an alert."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class DayState(StrEnum):
    """Where one day of one symbol stands. Downstream reads only GOOD days.

    OPEN: the market's day is not over, or the venue's last bars of it were not due yet. DEGRADED: genuine rows, too few
    of them, or some that another venue lent. QUARANTINED: the rows broke their contract or a blocking check; they are kept
    apart from the library.
    UNAVAILABLE: the source does not have the day (any more) and it was not recorded in time; asking again brings nothing.
    """

    GOOD = "good"
    OPEN = "open"
    DEGRADED = "degraded"
    QUARANTINED = "quarantined"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class CheckResult:
    """One check of one day of one symbol.

    `observed` and `expected` are the numbers compared, `bad_ranges` the (first, last) event times concerned in ms UTC,
    both included, `sample` some of the rows as plain values, `counts` rows by what they are (expected, got, bad), `fault` the
    name of what is wrong, where it has one. `blocking` failures quarantine the day.
    """

    name: str
    dataset: str
    symbol: str
    day: date
    passed: bool
    severity: Severity
    blocking: bool
    observed: float
    expected: float
    message: str
    bad_ranges: tuple[tuple[int, int], ...] = ()
    sample: tuple[dict[str, Any], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""

    def details(self) -> dict[str, Any]:
        """Plain values for the log and for metadata."""
        return {
            "message": self.message, "observed": self.observed, "expected": self.expected, "blocking": self.blocking,
            "bad_ranges": [list(r) for r in self.bad_ranges], "sample": list(self.sample),
            "counts": dict(self.counts), "fault": self.fault,
        }


@dataclass(frozen=True)
class DayReport:
    """One day of one symbol after an ingest. `content_hash` is of the library's rows; None when none were stored."""

    symbol: str
    day: date
    state: DayState
    rows: int
    expected: int
    content_hash: str | None
    reasons: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """Rows over rows expected; 1 where none were expected."""
        return min(1.0, self.rows / self.expected) if self.expected else 1.0


@dataclass(frozen=True)
class RefusedBatch:
    """Rows that may not enter the library: parquet bytes exactly as they came, and why.

    `day` is None where the batch could not be told apart by days; `later_ms` as of the delivery that they came with.
    """

    dataset: str
    symbol: str
    day: date | None
    source: str
    reason: str
    row_count: int
    content_hash: str
    rows: bytes = field(repr=False)
    later_ms: Mapping[int, int] = field(default_factory=dict)


class RulingKind(StrEnum):
    """What a person decides about a refused batch: take its rows although checks failed, or leave them out."""

    RELEASED = "released"
    DISCARDED = "discarded"


@dataclass(frozen=True)
class Ruling:
    """A person's decision about a refused batch; `at` by the wire clock."""

    kind: RulingKind
    by_whom: str
    reason: str
    at: datetime

    @property
    def told(self) -> str:
        """`released by anna on 2025-01-03 12:00: a genuine crash`."""
        return f"{self.kind} by {self.by_whom} on {self.at:%Y-%m-%d %H:%M}: {self.reason}"


@dataclass(frozen=True)
class ExplainedGap:
    """A window [start_ms, end_ms) without data for a known reason: completeness does not count it."""

    symbol: str
    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True)
class Refetched:
    """A window [start_ms, end_ms) within a day whose rows came from another venue; `source` is its name in the settings."""

    symbol: str
    start_ms: int
    end_ms: int
    source: str

"""What an ingest did: per day, per check over all its days, in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from huracan_platform.contracts.hashing import hash_json
from huracan_platform.contracts.quality import CheckResult, DayReport, DayState, Severity
from huracan_platform.errors import DataContractError, TransientError


@dataclass(frozen=True)
class CheckSummary:
    """One check over all symbol-days of an ingest. `failing` are its failed results, by day, then symbol."""

    name: str
    days: int
    failing: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """No symbol-day failed."""
        return not self.failing

    @property
    def blocking(self) -> bool:
        """At least one failure quarantined its day."""
        return any(result.blocking for result in self.failing)

    @property
    def severity(self) -> Severity:
        """The worst."""
        found = {result.severity for result in self.failing}
        return next((s for s in (Severity.ERROR, Severity.WARNING) if s in found), Severity.OK)

    @property
    def failing_days(self) -> list[str]:
        """`2024-03-01 BTC/USDT:USDT` for each failure."""
        return [f"{result.day} {result.symbol}" for result in self.failing]

    @property
    def message(self) -> str:
        """One sentence: how many passed, and the first failure."""
        if self.passed:
            return f"{self.name}: {self.days} symbol-days passed"
        return f"{self.name}: {len(self.failing)} of {self.days} symbol-days failed; {self.failing[0].message}"


@dataclass(frozen=True)
class IngestReport:
    """The outcome of one ingest. `unfetched` maps a symbol to why its days `given_up` could not be had.

    `not_due` symbol-days lay outside of the symbols' listings and were not asked for.
    """

    venue: str
    dataset: str
    days: tuple[DayReport, ...]
    checks: tuple[CheckSummary, ...]
    inserted: int
    revised: int
    unchanged: int
    unfetched: dict[str, str]
    given_up: dict[str, tuple[date, ...]] = field(default_factory=dict)
    not_due: int = 0

    @property
    def rows(self) -> int:
        """Rows that are in the library now for these days."""
        return sum(day.rows for day in self.days)

    @property
    def coverage(self) -> float:
        """Rows over rows expected, over all symbol-days."""
        return coverage_of(self.days)

    @property
    def content_hash(self) -> str:
        """One hash over the content hashes of all symbol-days."""
        return hash_json([[str(d.day), d.symbol, d.content_hash] for d in sorted(self.days, key=lambda d: (d.day, d.symbol))])

    def day_hash(self, day: date) -> str:
        """One hash over the symbols of a day."""
        return hash_json([[d.symbol, d.content_hash] for d in sorted(self.of_day(day), key=lambda d: d.symbol)])

    def of_day(self, day: date) -> list[DayReport]:
        """The symbols of a day."""
        return [d for d in self.days if d.day == day]

    def in_state(self, state: DayState) -> list[DayReport]:
        """Symbol-days in a state."""
        return [d for d in self.days if d.state is state]

    def raise_if_bad(self) -> None:
        """For callers that end with an exit code.

        Raises
        ------
        TransientError
            A symbol could not be fetched.
        DataContractError
            A day was quarantined.
        """
        if self.unfetched:
            raise TransientError("; ".join(f"{self.dataset} {symbol}: {why}" for symbol, why in self.unfetched.items()))
        quarantined = self.in_state(DayState.QUARANTINED)
        if quarantined:
            first = quarantined[0]
            more = f" (and {len(quarantined) - 1} more quarantined symbol-days)" if len(quarantined) > 1 else ""
            raise DataContractError("; ".join(first.reasons) + more)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `--json` and for metadata."""
        return {
            "venue": self.venue, "dataset": self.dataset, "rows": self.rows, "coverage": round(self.coverage, 6),
            "inserted": self.inserted, "revised": self.revised, "unchanged": self.unchanged, "content_hash": self.content_hash,
            "symbol_days": {state.value: len(self.in_state(state)) for state in DayState},
            "checks": {
                c.name: {"passed": c.passed, "severity": c.severity.value, "message": c.message, "failing": c.failing_days}
                for c in self.checks
            },
            "unfetched": self.unfetched,
        }


def coverage_of(days: Sequence[DayReport]) -> float:
    """Rows over rows expected of some symbol-days; 1 where none were expected."""
    rows, expected = sum(day.rows for day in days), sum(day.expected for day in days)
    return min(1.0, rows / expected) if expected else 1.0


def summarise(results: Sequence[CheckResult]) -> tuple[CheckSummary, ...]:
    """One summary per check name, in order of first appearance."""
    by_name: dict[str, list[CheckResult]] = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    return tuple(
        CheckSummary(name, len(found), tuple(sorted((r for r in found if not r.passed), key=lambda r: (r.day, r.symbol))))
        for name, found in by_name.items()
    )

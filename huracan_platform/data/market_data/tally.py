"""What an ingest has gathered so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from huracan_platform.brain.facts.repository import UpsertResult
from huracan_platform.contracts.quality import CheckResult, DayReport
from huracan_platform.data.market_data.report import IngestReport, summarise
from huracan_platform.errors import PermanentError, TransientError


@dataclass
class Tally:
    """Days, check results, rows written, and what could not be fetched."""

    days: list[DayReport] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    inserted: int = 0
    revised: int = 0
    unchanged: int = 0
    unfetched: dict[str, str] = field(default_factory=dict)
    given_up: dict[str, tuple[date, ...]] = field(default_factory=dict)
    kind: type[TransientError | PermanentError] = TransientError
    not_due: int = 0

    def add(self, days: Sequence[DayReport], results: Sequence[CheckResult], stored: UpsertResult) -> None:
        """What became of some days."""
        self.days += days
        self.results += results
        self.inserted += stored.inserted
        self.revised += stored.revised
        self.unchanged += stored.unchanged

    def report(self, venue: str, dataset: str) -> IngestReport:
        """All of it, days in order."""
        return IngestReport(
            venue, dataset, tuple(sorted(self.days, key=lambda d: (d.day, d.symbol))), summarise(self.results), self.inserted,
            self.revised, self.unchanged, dict(self.unfetched), dict(self.given_up), self.not_due,
        )

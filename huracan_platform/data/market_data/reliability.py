"""How reliable each source was, week by week, from the library's books."""

from __future__ import annotations

from dataclasses import dataclass

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.arrival import ArrivalDelays
from huracan_platform.brain.facts.summaries import SummaryRepository

WEEKS_SHOWN = 8


@dataclass(frozen=True)
class SourceWeek:
    """One source and dataset in an ISO week.

    `coverage` and `lent` are shares of the rows expected, `unfetched` symbol-days whose fetch failed at least once,
    `failed_checks` failures of checks, resolved ones included; `median_delay_ms` is the source's measured one, None without
    measurements.
    """

    week: str
    source: str
    dataset: str
    days: int
    good: float
    coverage: float
    lent: float
    unfetched: int
    failed_checks: int
    median_delay_ms: int | None


def reliability(brain: Brain, weeks: int = WEEKS_SHOWN) -> list[SourceWeek]:
    """The newest weeks, newest first, then by source and dataset. Open and unavailable days are left out."""
    delays = {(row["source"], row["dataset"]): int(row["median_ms"]) for row in ArrivalDelays(brain).table()}
    found = []
    for row in SummaryRepository(brain).weeks(weeks):
        expected = int(row["expected"])
        lent = int(row["lent_minutes"])
        own = min(int(row["rows"]), expected) - lent
        found.append(SourceWeek(
            row["week"], row["source"], row["dataset"], row["days"], row["good"] / row["days"],
            own / expected if expected else 1.0, lent / expected if expected else 0.0, row["unfetched"], row["failed_checks"],
            delays.get((row["source"], row["dataset"])),
        ))
    return found

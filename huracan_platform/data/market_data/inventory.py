"""What must be in the library and is not: days without books, days that are not good, rows that the books know nothing of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import DAY_MS, day_of, day_start_ms, days_between
from huracan_platform.contracts.quality import DayReport, DayState
from huracan_platform.data.market_data.ingest import dataset_names, kind_of
from huracan_platform.data.market_data.kinds import Kind
from huracan_platform.data.market_data.source import MarketSource
from huracan_platform.data.market_data.stored import stored_days
from huracan_platform.data.market_data.universe import Universe
from huracan_platform.settings import Settings


class Lack(StrEnum):
    """What is wrong with a day. GAP is a good day that misses single rows, DIFFERS one whose rows are not those of its books."""

    MISSING = "missing"
    OPEN = "left open"
    DIFFERS = "not as its books say"
    QUARANTINED = "quarantined"
    DEGRADED = "degraded"
    GAP = "with gaps"

    @property
    def is_unnoticed(self) -> bool:
        """Nobody has judged the day as it is: no check failed that would have told of it."""
        return self in (Lack.MISSING, Lack.OPEN, Lack.DIFFERS)


@dataclass(frozen=True)
class Finding:
    """A day of a symbol that needs a repair, and why."""

    dataset: str
    symbol: str
    day: date
    lack: Lack
    why: str

    def __str__(self) -> str:
        return f"{self.dataset} {self.symbol} {self.day}: {self.lack} ({self.why})"


def newest_full_day(now_ms: int) -> date:
    """The market's yesterday at market time `now_ms`."""
    return day_of(now_ms) - timedelta(days=1)


def find_lacks(
    brain: Brain, market: MarketSource, settings: Settings, first: date, last: date, *,
    datasets: Sequence[str] | None = None, symbols: Sequence[str] | None = None,
) -> list[Finding]:
    """Days from first to last, both included, that need a repair, by dataset, symbol and day.

    Only full days of the market's listing count, from the first day of the settings on, and only what the source still keeps or
    a recorder was there for. Each stored day is read and its content hash compared with its books. `datasets` and `symbols` None
    mean all.

    Raises
    ------
    TransientError
        The venue does not say what it lists, or the database went away.
    """
    first = max(first, date.fromisoformat(settings.first_day))
    last = min(last, newest_full_day(market.clock().market_ms()))
    if last < first:
        return []
    return [
        found
        for dataset in datasets or dataset_names()
        for symbol in symbols or settings.symbols
        for found in _of_series(brain, market, kind_of(dataset, brain, market, settings), symbol, days_between(first, last))
    ]


def _of_series(brain: Brain, market: MarketSource, kind: Kind, symbol: str, days: Sequence[date]) -> Iterator[Finding]:
    universe = Universe(brain, market.venue)
    days = universe.due(symbol, days)
    if not days or universe.is_dropped(symbol):
        return
    listing, kept_from = market.listing(symbol), kind.kept_from_ms(market, market.clock().market_ms())
    days = [day for day in days if day_start_ms(day) + DAY_MS > listing.first_ms]
    days = [day for day in days if listing.last_ms is None or day_start_ms(day) < listing.last_ms]
    if not days:
        return
    books = {r.day: r for r in QualityRepository(brain).days(market.venue, kind.name, [symbol], days[0], days[-1])}
    stored = stored_days(kind.repository(brain), market.venue, symbol, days)
    for day in days:
        found = _lack(books.get(day), *stored[day], is_kept=day_start_ms(day) >= kept_from)
        if found is not None:
            yield Finding(kind.name, symbol, day, *found)


def _lack(report: DayReport | None, rows: int, content_hash: str, *, is_kept: bool) -> tuple[Lack, str] | None:
    if report is None:
        return (Lack.MISSING, "never fetched" if not rows else f"{rows} rows that no books tell of") if rows or is_kept else None
    if report.state is not DayState.QUARANTINED and rows != report.rows:  # what was good before stays stored
        return Lack.DIFFERS, f"books say {report.rows} rows, the library has {rows}"
    if report.rows and content_hash != report.content_hash:
        return Lack.DIFFERS, f"the same {rows} rows, other values"
    why = "; ".join(report.reasons) or f"{report.rows} of {report.expected} rows"
    states = {
        DayState.OPEN: Lack.OPEN, DayState.DEGRADED: Lack.DEGRADED, DayState.QUARANTINED: Lack.QUARANTINED,
        DayState.GOOD: Lack.GAP if report.rows < report.expected else None,
    }
    lack = states.get(report.state)
    return None if lack is None else (lack, why)

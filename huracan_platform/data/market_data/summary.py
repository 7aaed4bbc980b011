"""The daily data summary: what is wrong, what to do about it, and what needs nothing, in a line per problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import Issue, QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine
from huracan_platform.brain.facts.recordings import RecordingLedger
from huracan_platform.clock import day_of, day_start_ms
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.advice import advice, needs_nothing
from huracan_platform.data.market_data.gaps import not_recorded_before
from huracan_platform.data.market_data.recorded import RECORDED_LIVE

MOST_LINES = 10  # of a message; the rest is counted
DAYS_LOOKED_BACK = 60  # for days that are unavailable
_NAMED = 3


@dataclass(frozen=True)
class DataSummary:
    """Lines that ask a person to act, errors first, and lines that only tell; `errors` of the former are errors."""

    to_do: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    errors: int = 0

    @property
    def headline(self) -> str:
        """`3 things to do (2 errors), 4 noted`."""
        if not self.to_do:
            return f"nothing to do, {len(self.noted)} noted" if self.noted else "nothing to do"
        errors = f" ({self.errors} error{'s' if self.errors > 1 else ''})" if self.errors else ""
        return f"{len(self.to_do)} thing{'s' if len(self.to_do) > 1 else ''} to do{errors}, {len(self.noted)} noted"

    @property
    def lines(self) -> list[str]:
        """All of it: what is to be done, then what needs nothing."""
        return [*self.to_do, *(f"noted: {line}" for line in self.noted)]

    @property
    def message(self) -> str:
        """Markdown: the headline and the first lines that ask for something; the others are counted."""
        more = len(self.to_do) - MOST_LINES
        shown = [*self.to_do[:MOST_LINES], *([f"and {more} more: huracan data summary"] if more > 0 else [])]
        return "\n".join([self.headline, *([""] if shown else []), *(f"- {line}" for line in shown)])


def data_summary(brain: Brain, *, since: date | None = None, venue: str | None = None) -> DataSummary:
    """A line per venue, dataset, kind of open issue and state of its days, and per series of refused batches that wait.

    `since` and `venue` None mean no bound.
    """
    issues = QualityRepository(brain).open_issues(since=since, venue=venue)
    problems = sorted(_problems(brain, issues), key=_Problem.place)
    acts = [problem for problem in problems if not problem.is_noted]
    noted = [problem for problem in problems if problem.is_noted]
    waiting, unavailable = _waiting(brain, since, venue), _unavailable(brain, since, venue)
    return DataSummary(
        (*map(str, acts), *waiting), (*map(str, noted), *unavailable, *_begun(brain, since, venue)),
        sum(problem.severity == "error" for problem in acts),
    )


@dataclass(frozen=True)
class _Problem:
    """Open issues of one kind in days that stand alike, over symbols; the first is told, the others are counted."""

    issues: Sequence[Issue]
    state: DayState | None
    names_venue: bool

    @property
    def severity(self) -> str:
        return self.issues[0].severity

    @property
    def is_noted(self) -> bool:
        first = self.issues[0]
        return needs_nothing(first.dataset, first.issue_type, first.severity, self.state)

    def place(self) -> tuple[bool, str, str, str]:
        first = self.issues[0]
        return first.severity != "error", first.venue, first.dataset, first.issue_type

    def __str__(self) -> str:
        first = self.issues[0]
        symbols, days = sorted({i.symbol for i in self.issues}), sorted({i.day for i in self.issues})
        # The subject is told once, in front, for all of them.
        what = first.details["message"].removeprefix(f"{first.dataset} {first.symbol} {first.day}: ")
        venue = f" of {first.venue}" if self.names_venue else ""
        which = " ".join([first.symbol] * (len(symbols) > 1) + [str(first.day)] * (len(days) > 1))
        subject = f"{first.dataset}{venue}{_told_symbols(symbols)}, {_told_days(days)}"
        return (
            f"{subject}: {first.issue_type}: {which and f'{which}: '}{what}; "
            f"{advice(first.dataset, first.issue_type, first.severity, self.state, symbols, days)}"
        )


def _problems(brain: Brain, issues: Sequence[Issue]) -> list[_Problem]:
    states, several = _States(brain), len({issue.venue for issue in issues}) > 1

    def alike(issue: Issue) -> tuple[str, ...]:
        return issue.severity, issue.venue, issue.dataset, issue.issue_type, str(states.of(issue) or "")

    ordered = sorted(issues, key=lambda issue: (*alike(issue), issue.day, issue.symbol))
    return [_Problem(found := list(group), states.of(found[0]), several) for _, group in groupby(ordered, key=alike)]


class _States:
    """Where the days of issues stand, asked once per series and day."""

    def __init__(self, brain: Brain) -> None:
        self._quality = QualityRepository(brain)
        self._known: dict[tuple[str, str, str, date], DayState | None] = {}

    def of(self, issue: Issue) -> DayState | None:
        key = (issue.venue, issue.dataset, issue.symbol, issue.day)
        if key not in self._known:
            found = self._quality.days(issue.venue, issue.dataset, [issue.symbol], issue.day, issue.day)
            self._known[key] = found[0].state if found else None
        return self._known[key]


def _told_symbols(symbols: Sequence[str]) -> str:
    return f" {', '.join(symbols)}" if len(symbols) <= _NAMED else f", {len(symbols)} symbols"


def _told_days(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"


def _waiting(brain: Brain, since: date | None, venue: str | None) -> list[str]:
    """A line per dataset and symbol with refused batches that nobody has decided about."""
    found = [
        entry for entry in Quarantine(brain).entries()
        if (venue is None or entry.venue == venue) and (since is None or entry.day is None or entry.day >= since)
    ]
    found.sort(key=lambda entry: (entry.dataset, entry.symbol, entry.batch_id))
    told = []
    for (dataset, symbol), group in groupby(found, key=lambda entry: (entry.dataset, entry.symbol)):
        batches = list(group)
        count = "a refused batch waits" if len(batches) == 1 else f"{len(batches)} refused batches wait"
        told.append(
            f"{dataset} {symbol}: {count} for a decision; look with `huracan data quarantine show {batches[-1].batch_id}`, then "
            "fetch again, or release or discard"
        )
    return told


def _begun(brain: Brain, since: date | None, venue: str | None) -> list[str]:
    """A line per dataset and venue whose recorder first started within a day of late."""
    told, ledger = [], RecordingLedger(brain)
    found = [row for row in QualityRepository(brain).coverage() if venue is None or row["venue"] == venue]
    for dataset, of in sorted({(row["dataset"], row["venue"]) for row in found if row["dataset"] in RECORDED_LIVE}):
        firsts = ledger.first_of_sources(dataset)
        first = firsts.get(of) or min(firsts.values(), default=None)  # texts are of no venue
        last = max(row["last_day"] for row in found if (row["dataset"], row["venue"]) == (dataset, of))
        earliest = max(since or date.min, last - timedelta(days=DAYS_LOOKED_BACK - 1))
        if first is not None and first > day_start_ms(day_of(first)) and earliest <= day_of(first):
            told.append(f"{dataset} of {of}, {day_of(first)}: {not_recorded_before(first)}")
    return told


def _unavailable(brain: Brain, since: date | None, venue: str | None) -> list[str]:
    """A line per venue and dataset with days of late that its source does not have and nobody recorded."""
    quality = QualityRepository(brain)
    found = [row for row in quality.coverage() if row["unavailable"] and (venue is None or row["venue"] == venue)]
    told = []
    for (of, dataset), group in groupby(found, key=lambda row: (row["venue"], row["dataset"])):
        series = list(group)
        last = max(row["last_day"] for row in series)
        first = max(since or date.min, last - timedelta(days=DAYS_LOOKED_BACK - 1))
        days = [r for r in quality.days(of, dataset, [row["symbol"] for row in series], first, last)
                if r.state is DayState.UNAVAILABLE]
        if days:
            which = _told_symbols(sorted({report.symbol for report in days})), _told_days(sorted({report.day for report in days}))
            told.append(
                f"{dataset}{which[0]}, {which[1]}: unavailable: {of} does not keep them (any more) and nobody recorded them in "
                "time; asking again brings nothing"
            )
    return told

"""The daily data summary: what is wrong and what to do about it, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import Issue, QualityRepository
from huracan_platform.brain.facts.quarantine import Quarantine

_ADVICE = {
    "fetch": "the venue did not answer; try again",
    "completeness": "fetch again, or explain the gap with `huracan data explain`",
    "contract": "look at the refused rows with `huracan data quarantine list`, then fetch again",
    "freshness": "look whether the venue and the schedule are running, then fetch again",
    "plausibility": "look at the bars; genuine moves need nothing",
}
_DEFAULT_ADVICE = "the day is in quarantine; fetch again"


def data_summary(brain: Brain, *, since: date | None = None, venue: str | None = None) -> list[str]:
    """One sentence per symbol, dataset and kind of open issue, worst first; empty when there is nothing to do.

    `since` and `venue` None mean no bound.
    """
    issues = QualityRepository(brain).open_issues(since=since, venue=venue)
    issues.sort(key=lambda i: (i.severity != "error", i.symbol, i.dataset, i.issue_type, i.day))
    said = [
        _sentence(list(group)) for _, group in groupby(issues, key=lambda i: (i.severity, i.symbol, i.dataset, i.issue_type))
    ]
    return [*said, *_waiting(brain, since, venue)]


def _waiting(brain: Brain, since: date | None, venue: str | None) -> list[str]:
    """A sentence per dataset and symbol with refused batches that nobody has decided about."""
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


def _sentence(issues: Sequence[Issue]) -> str:
    first, last = issues[0], issues[-1]
    advice = _ADVICE.get(first.issue_type, _DEFAULT_ADVICE)
    more = f" ({len(issues)} days like it, up to {last.day})" if len(issues) > 1 else ""
    again = (
        f"huracan data backfill --dataset {first.dataset} --from {first.day} --to {last.day} --symbols {first.symbol}"
        if first.issue_type != "plausibility" else ""
    )
    return f"{first.details['message']}{more}; {advice}{': ' + again if again else ''}"

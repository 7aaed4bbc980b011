"""The daily data summary: what is wrong and what to do about it, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import Issue, QualityRepository

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
    return [
        _sentence(list(group)) for _, group in groupby(issues, key=lambda i: (i.severity, i.symbol, i.dataset, i.issue_type))
    ]


def _sentence(issues: Sequence[Issue]) -> str:
    first, last = issues[0], issues[-1]
    advice = _ADVICE.get(first.issue_type, _DEFAULT_ADVICE)
    more = f" ({len(issues)} days like it, up to {last.day})" if len(issues) > 1 else ""
    again = (
        f"huracan data backfill --dataset {first.dataset} --from {first.day} --to {last.day} --symbols {first.symbol}"
        if first.issue_type != "plausibility" else ""
    )
    return f"{first.details['message']}{more}; {advice}{': ' + again if again else ''}"

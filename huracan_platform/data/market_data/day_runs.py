"""Days in a row of which the same is to be told, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta


def by_days(told: Iterable[tuple[date, str]]) -> list[str]:
    """A line per run of days in a row of which the same is told; each text names its day."""
    runs: list[tuple[date, date, str]] = []
    for day, text in told:
        if runs and day - runs[-1][1] == timedelta(days=1) and text.replace(str(day), str(runs[-1][0])) == runs[-1][2]:
            runs[-1] = (runs[-1][0], day, runs[-1][2])
        else:
            runs.append((day, day, text))
    return [
        text if last == first else text.replace(str(first), f"{first} to {last} ({(last - first).days + 1} days)", 1)
        for first, last, text in runs
    ]

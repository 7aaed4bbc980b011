"""Which days downstream may read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.contracts.quality import DayState


def good_days(brain: Brain, venue: str, dataset: str, symbols: Sequence[str], first: date, last: date) -> list[date]:
    """Days from first to last, both included, that are good for every one of the symbols, in order.

    A day that a symbol has no record of is not good for it.
    """
    good: dict[date, set[str]] = {}
    for day in QualityRepository(brain).days(venue, dataset, symbols, first, last):
        if day.state is DayState.GOOD:
            good.setdefault(day.day, set()).add(day.symbol)
    return sorted(day for day, found in good.items() if found >= set(symbols))

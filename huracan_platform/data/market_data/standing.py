"""Good days of the library that a refused file says nothing of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.quality import DayState
from huracan_platform.data.market_data.contract import arrays_of
from huracan_platform.data.market_data.kinds import Kind, is_numeric
from huracan_platform.data.market_data.source import Delivery

STANDS = "the library keeps the good day that it has"


def standing(brain: Brain, venue: str, kind: Kind, delivery: Delivery, refused: Sequence[date]) -> set[date]:
    """Of the `refused` days of a delivery those that are good in the library, with other rows.

    Where the refused rows are the library's own, new evidence speaks against them, and the day does not stand.
    """
    if not refused:
        return set()
    books = QualityRepository(brain).days(venue, kind.name, [delivery.symbol], min(refused), max(refused))
    good = {report.day for report in books if report.state is DayState.GOOD} & set(refused)
    return {day for day in good if not _has(brain, venue, kind, delivery, day)}


def _has(brain: Brain, venue: str, kind: Kind, delivery: Delivery, day: date) -> bool:
    """Whether the delivery's rows of a day are what the library has."""
    repository = kind.repository(brain)
    values = repository.table.values
    timed = "ts" in delivery.frame and delivery.frame["ts"].dtype.kind == "M"
    if not timed or not is_numeric(delivery.frame, values):
        return False
    came, start = arrays_of(delivery.frame, values), day_start_ms(day)
    at = np.flatnonzero((came["ts_ms"] >= start) & (came["ts_ms"] < start + DAY_MS))
    at = at[np.argsort(came["ts_ms"][at], kind="stable")]
    held = repository.read_table(venue, [delivery.symbol], start, start + DAY_MS)
    return all(np.array_equal(came[name][at], held.column(name).to_numpy()) for name in ("ts_ms", *values))

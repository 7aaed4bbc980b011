"""Days as the library has them now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.hashing import hash_arrays


def stored_days(repository: FactRepository, venue: str, symbol: str, days: Sequence[date]) -> dict[date, tuple[int, str]]:
    """Number of rows and content hash of each of the days, which follow one another, as the library has them now."""
    table = repository.read_table(venue, [symbol], day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS)
    columns = {name: table.column(name).to_numpy() for name in ("ts_ms", *repository.table.values)}
    header = {"dataset": repository.table.name, "venue": venue, "symbol": symbol}
    found = {}
    for day in days:
        a, b = np.searchsorted(columns["ts_ms"], [day_start_ms(day), day_start_ms(day) + DAY_MS])
        found[day] = int(b - a), hash_arrays({name: values[a:b] for name, values in columns.items()}, header=header)
    return found

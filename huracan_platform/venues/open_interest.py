"""Open interest history: what the venue keeps of it, and its rows as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import OpenInterest

PERIOD = "5m"
PERIOD_MS = 5 * MINUTE_MS
PAGE_ROWS = 500
# "Only the data of the latest 1 month is available"; a start before it is refused with -1130.
KEPT_MS = 30 * DAY_MS


def parse_open_interest(symbol: str, rows: Sequence[Any], start_ms: int, end_ms: int) -> OpenInterest:
    """Snapshots in [start_ms, end_ms) of the venue's rows, in the order delivered.

    Raises
    ------
    LookupError, TypeError, ValueError
        A row lacks a field, or holds something else than a number.
    """
    ts = np.array([int(row["timestamp"]) for row in rows], np.int64)
    contracts = np.array([float(row["sumOpenInterest"]) for row in rows], np.float64)
    value_usd = np.array([float(row["sumOpenInterestValue"]) for row in rows], np.float64)
    keep = (ts >= start_ms) & (ts < end_ms)
    return OpenInterest(symbol, ts[keep], contracts[keep], value_usd[keep])

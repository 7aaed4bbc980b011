"""Open interest in base units where a venue does not tell what it is worth."""

from __future__ import annotations

import numpy as np

from huracan_platform.contracts.market import STEP_MS, Float64, Int64, OpenInterest
from huracan_platform.venues.mark_prices import Prices


def worth(symbol: str, ts_ms: Int64, contracts: Float64, mark: Prices) -> OpenInterest:
    """Snapshots, worth the mark price at which the 5 minutes before each of them closed.

    A snapshot without that bar is left out: what it was worth is not known, and completeness names the hole.
    """
    closed, price = mark[0] + STEP_MS, mark[1]
    order = np.argsort(closed, kind="stable")
    at = np.searchsorted(closed[order], ts_ms, side="right") - 1
    known = at >= 0
    known[known] = closed[order][at[known]] == ts_ms[known]
    value = contracts[known] * price[order][at[known]]
    return OpenInterest(symbol, ts_ms[known], contracts[known], value)

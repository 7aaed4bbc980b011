"""Funding rates put beside bars, as they were known."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Float64, FundingRates, Int64

REFERENCE_INTERVAL_H = 8.0
MAX_AGE_MS = 2 * DAY_MS       # six settlements of 8 h: past that the source is down


def align_funding(ts_ms: Int64, funding: FundingRates, delay_ms: int, max_age_ms: int = MAX_AGE_MS) -> Float64:
    """The last settled rate known at each bar's close.

    Parameters
    ----------
    ts_ms
        (n,) bar opens, ms UTC.
    funding
        Settlements in time order; `rate` is a fraction per `interval_h` hours.
    delay_ms
        A rate is known this long after its settlement.
    max_age_ms
        A rate that was settled longer ago than this is not taken for the current one.

    Returns
    -------
    (n,) float64, fraction per 8 h whatever the interval; NaN where none is known or the newest is too old.
    """
    close = ts_ms + MINUTE_MS
    if len(funding.ts_ms) == 0:
        return np.full(len(ts_ms), np.nan)
    newest = np.searchsorted(funding.ts_ms + delay_ms, close, side="right") - 1
    taken = np.maximum(newest, 0)
    rate = funding.rate[taken] * (REFERENCE_INTERVAL_H / funding.interval_h[taken])
    stale = (newest < 0) | (close - funding.ts_ms[taken] > max_age_ms)
    return np.where(stale, np.nan, rate)

"""Funding as a venue makes it from the premium of its perpetual over the index."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import HOUR_MS
from huracan_platform.contracts.market import Float64, FundingRates, MarkPrices

# Premium pulls the rate off the interest only beyond this: https://www.binance.com/en/support/faq/360033525031
CLAMP = 5e-4


def expected_rates(rates: FundingRates, marks: MarkPrices, interest_8h: float) -> Float64:
    """What each settlement should be: average premium + clamp(interest − average premium, ±0.05 %); NaN without its premiums.

    The average weighs later premiums more, 1, 2, …, n, as Binance does; OKX and Bybit differ in the weights alone.
    """
    expected = np.full(len(rates), np.nan)
    for k, (ts, hours) in enumerate(zip(rates.ts_ms, rates.interval_h, strict=True)):
        first, last = np.searchsorted(marks.ts_ms, [ts - int(hours * HOUR_MS), ts])
        premium = marks.premium[first:last]
        due = hours * 12
        if len(premium) < 0.8 * due or not np.isfinite(premium).all():
            continue
        weights = np.arange(1, len(premium) + 1)
        average = float((premium * weights).sum() / weights.sum())
        interest = interest_8h * hours / 8
        expected[k] = average * hours / 8 + np.clip(interest - average * hours / 8, -CLAMP * hours / 8, CLAMP * hours / 8)
    return expected

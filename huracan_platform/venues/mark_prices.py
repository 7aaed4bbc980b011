"""Mark price, index price and premium index on common times."""

from __future__ import annotations

from functools import reduce

import numpy as np

from huracan_platform.contracts.market import Float64, Int64, MarkPrices

Prices = tuple[Int64, Float64]


def joined_prices(symbol: str, mark: Prices, index: Prices, premium: Prices) -> MarkPrices:
    """Rows of the times that all three have. One that was told twice keeps what was told last."""
    ts = reduce(np.intersect1d, (mark[0], index[0], premium[0]))
    return MarkPrices(symbol, ts, *(_at(ts, prices) for prices in (mark, index, premium)))


def _at(ts_ms: Int64, prices: Prices) -> Float64:
    order = np.argsort(prices[0], kind="stable")
    return prices[1][order][np.searchsorted(prices[0][order], ts_ms, side="right") - 1]

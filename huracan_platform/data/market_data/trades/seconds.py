"""Trades summed per second: one function for streams and archives, so that both give the same bits."""

from __future__ import annotations

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.microstructure import SECOND_MS, AggressorTrades, TradeSeconds


def trade_seconds(trades: AggressorTrades, start_ms: int, end_ms: int) -> TradeSeconds:
    """Rows of every second that begins in [start_ms, end_ms), zeros where nobody traded.

    The caller says by the window what it knows to be whole. Trades may come in any order and more than once: each number
    counts once, and sums run in the order of the numbers. Trades outside the window are left out.
    """
    _, first = np.unique(trades.trade_id, return_index=True)
    begin = -(-start_ms // SECOND_MS) * SECOND_MS
    ts = np.arange(begin, end_ms, SECOND_MS, dtype=np.int64)
    when = trades.ts_ms[first]
    inside = first[(when >= begin) & (when < begin + len(ts) * SECOND_MS)]
    at, bought = (trades.ts_ms[inside] - begin) // SECOND_MS, trades.bought[inside]
    base, usd = trades.base[inside], trades.base[inside] * trades.price[inside]

    def summed(amount: Float64, side: bool) -> Float64:
        # bincount adds one by one in order, which a sum of slices does not.
        return np.bincount(at, weights=np.where(bought == side, amount, 0.0), minlength=len(ts)).astype(np.float64)

    return TradeSeconds(
        trades.symbol, ts, summed(base, True), summed(base, False), summed(usd, True), summed(usd, False),
        np.bincount(at, minlength=len(ts)).astype(np.float64),
    )

"""Books and best prices summed per second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.microstructure import SECOND_MS, BookSeconds, Quote
from huracan_platform.data.market_data.book.order_flow import order_flow


def book_seconds(
    symbol: str, start_ms: int, end_ms: int, before: Quote, quotes: Sequence[Quote], depths: Sequence[tuple[int, Float64]],
) -> BookSeconds:
    """Rows of every second that begins in [start_ms, end_ms), both on whole seconds.

    Parameters
    ----------
    before
        The last quote before `start_ms`.
    quotes
        Those of the window, in order.
    depths
        The depth of the book with the time up to which each holds, in order; the last reaches `end_ms` or beyond.
    """
    told = [before, *quotes]
    bid, bid_base, ask, ask_base = (
        np.array([getattr(quote, name) for quote in told], np.float64) for name in ("bid", "bid_base", "ask", "ask_base")
    )
    ts = np.arange(start_ms, end_ms, SECOND_MS, dtype=np.int64)
    at = (np.array([quote.ts_ms for quote in quotes], np.int64) - start_ms) // SECOND_MS
    flow = np.bincount(at, weights=order_flow(bid, bid_base, ask, ask_base), minlength=len(ts))
    updates = np.bincount(at, minlength=len(ts))
    last = np.cumsum(updates)  # of each second's end, with the quote before as the first of all
    held = np.searchsorted(np.array([until for until, _ in depths], np.int64), ts + SECOND_MS)
    depth = np.stack([depth for _, depth in depths])[held]
    return BookSeconds(
        symbol, ts, bid[last], ask[last], bid_base[last], ask_base[last], flow.astype(np.float64), updates.astype(np.float64),
        *np.ascontiguousarray(depth.T),
    )

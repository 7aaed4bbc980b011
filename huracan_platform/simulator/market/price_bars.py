"""Bars of the index price and of the premium index, which follow from the trades and the market's premium.

The mark price is the last trade. Where the market has a premium, the index price is what the premium of the last finished minute
leaves of it; where it has none, the two are one price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.simulator.market.bars import F64, I64, ListedSymbol

PriceKind = Literal["index", "premium"]
# The premium index in whole units of its last decimal.
PREMIUM_DECIMALS = 8
_VALUES = 5  # where the prices of a bar end


def index_price(listed: ListedSymbol, mark: Decimal, market_ms: int) -> Decimal:
    """The index price at a market time, to the tick."""
    last = _finished(listed, market_ms) - 1
    if listed.premium is None or last < 0:
        return mark
    return listed.instrument.price(listed.instrument.ticks(mark / (1 + Decimal(str(listed.premium[last])))))


def price_bars(kind: PriceKind, listed: ListedSymbol, rows: I64, ends: I64, running: I64, market_ms: int) -> I64:
    """Bars of a price for bars of trades.

    Parameters
    ----------
    rows : (m, 10) int64
        Bars of trades that follow one another, oldest first; of the last one as much as has traded.
    ends : (m,) int64
        When each of them ends, ms UTC.
    running : (1 or 0, 10) int64
        The minute that is under way, as far as it has traded.

    Returns
    -------
    (m, 10) int64
        Open times and prices, in ticks or in 1e-8; no volumes.
    """
    out = rows.copy()
    out[:, _VALUES:] = 0
    if listed.premium is None or not len(rows):
        out[:, 1:_VALUES] *= kind == "index"
        return out
    finished = _finished(listed, market_ms)
    first = np.searchsorted(listed.bars.ts_ms, rows[:, 0])
    stop = np.minimum(np.searchsorted(listed.bars.ts_ms, ends), finished)
    whole = np.flatnonzero(stop > first)
    if len(whole):
        low_row, high_row = int(first[whole[0]]), int(stop[whole[-1]])
        opened, high, low, close = minute_prices(kind, listed, low_row, high_row)
        starts = first[whole] - low_row
        out[whole, 1], out[whole, 4] = opened[starts], close[stop[whole] - 1 - low_row]
        out[whole, 2], out[whole, 3] = np.maximum.reduceat(high, starts), np.minimum.reduceat(low, starts)
    if len(running) and int(ends[-1]) > int(running[0, 0]) >= int(rows[-1, 0]):
        _add_running(kind, listed, out[-1], running[0], finished, fresh=bool(stop[-1] <= first[-1]))
    return out


def minute_prices(kind: PriceKind, listed: ListedSymbol, first: int, stop: int) -> tuple[I64, I64, I64, I64]:
    """Open, high, low and close of the minutes first … stop − 1; a minute opens where the one before it closed."""
    assert listed.premium is not None
    bars, premium, before = listed.bars, listed.premium[first:stop], slice(max(first - 1, 0), max(stop - 1, 0))
    if kind == "premium":
        close = high = low = _units(premium)
        opened = _units(listed.premium[before])
    else:
        close, high, low = (_index(ticks[first:stop], premium) for ticks in (bars.close, bars.high, bars.low))
        opened = _index(bars.close[before], listed.premium[before])
    if first == 0:  # the premium begins at nothing
        opened = np.concatenate([[0 if kind == "premium" else bars.open[0]], opened])
    return opened, np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close)), close


def _add_running(kind: PriceKind, listed: ListedSymbol, bar: I64, minute: I64, finished: int, *, fresh: bool) -> None:
    """Let a bar go on with the minute under way, at the premium of the one before it."""
    assert listed.premium is not None
    premium = listed.premium[max(finished - 1, 0) : max(finished, 1)]
    if kind == "premium":
        values = np.repeat(_units(premium), 4)
    else:
        values = _index(minute[1:_VALUES], np.broadcast_to(premium, 4))
    bar[1] = values[0] if fresh else bar[1]
    bar[2] = max(values[1], values[1] if fresh else bar[2])
    bar[3] = min(values[2], values[2] if fresh else bar[3])
    bar[4] = values[3]


def _index(ticks: I64, premium: F64) -> I64:
    return np.rint(ticks / (1 + premium)).astype(np.int64)


def _units(premium: F64) -> I64:
    return np.rint(premium * 10.0**PREMIUM_DECIMALS).astype(np.int64)


def _finished(listed: ListedSymbol, market_ms: int) -> int:
    """How many minutes have ended at a market time."""
    return int(np.searchsorted(listed.bars.ts_ms, market_ms - MINUTE_MS, side="right"))

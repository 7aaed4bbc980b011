"""Bars as Bybit names and asks for them: intervals in minutes, D, W and M; newest first."""

from __future__ import annotations

from typing import Any

import numpy as np

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import INTERVALS_MS, SymbolHistory, period_start
from huracan_platform.simulator.wire_orders import plain

MONTH = "M"
# Names of the protocol and of the history; a month is made of its days.
INTERVALS = {
    "1": "1m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "120": "2h", "240": "4h", "360": "6h", "720": "12h",
    "D": "1d", "W": "1w", MONTH: "1d",
}


def bar_start(ts_ms: I64, interval: str) -> I64:
    """Open time of the bar of `interval` that holds each time, ms UTC."""
    if interval == MONTH:
        months = ts_ms.astype("datetime64[ms]").astype("datetime64[M]")
        return np.asarray(months.astype("datetime64[ms]").astype(np.int64))
    return period_start(ts_ms, INTERVALS[interval])


def bar_end(start_ms: int, interval: str) -> int:
    """Last ms of the bar that begins at a time."""
    if interval == MONTH:
        following = np.datetime64(start_ms, "ms").astype("datetime64[M]") + 1
        return int(following.astype("datetime64[ms]").astype(np.int64)) - 1
    return start_ms + INTERVALS_MS[INTERVALS[interval]] - 1


def bars_until(history: SymbolHistory, interval: str, now: int) -> I64:
    """All bars (n, 10) that have begun at a market time, the running one as far as it has come."""
    series = history.series(INTERVALS[interval])
    begun = np.concatenate([series.rows[: series.complete_before(now)], history.running(INTERVALS[interval], now)])
    return _months(begun) if interval == MONTH else begun


def bar_before(history: SymbolHistory, interval: str, start_ms: int) -> I64:
    """The last bar (10,), complete, that began before a time at which a bar begins."""
    series = history.series(INTERVALS[interval])
    stop = int(np.searchsorted(series.rows[:, 0], start_ms))
    if interval != MONTH:
        return np.asarray(series.rows[stop - 1])
    return _months(series.rows[max(0, stop - 31) : stop])[-1]  # type: ignore[no-any-return]


def running_bar(history: SymbolHistory, interval: str, now: int) -> I64:
    """The bar (1, 10) that is under way at a market time; (0, 10) where there is none."""
    if interval != MONTH:
        return history.running(INTERVALS[interval], now)
    start = int(bar_start(np.array([now], np.int64), MONTH)[0])
    found = bars_until(history, MONTH, now)[-1:]
    return found if len(found) and int(found[0, 0]) == start else found[:0]


def _months(days: I64) -> I64:
    if not len(days):
        return days
    starts = bar_start(days[:, 0], MONTH)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - DAY_MS))
    last = np.append(first[1:], len(days)) - 1
    out = np.empty((len(first), days.shape[1]), np.int64)
    out[:, 0], out[:, 1], out[:, 4] = starts[first], days[first, 1], days[last, 4]
    out[:, 2] = np.maximum.reduceat(days[:, 2], first)
    out[:, 3] = np.minimum.reduceat(days[:, 3], first)
    out[:, 5:] = np.add.reduceat(days[:, 5:], first, axis=0)
    return out


def chosen(bars: I64, interval: str, since: int | None, until: int | None, limit: int) -> I64:
    """The bars of a query, newest first: from the one that holds `since`; the latest before `until` where both are sent."""
    opens = bars[:, 0]
    aligned = None if since is None else int(bar_start(np.array([since], np.int64), interval)[0])
    first = 0 if aligned is None else int(np.searchsorted(opens, aligned))
    stop = len(opens) if until is None else int(np.searchsorted(opens, until, side="right"))
    if until is None and aligned is not None:
        stop = min(stop, first + limit)
    return np.asarray(bars[max(first, stop - limit) : stop][::-1])


def prices(history: SymbolHistory, row: I64) -> list[str]:
    """Open, high, low and close of a bar as text."""
    instrument = history.listed.instrument
    return [plain(instrument.price(int(ticks))) for ticks in row[1:5]]


def amounts(history: SymbolHistory, row: I64) -> list[str]:
    """Volume in base units and turnover in USDT of a bar as text."""
    instrument = history.listed.instrument
    value = instrument.price(int(row[6])).scaleb(-instrument.quantity_decimals)
    return [plain(instrument.quantity(int(row[5]))), plain(value)]


def kline_event(history: SymbolHistory, interval: str, row: I64, event_ms: int, *, closed: bool) -> dict[str, Any]:
    """A bar as the kline topic tells it."""
    (opened, high, low, close), (volume, turnover) = prices(history, row), amounts(history, row)
    return {
        "start": int(row[0]), "end": bar_end(int(row[0]), interval), "interval": interval, "open": opened, "close": close,
        "high": high, "low": low, "volume": volume, "turnover": turnover, "confirm": closed, "timestamp": event_ms,
    }

"""Bars as Bybit names and asks for them: intervals in minutes, D, W and M; newest first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.market.bars import I64
from huracan_platform.simulator.market.series import (
    INTERVALS_MS,
    ROW_BYTES,
    SymbolHistory,
    period_start,
    put_decimal,
    put_integer,
)

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
    found = _months_until(history, now)[-1:]
    return found if len(found) and int(found[0, 0]) == start else found[:0]


def _months_until(history: SymbolHistory, now: int) -> I64:
    days = history.series("1d")
    return _months(np.concatenate([days.rows[: days.complete_before(now)], history.running("1d", now)]))


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


def chosen(
    history: SymbolHistory, interval: str, now: int, since: int | None, until: int | None, limit: int
) -> I64:
    """Bars (n, 10) that have begun at a market time, newest first, the running one as far as it has come.

    From the one that holds `since` on; the latest up to `until` where both are asked for.
    """
    running = running_bar(history, interval, now)
    if interval == MONTH:
        months = _months_until(history, now)
        complete = months[: len(months) - len(running)]
    else:
        series = history.series(INTERVALS[interval])
        complete = series.rows[: series.complete_before(now)]
    opens = complete[:, 0]
    first, stop = 0, len(complete) + len(running)
    if since is not None:
        first = int(np.searchsorted(opens, bar_start(np.array([since], np.int64), interval)[0]))
    if until is not None:
        stop = int(np.searchsorted(opens, until, side="right"))
        stop += int(len(running) > 0 and int(running[0, 0]) <= until)
    elif since is not None:
        stop = min(stop, first + limit)
    first = max(first, stop - limit)
    rows = complete[first:stop]
    return np.asarray((np.concatenate([rows, running]) if first <= len(complete) < stop else rows)[::-1])


@njit(cache=True)
def _render(rows: I64, price_decimals: int, quantity_decimals: int, amounts: bool) -> NDArray[np.uint8]:
    """`["open time","open","high","low","close"],` for each bar, with volume and turnover where they are asked for."""
    out, at = np.empty(len(rows) * ROW_BYTES, np.uint8), 0
    for i in range(len(rows)):
        out[at], out[at + 1] = 91, 34
        at = put_integer(out, at + 2, rows[i, 0])
        out[at] = 34
        at += 1
        for column in range(1, 5):
            at = put_decimal(out, at, rows[i, column], price_decimals)
        if amounts:
            at = put_decimal(out, at, rows[i, 5], quantity_decimals)
            at = put_decimal(out, at, rows[i, 6], price_decimals + quantity_decimals)
        out[at], out[at + 1] = 93, 44
        at += 2
    return out[:at].copy()


def rendered(history: SymbolHistory, rows: I64, *, amounts: bool) -> bytes:
    """Bars as the JSON list of an answer: prices, and volume in base units and turnover in USDT if asked for."""
    instrument = history.listed.instrument
    text = _render(np.ascontiguousarray(rows), instrument.price_decimals, instrument.quantity_decimals, amounts)
    return b"[" + bytes(text.tobytes()).rstrip(b",") + b"]"


def kline_event(history: SymbolHistory, interval: str, row: I64, event_ms: int, *, closed: bool) -> dict[str, Any]:
    """A bar as the kline topic tells it."""
    instrument = history.listed.instrument
    opened, high, low, close = (plain(instrument.price(ticks)) for ticks in row[1:5].tolist())
    return {
        "start": int(row[0]), "end": bar_end(int(row[0]), interval), "interval": interval, "open": opened, "close": close,
        "high": high, "low": low, "volume": plain(instrument.quantity(int(row[5]))),
        "turnover": plain(instrument.value(int(row[6]))), "confirm": closed, "timestamp": event_ms,
    }

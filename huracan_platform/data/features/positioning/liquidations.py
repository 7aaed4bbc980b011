"""What was closed by force. A minute's liquidations are known after its end: windows end with the minute before the bar's."""

from __future__ import annotations

import math

from huracan_platform.data.features.kernels.state import Record, Row, compiled
from huracan_platform.data.features.positioning.columns import Column
from huracan_platform.data.features.positioning.rings import (
    DAY_MIN,
    LARGE,
    LOG_CLOSE,
    LONG,
    RING,
    SHORT,
    TRADED_USD,
    at,
    enough,
    sums,
)

HOUR_MIN = 60
AFTERMATH_MIN = 5           # what follows a large liquidation is known when these are over
LARGE_TIMES = 3.0           # a large minute has so many times the mean of the day's minutes with any
FEWEST_MINUTES = 30         # with any, needed to call one large; fewer call nothing, as for cascades
DUST_SHARE = 1e-4           # of the USD traded, added to both sides of the ratio: dust on a quiet day is no imbalance


@compiled
def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


@compiled
def _either(s: Record, minutes: int) -> tuple[int, int]:
    """(known minutes, those with any liquidation) of the window that ends with the minute before the bar's."""
    known, some = 0, 0
    slot = (s.minute - minutes) % RING
    for _ in range(minutes):
        usd = s.rings[LONG, slot] + s.rings[SHORT, slot]
        if not math.isnan(usd):
            known += 1
            some += usd > 0.0
        slot += 1
        if slot == RING:
            slot = 0
    return known, some


@compiled
def _write_hour(s: Record, values: Row) -> None:
    newest = s.minute - 1
    known, some = _either(s, HOUR_MIN)
    long = sums(s, LONG, newest, HOUR_MIN)[1]
    short = sums(s, SHORT, newest, HOUR_MIN)[1]
    priced, traded, _, _ = sums(s, TRADED_USD, newest, HOUR_MIN)
    values[Column.LIQUIDATION_MOMENTUM] = values[Column.LIQUIDATION_IMBALANCE] = values[Column.LIQUIDATION_DENSITY] = math.nan
    if enough(s, known, HOUR_MIN):
        values[Column.LIQUIDATION_IMBALANCE] = _share(long - short, long + short)
        values[Column.LIQUIDATION_DENSITY] = some / known
        if enough(s, priced, HOUR_MIN):
            values[Column.LIQUIDATION_MOMENTUM] = _share(long + short, traded)


@compiled
def _write_day(s: Record, values: Row) -> None:
    newest = s.minute - 1
    known, some = _either(s, DAY_MIN)
    long = sums(s, LONG, newest, DAY_MIN)[1]
    short = sums(s, SHORT, newest, DAY_MIN)[1]
    priced, traded, _, _ = sums(s, TRADED_USD, newest, DAY_MIN)
    values[Column.LIQUIDATION_RATIO] = values[Column.LIQUIDATION_DELTA] = math.nan
    if not enough(s, known, DAY_MIN):
        return
    usd = at(s, LONG, newest) + at(s, SHORT, newest)
    if not math.isnan(usd):
        large = some >= FEWEST_MINUTES and usd * some >= LARGE_TIMES * (long + short)
        s.rings[LARGE, newest % RING] = 1.0 if large else 0.0
    if enough(s, priced, DAY_MIN):
        dust = DUST_SHARE * traded
        values[Column.LIQUIDATION_RATIO] = math.log((long + dust) / (short + dust)) if dust > 0.0 else 0.0
        values[Column.LIQUIDATION_DELTA] = _share(long - short, traded)


@compiled
def _aftermath(s: Record) -> float:
    """Log return of the minutes after the newest large one that they are over for, 0 without one in the hour."""
    moved = 0.0
    for minute in range(s.minute - HOUR_MIN, s.minute - AFTERMATH_MIN + 1):
        large = at(s, LARGE, minute)
        if math.isnan(large):
            return math.nan
        if large == 1.0:
            moved = at(s, LOG_CLOSE, minute + AFTERMATH_MIN) - at(s, LOG_CLOSE, minute)
    return moved


@compiled
def write_liquidations(s: Record, in_cascade: float, values: Row) -> None:
    """The columns of liquidations."""
    _write_hour(s, values)
    _write_day(s, values)
    values[Column.CASCADE_INDICATOR] = in_cascade
    values[Column.POST_LIQUIDATION_MOMENTUM] = _aftermath(s)

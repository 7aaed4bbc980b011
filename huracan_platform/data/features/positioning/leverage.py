"""What positions cost and how many there are: funding between venues, and open interest."""

from __future__ import annotations

import math

from huracan_platform.data.features.kernels.state import Record, Row, compiled
from huracan_platform.data.features.positioning.columns import Column
from huracan_platform.data.features.positioning.rings import (
    DAY_MIN,
    LOG_CLOSE,
    LOG_CONTRACTS,
    RING,
    SPREAD,
    at,
    change,
    enough,
)

HOUR_MIN, FOUR_HOURS_MIN = 60, 240
LEAST_VARIANCE = 1e-24      # of logarithms: under it all values are one and the rest is rounding


@compiled
def trend(s: Record, row: int, minutes: int) -> float:
    """Correlation of a ring's window with time, −1 to 1; 0 where nothing moved, NaN where too little is known."""
    known, n, level, level_2, time, time_2, product = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    newest, middle = at(s, row, s.minute), 0.5 * (minutes - 1)
    slot = (s.minute - minutes + 1) % RING
    for age in range(minutes):
        value = s.rings[row, slot] - newest
        if not math.isnan(value):
            t = age - middle
            known += 1
            level += value
            level_2 += value * value
            time += t
            time_2 += t * t
            product += value * t
        slot += 1
        if slot == RING:
            slot = 0
    if not enough(s, known, minutes):
        return math.nan
    n = float(known)
    variance = level_2 / n - (level / n) ** 2
    if variance <= LEAST_VARIANCE:
        return 0.0
    return (product / n - level / n * (time / n)) / math.sqrt(variance * (time_2 / n - (time / n) ** 2))


@compiled
def write_leverage(s: Record, values: Row) -> None:
    """The columns of funding spread and open interest."""
    values[Column.FUNDING_SPREAD] = at(s, SPREAD, s.minute)
    values[Column.FUNDING_SPREAD_MOMENTUM] = change(s, SPREAD, DAY_MIN)
    values[Column.OI_CHANGE_60] = change(s, LOG_CONTRACTS, HOUR_MIN)
    values[Column.OI_CHANGE_240] = change(s, LOG_CONTRACTS, FOUR_HOURS_MIN)
    values[Column.OI_CHANGE_1440] = change(s, LOG_CONTRACTS, DAY_MIN)
    values[Column.OI_TREND] = trend(s, LOG_CONTRACTS, DAY_MIN)
    values[Column.OI_RETURN_PRODUCT] = values[Column.OI_CHANGE_240] * change(s, LOG_CLOSE, FOUR_HOURS_MIN)

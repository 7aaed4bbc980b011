"""Prices on another scale than those beside them."""

from __future__ import annotations

import numpy as np

from huracan_platform.clock import to_datetime
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault

# Contracts of cheap coins are quoted per 1,000 or 1,000,000; minor units are a hundredth. A power of ten within this factor
# of the jump is a unit: bars next to each other differ by less than a hundredth.
UNIT_TOLERANCE = 1.05
JUMP = 10.0


def other_scale(ts: Int64, close: Float64, before: float | None, after: float | None) -> Diagnosis | None:
    """Closes that jump by more than a factor of 10 within the batch or against the library's on either side."""
    previous = np.concatenate([[np.nan if before is None else before], close[:-1]])
    ratio = close / previous
    if after is not None:
        ratio, ts = np.append(ratio, close[-1] / after), np.append(ts, ts[-1])
    with np.errstate(invalid="ignore"):
        at = np.flatnonzero((ratio > JUMP) | (ratio < 1 / JUMP))
    if len(at) == 0:
        return None
    first, factor = int(ts[at[0]]), float(ratio[at[0]])
    end = int(ts[at[1]]) if len(at) > 1 else int(ts[-1])
    where = f"from {to_datetime(first):%Y-%m-%d %H:%M} on"
    if is_power_of_ten(factor):
        return Diagnosis(
            Fault.PRICE_UNIT, f"expected prices on the scale of those beside them, got {factor:.4g} times those {where}", True,
            ((first, end),),
        )
    fault = Fault.OTHER_SYMBOL if at[0] == 0 else Fault.SPLICED
    told = "another symbol's or quote's" if at[0] == 0 else "the rest of another series"
    return Diagnosis(
        fault, f"expected prices near those beside them, got {factor:.4g} times those {where}: {told}", True, ((first, end),)
    )


def is_power_of_ten(factor: float) -> bool:
    """A unit apart: 100, 1,000, 0.001, …"""
    off = abs(np.log10(factor) - np.round(np.log10(factor)))
    return bool(off < np.log10(UNIT_TOLERANCE) and abs(np.log10(factor)) > 0.5)

"""Columns of funding in each other's place, or a price where a rate should be."""

from __future__ import annotations

import numpy as np

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span
from huracan_platform.data.market_data.diagnosis.units import RATE_CAP, told_unit

LONGEST_INTERVAL_H = 8.0
# Prices of a day stay so near to one another; rates do not, and no unit makes usual ones so large.
ALIKE, LARGE = 1.5, 100.0


def swapped_rates(ts: Int64, rate: Float64, interval_h: Float64) -> Diagnosis | None:
    """Which column of a refused batch holds what else; None where none looks so."""
    if len(ts) == 0 or not (np.isfinite(rate).all() and np.isfinite(interval_h).all()):
        return None
    hours = (rate >= 1) & (rate <= LONGEST_INTERVAL_H) & (rate % 1 == 0)
    if hours.all() and (np.abs(interval_h) <= RATE_CAP).all():
        return Diagnosis(
            Fault.COLUMNS_SWAPPED, f"expected rate, interval_h; got interval_h under rate, rate under interval_h in all "
            f"{len(ts)} rows", True, span(ts),
        )
    priced = rate.min() > RATE_CAP and rate.max() <= ALIKE * rate.min()
    usual = float(np.median(rate))
    sound = bool(((interval_h >= 1) & (interval_h <= LONGEST_INTERVAL_H)).all())
    if not priced or not sound or (usual < LARGE and told_unit(rate, float(np.median(interval_h))) is not None):
        return None
    if usual < LARGE and len(np.unique(rate)) < len(rate):
        return None
    return Diagnosis(
        Fault.COLUMNS_SWAPPED, f"expected a fraction under rate, got what looks like a price: {rate.min():g} to {rate.max():g}, "
        f"median {usual:g}", True, span(ts),
    )

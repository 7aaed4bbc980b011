"""Funding that is no fraction per interval: percent, basis points, per year, per hour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Interest of 0.01 % per 8 h is the rate that linear perpetuals return to at every venue recorded, and their usual size.
INTEREST_8H = 1e-4
HOURS_OF_YEAR = 24 * 365.0
RATE_CAP = 0.10  # as in the contract
# Rates on this grid are told by most venues; those of a computation are on none.
GRID, FEWEST_TOLD, _ROUNDING = 1e-8, 3, 1e-3


def unit_factors(interval_h: float) -> dict[float, str]:
    """What a rate is multiplied by in each unit that it may come in."""
    per_year = HOURS_OF_YEAR / interval_h
    found = {100.0: "percent", 10_000.0: "basis points", per_year: "a fraction per year", 100 * per_year: "percent per year"}
    if interval_h > 1:
        found |= {1 / interval_h: "a fraction per hour", 100 / interval_h: "percent per hour"}
    return found


def exact_factors(interval_h: float) -> dict[float, str]:
    """As `unit_factors`, and the mistakes that only exact evidence tells from one another."""
    odd = {
        24 / interval_h: "a fraction per day", interval_h: "fractions times the hours of their interval",
        24.0: "24 times a fraction", 365.0: "365 times a fraction", 0.01: "a hundredth of a fraction, as if it came in percent",
    }
    return {factor: unit for factor, unit in (odd | unit_factors(interval_h)).items() if factor != 1}


def nearest_unit(factor: float, interval_h: float, tolerance: float) -> tuple[float, str] | None:
    """The unit whose factor is nearest to the one measured; None where none is within `tolerance` times it."""
    if not np.isfinite(factor) or factor <= 0:
        return None
    best = min(unit_factors(interval_h).items(), key=lambda unit: abs(np.log(factor / unit[0])))
    return best if abs(np.log(factor / best[0])) <= np.log(tolerance) else None


def told_unit(rate: Float64, interval_h: float) -> tuple[float, str] | None:
    """The unit that rates themselves tell: the interest times its factor among them, or all on the grid of 8 decimals times it.

    Says nothing about rates told with more digits, nor of fewer than `FEWEST_TOLD` different ones.
    """
    size = np.unique(np.abs(rate[rate != 0]))
    units = sorted(unit_factors(interval_h).items(), reverse=True)
    for factor, unit in units:
        if factor > 1 and np.isclose(size, INTEREST_8H * interval_h / 8 * factor, rtol=1e-6, atol=0).any():
            return factor, unit
    if len(size) < FEWEST_TOLD:
        return None
    for factor, unit in units:
        # Rates on a grid that is coarser still were rounded, or are their venue's own.
        rounded = on_grid(size, 10 * GRID * factor).all()
        if on_grid(size, GRID * factor).all() and not rounded and (factor > 1 or not on_grid(size, GRID).any()):
            return factor, unit
    return None


def on_grid(values: Float64, grid: float) -> npt.NDArray[np.bool_]:
    """Which values are whole multiples of a grid, but for rounding."""
    steps = np.asarray(values) / grid
    on: npt.NDArray[np.bool_] = np.abs(steps - np.rint(steps)) < _ROUNDING
    return on


def over_the_cap(ts: Int64, rate: Float64, interval_h: Float64, settings: DiagnosisSettings) -> Diagnosis | None:
    """Rates beyond what any venue charges."""
    with np.errstate(invalid="ignore"):
        over = np.abs(rate) > RATE_CAP
    if not over.any() or not np.isfinite(rate).all():
        return None
    hours = float(np.median(interval_h)) if (interval_h > 0).all() else 8.0
    usual = float(np.median(np.abs(rate)))
    if over.mean() < 0.5:  # some rows only: the others say what is usual
        usual = float(np.median(np.abs(rate[over])))
        base = max(float(np.median(np.abs(rate[~over]))), INTEREST_8H * hours / 8 / 10)
    else:
        base = INTEREST_8H * hours / 8
    unit = told_unit(rate[over], hours) or nearest_unit(usual / base, hours, 10 * settings.funding_factor_tolerance)
    got = "got another unit" if unit is None else f"got {unit[1]} (a factor of {unit[0]:g})"
    return Diagnosis(
        Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h, usually near {base:g}, {got}: {int(over.sum())} of "
        f"{len(rate)} rates are over {RATE_CAP:g}, median {usual:g}", True, ((int(ts[over][0]), int(ts[over][-1])),),
    )

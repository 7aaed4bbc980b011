"""Funding in another unit than a fraction per interval: told by the interest, by the digits, or by the size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from huracan_platform.contracts.market import Float64, FundingRates
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span
from huracan_platform.data.market_data.diagnosis.premium import expected_rates
from huracan_platform.data.market_data.diagnosis.settlements import (
    FEWEST_TELLING,
    FundingEvidence,
    is_cap,
    longest,
    per_8h,
    telling,
)
from huracan_platform.data.market_data.diagnosis.units import (
    GRID,
    INTEREST_8H,
    exact_factors,
    nearest_unit,
    on_grid,
    told_unit,
    unit_factors,
)
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Of a window: a cap is reached for some settlements, the interest is the usual rate.
MOSTLY_INTEREST = 0.1
LEAST_TOLD = 5.0
# Genuine rates of two venues stood apart by a factor of 15 at most (9 settlements, median).
LEAST_FACTOR = 50.0
# Chance puts rates on a grid f times as coarse with 1 / f each; so many powers of ten against it are certain.
AGAINST_CHANCE, HALF = 8.0, 0.5


def wrong_unit(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """The first that tells: the interest, the digits of all or of a part, then the size."""
    rates = evidence.rates
    hours = float(np.median(rates.interval_h))
    exact = _interest_in_another_unit(rates, hours, settings)
    exact = exact or _digits_of_all(evidence, hours) or _digits_of_a_part(rates, hours)
    if exact is not None:
        yield exact
        return
    usual = per_8h(rates)
    for factor, whose, certain in _factors(evidence, usual, settings):
        unit = nearest_unit(factor, hours, settings.funding_factor_tolerance)
        if unit is None or unit[0] < LEAST_FACTOR or (not certain and usual < settings.funding_usual_most):
            continue
        yield Diagnosis(
            Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h, got {unit[1]}: rates are {factor:.3g} times what {whose} "
            f"(median {usual:.3g} per 8 h)", certain, span(rates.ts_ms),
        )
        return


def _interest_in_another_unit(rates: FundingRates, hours: float, settings: DiagnosisSettings) -> Diagnosis | None:
    """The interest, which rates return to, multiplied as a unit does: no genuine window of 90 of 35 series has it 3 times."""
    interest = INTEREST_8H * hours / 8
    size = np.abs(rates.rate)
    different = np.unique(size[telling(rates)])
    rounded = len(different) >= FEWEST_TELLING and bool(on_grid(different, 10 * GRID).all())
    for factor, unit in exact_factors(hours).items():
        if rounded and factor < LEAST_FACTOR:
            continue  # a few digits make whole multiples by chance
        if len(np.unique(size)) == 1 and factor not in unit_factors(hours):
            continue  # one value alone is a multiple of anything
        at = np.isclose(size, interest * factor, rtol=1e-6, atol=0)
        # Rates near nothing on a grid of 8 decimals are a hundredth of the interest by chance.
        rare = factor < 1 or is_cap(interest * factor)
        if at.sum() < settings.funding_fewest or (rare and at.mean() < MOSTLY_INTEREST):
            continue
        own = np.isclose(size, interest, rtol=1e-6, atol=0).any()
        return Diagnosis(
            Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h, whose interest is {interest:g}, got {unit}: "
            f"{int(at.sum())} of {len(rates)} rates are exactly {factor:g} times it", True,
            span(rates.ts_ms[at] if own else rates.ts_ms),
        )
    return _turned_round(rates, interest, settings)


def _turned_round(rates: FundingRates, interest: float, settings: DiagnosisSettings) -> Diagnosis | None:
    flipped = np.isclose(rates.rate, -interest, rtol=1e-6, atol=0)
    if flipped.sum() < settings.funding_fewest:
        return None
    own = int(np.isclose(rates.rate, interest, rtol=1e-6, atol=0).sum())
    return Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected the interest of {interest:g}, got {int(flipped.sum())} times {-interest:g} and "
        f"{own or 'never'} {'times ' * bool(own)}the interest itself: signs turned round", True,
        span(rates.ts_ms[flipped] if own else rates.ts_ms),
    )


def _digits_of_all(evidence: FundingEvidence, hours: float) -> Diagnosis | None:
    rates = evidence.rates
    shown = told_unit(rates.rate, hours)
    # Coarse rates of some venues lie on a percent's grid too, but are far smaller.
    if shown is not None and shown[0] >= 1 and per_8h(rates) <= LEAST_TOLD * INTEREST_8H:
        shown = None
    shown = shown or _finer_or_odd(evidence, hours)
    if shown is None or (len(evidence.around) >= FEWEST_TELLING and on_grid(evidence.around.rate, GRID * shown[0]).all()):
        return None  # the library's are as coarse
    return Diagnosis(
        Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h of 8 decimals, got {shown[1]}: all {len(rates)} rates are "
        f"{shown[0]:g} times one (median {per_8h(rates):.3g} per 8 h)", True, span(rates.ts_ms),
    )


def _finer_or_odd(evidence: FundingEvidence, hours: float) -> tuple[float, str] | None:
    """The unit by a grid that no venue tells: 8 decimals times 3, 8, 24, 365; or, where 8 are the venue's, a part of them."""
    size = np.unique(np.abs(evidence.rates.rate[telling(evidence.rates)]))
    if len(size) < FEWEST_TELLING:
        return None
    for factor, unit in exact_factors(hours).items():
        odd = factor > 1 and round(np.log10(factor), 6) % 1 != 0
        part = factor < 1 and evidence.of_the_formula and on_grid(size, GRID).mean() < HALF
        # Rates that are coarser still are their venue's own: 0.0012 % and its multiples.
        fits = _coarse(size, factor).all() and not on_grid(size, 10 * GRID * factor).all()
        if (odd or part) and fits and _against_chance(size, factor):
            return factor, unit
    return None


def _digits_of_a_part(rates: FundingRates, hours: float) -> Diagnosis | None:
    """A stretch of rates that are large and coarse, between others that are not: their unit changed."""
    for factor, unit in exact_factors(hours).items():
        if factor < LEAST_FACTOR:
            continue
        coarse = _coarse(rates.rate, factor)
        a, b = longest(coarse)
        if b - a < FEWEST_TELLING:
            continue
        part, rest = rates.at(slice(a, b)), rates.at(~coarse)
        size = np.unique(np.abs(part.rate[telling(part)]))
        if len(rest) == 0 or not _against_chance(size, factor) or per_8h(part) <= LEAST_TOLD * INTEREST_8H:
            continue
        if per_8h(part) < LEAST_TOLD * per_8h(rest) or on_grid(size, 10 * GRID * factor).all():
            continue
        return Diagnosis(
            Fault.FUNDING_UNIT, f"expected one unit, a fraction per {hours:g} h, got {unit} in {b - a} of {len(rates)} rates "
            f"(median {per_8h(part):.3g} per 8 h, of the others {per_8h(rest):.3g})", True, span(part.ts_ms),
        )
    return None


def _against_chance(size: np.ndarray, factor: float) -> bool:
    return len(size) >= FEWEST_TELLING and bool(len(size) * abs(np.log10(factor)) >= AGAINST_CHANCE)


def _coarse(rate: Float64, factor: float) -> np.ndarray:
    """Rates on the grid of 8 decimals times a factor, and not merely too small for it."""
    on: np.ndarray = on_grid(rate, GRID * factor) & (np.abs(rate) > GRID * factor / 2)
    return on


def _factors(evidence: FundingEvidence, usual: float, settings: DiagnosisSettings) -> Iterator[tuple[float, str, bool]]:
    """How many times what others say the rates are, who says so, and whether a market can not differ from them so far."""
    rates = evidence.rates
    fewest = min(3, len(rates))
    if evidence.marks is not None:
        expected = expected_rates(rates, evidence.marks, evidence.interest_8h)
        known = np.isfinite(expected)
        if known.sum() >= fewest:
            there = _floor(float(np.median(np.abs(expected[known]))))
            yield float(np.median(np.abs(rates.rate[known]))) / there, "premiums give", True
    for name, other in evidence.elsewhere.items():
        _, mine, theirs = np.intersect1d(rates.ts_ms, other.ts_ms, return_indices=True)
        if len(mine) >= fewest:
            yield per_8h(rates.at(mine)) / _floor(per_8h(other.at(theirs))), f"{name} paid", True
    if len(evidence.around) >= settings.funding_fewest:
        yield usual / _floor(per_8h(evidence.around)), "the library's rates before and after are", False
    yield usual / INTEREST_8H, "perpetuals usually pay", False


def _floor(value: float) -> float:
    """A rate near nothing is no measure of another: a tenth of the interest stands for it."""
    return max(float(value), INTEREST_8H / 10)

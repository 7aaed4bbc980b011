"""What no rate of a venue does that makes them of the premium: more digits, zeros, the interest leapt over or held for ever."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span
from huracan_platform.data.market_data.diagnosis.settlements import (
    FEWEST_OF_HISTORY,
    FEWEST_TELLING,
    LEAST_LEAPS,
    FundingEvidence,
    at_interest,
    is_cap,
    leaps,
    telling,
)
from huracan_platform.data.market_data.diagnosis.units import GRID, INTEREST_8H, on_grid
from huracan_platform.settings.diagnosis import DiagnosisSettings

COARSER = 10
# Steps of the grid between two rates from which the very middle of them is a chance of one in a hundred.
FAR = 100
# The share of the interest in a history that is so usual that its lack is odd.
USUAL_INTEREST = 0.4
# So many different rates that end in 0 by chance: one in a thousand million.
FEWEST_ROUNDED = 9


def constant(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """One rate for a long time: neither the interest nor nothing nor a cap, or these for longer than any market had them."""
    rates = evidence.rates
    change = np.flatnonzero(np.concatenate([[True], np.diff(rates.rate) != 0, [True]]))
    length = np.diff(change)
    at = int(length.argmax())
    a, b = int(change[at]), int(change[at + 1])
    value, hours = float(rates.rate[a]), float(rates.interval_h[a])
    interest = bool(np.isclose(abs(value), INTEREST_8H * hours / 8, rtol=0.05)) or value == evidence.interest_8h == 0
    fewest, certain = _too_many(evidence, value, interest, b - a == len(rates), settings)
    if b - a < fewest:
        return
    but = f"not the interest of {evidence.interest_8h * hours / 8:g}" if not interest else "longer than any market paid it"
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates that follow the premium, got {value:g} {b - a} times in a row, {but}", certain,
        span(rates.ts_ms[a:b]),
    )


def _too_many(
    evidence: FundingEvidence, value: float, interest: bool, whole: bool, settings: DiagnosisSettings
) -> tuple[float, bool]:
    """From how many in a row one rate is a fault, and whether that is certain. `whole`: the series has no other."""
    around = evidence.around
    if value == 0 and len(around) >= settings.funding_fewest and (around.rate != 0).all():
        return settings.funding_fewest, True
    if interest and evidence.of_the_formula:
        if value == 0 and whole:  # a contract without interest, or zeros in place of rates: nothing else is there to tell
            return settings.funding_fewest, len(evidence.rates) >= settings.funding_interest_run
        return settings.funding_interest_run, True
    if value == 0 and evidence.of_the_formula:
        return settings.funding_fewest, True
    if value == 0 or interest or is_cap(value):
        return np.inf, True
    own = around.at(telling(around))
    never = len(own) >= settings.funding_fewest and bool((np.diff(own.rate) != 0).all())
    return FEWEST_TELLING if never else settings.funding_fewest, True


def digits(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """More digits than the venue tells or the library has; or fewer than the library's."""
    rates, around = evidence.rates, evidence.around
    own = telling(rates)
    beside = len(around) >= settings.funding_fewest and bool(on_grid(around.rate, GRID).all())
    if own.sum() < FEWEST_TELLING - 1:
        return
    # Single precision is no other rate.
    off = ~on_grid(rates.rate[own], GRID) & ~np.isclose(rates.rate[own], np.round(rates.rate[own], 8), rtol=1e-7, atol=0)
    few = off.sum() < FEWEST_TELLING if evidence.of_the_formula else off.mean() < settings.explained_share
    if (beside or evidence.of_the_formula) and not few:
        whose = f"the library's {len(around)} before and after have" if beside else f"{evidence.venue} tells"
        yield Diagnosis(
            Fault.FUNDING_FABRICATED, f"expected rates of 8 decimals as {whose}, got {int(off.sum())} of {int(own.sum())} with "
            f"more ({rates.rate[own][off][0]!r})", True, span(rates.ts_ms[own]),
        )
    elif beside or evidence.of_the_formula:
        yield from _rounded(evidence, settings)


def between(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Again and again just the middle of the rates before and after: filled in between."""
    rate = evidence.rates.rate
    if len(rate) <= settings.funding_fewest or not evidence.of_the_formula:
        return
    apart = np.abs(rate[2:] - rate[:-2]) > FAR * GRID
    middle = apart & (np.abs(rate[1:-1] - (rate[2:] + rate[:-2]) / 2) <= GRID)
    if middle.sum() < settings.funding_fewest:
        return
    at = evidence.rates.ts_ms[1:-1][middle]
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates of their own, got {len(at)} of {len(rate)} that are just the middle between "
        "the one before and the one after: filled in", True, span(at),
    )


def leapt_over(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """From one side of the interest to the other without ever being it, again and again: no clamp was at work."""
    rates = evidence.rates
    if not evidence.of_the_formula:
        return
    over = leaps(rates, evidence.interest_8h)
    if len(over) < max(settings.funding_leaps, LEAST_LEAPS * len(rates)):
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates that stop at the interest of {evidence.interest_8h:g} per 8 h when they come "
        f"past it, got {len(over)} steps over it and {int(at_interest(rates).sum())} rates that are it", True, span(rates.ts_ms),
    )


def unlike_history(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Never the interest where the library's own rates often are: a hint only, markets change."""
    rates, around = evidence.rates, evidence.around
    if len(rates) < FEWEST_OF_HISTORY or len(around) < FEWEST_OF_HISTORY:
        return
    usual, here = 1 - float(telling(around).mean()), 1 - float(telling(rates).mean())
    if usual < USUAL_INTEREST or here > 0:
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected the interest itself in {usual:.0%} of settlements as before and after, got it "
        f"in none of {len(rates)}", False, span(rates.ts_ms),
    )


def _rounded(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """All telling rates on a grid ten times as coarse as the library's or the venue's: a chance of one in ten each."""
    rates = evidence.rates.at(telling(evidence.rates))
    finer = evidence.around.at(telling(evidence.around))
    beside = len(finer) >= settings.funding_fewest and (
        on_grid(finer.rate, GRID * COARSER).mean() <= 1 - settings.explained_share
    )
    fewest = settings.funding_fewest if beside else FEWEST_ROUNDED
    if not (beside or evidence.of_the_formula) or len(np.unique(rates.rate)) < fewest:
        return
    if not on_grid(rates.rate, GRID * COARSER).all():
        return
    whose = "as the library's before and after have" if beside else f"as {evidence.venue} tells"
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates of 8 decimals {whose}, got {len(rates)} rounded to fewer", True,
        span(rates.ts_ms),
    )

"""What is wrong with funding that kept its contract: unit, schedule, and rates that no market made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import FundingRates, Int64, MarkPrices
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span_text
from huracan_platform.data.market_data.diagnosis.premium import expected_rates
from huracan_platform.data.market_data.diagnosis.units import GRID, INTEREST_8H, nearest_unit, on_grid, told_unit, unit_factors
from huracan_platform.settings.diagnosis import DiagnosisSettings


@dataclass(frozen=True)
class FundingEvidence:
    """One symbol's settlements in time order and what they are held against; empty where there is none.

    `around` are the library's own settlements before and after, `stored` those of the same time, `elsewhere` those of other
    venues by name, `others` those of the venue's other symbols, `marks` the venue's mark prices over the time.
    """

    rates: FundingRates
    around: FundingRates
    stored: FundingRates | None = None
    elsewhere: Mapping[str, FundingRates] = field(default_factory=dict)
    others: Mapping[str, FundingRates] = field(default_factory=dict)
    marks: MarkPrices | None = None


def diagnose_funding(evidence: FundingEvidence, settings: DiagnosisSettings) -> list[Diagnosis]:
    """Named faults of a series of settlements, the most telling first."""
    rates = evidence.rates
    if len(rates) == 0:
        return []
    found: list[Diagnosis] = []
    for part in (_off_schedule, _wrong_unit, _copied, _unlike_stored, _constant, _unlike_premium, _digits, _unlike_history):
        found += part(evidence, settings)
    return found


def _off_schedule(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """All settlements off the multiples of their interval by the same hours: times of a zone."""
    rates = evidence.rates
    late = np.mod(rates.ts_ms % DAY_MS, np.maximum(rates.interval_h, 1) * HOUR_MS)
    usual, count = Counter(late.tolist()).most_common(1)[0]
    if len(rates) < 3 or usual == 0 or count < settings.explained_share * len(rates):
        return
    yield Diagnosis(
        Fault.TIME_ZONE, f"expected settlements on multiples of their interval, got {count} of {len(rates)} "
        f"{span_text(int(usual) // MINUTE_MS)} past: times of a zone", True, _span(rates.ts_ms[late == usual]),
    )


def _wrong_unit(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    rates = evidence.rates
    hours, usual = float(np.median(rates.interval_h)), _per_8h(rates)
    if (interest := _interest_in_another_unit(rates, hours, settings)) is not None:
        yield interest
        return
    shown = told_unit(rates.rate, hours)
    # Coarse rates of some venues lie on a percent's grid too, but are far smaller.
    if shown is not None and (shown[0] < 1 or usual > LEAST_TOLD * INTEREST_8H):
        yield Diagnosis(
            Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h of 8 decimals, got {shown[1]}: all {len(rates)} rates are "
            f"{shown[0]:g} times one (median {usual:.3g} per 8 h)", True, _span(rates.ts_ms),
        )
        return
    for factor, whose, telling in _unit_factors(evidence, usual, settings):
        unit = nearest_unit(factor, hours, settings.funding_factor_tolerance)
        if unit is None or unit[0] < LEAST_FACTOR or (not telling and usual < settings.funding_usual_most):
            continue
        yield Diagnosis(
            Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h, got {unit[1]}: rates are {factor:.3g} times what {whose} "
            f"(median {usual:.3g} per 8 h)", telling, _span(rates.ts_ms),
        )
        return


def _interest_in_another_unit(rates: FundingRates, hours: float, settings: DiagnosisSettings) -> Diagnosis | None:
    """The interest, which rates return to, multiplied as a unit does: no genuine window of 90 of 35 series has it 3 times."""
    interest = INTEREST_8H * hours / 8
    size = np.abs(rates.rate)
    for factor, unit in {**unit_factors(hours), 24 / hours: "a fraction per day"}.items():
        at = np.isclose(size, interest * factor, rtol=1e-6, atol=0)
        if factor == 1 or at.sum() < settings.funding_fewest or (
            _is_cap(interest * factor) and at.mean() < MOSTLY_INTEREST
        ):
            continue
        own = np.isclose(size, interest, rtol=1e-6, atol=0).any()
        return Diagnosis(
            Fault.FUNDING_UNIT, f"expected a fraction per {hours:g} h, whose interest is {interest:g}, got {unit}: "
            f"{int(at.sum())} of {len(rates)} rates are exactly {factor:g} times it", True,
            _span(rates.ts_ms[at] if own else rates.ts_ms),
        )
    flipped = np.isclose(rates.rate, -interest, rtol=1e-6, atol=0)
    if flipped.sum() < settings.funding_fewest or np.isclose(rates.rate, interest, rtol=1e-6, atol=0).any():
        return None
    return Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected the interest of {interest:g}, got {int(flipped.sum())} times {-interest:g} and "
        "never the interest itself: signs turned round", True, _span(rates.ts_ms),
    )


# Of a window: a cap is reached for some settlements, the interest is the usual rate.
MOSTLY_INTEREST = 0.1
LEAST_TOLD = 5.0
# Genuine rates of two venues stood apart by a factor of 15 at most (9 settlements, median).
LEAST_FACTOR = 50.0


def _unit_factors(evidence: FundingEvidence, usual: float, settings: DiagnosisSettings) -> Iterator[tuple[float, str, bool]]:
    """How many times what others say the rates are, who says so, and whether a market can not differ from them so far."""
    rates = evidence.rates
    fewest = min(3, len(rates))
    if evidence.marks is not None:
        expected = expected_rates(rates, evidence.marks)
        known = np.isfinite(expected)
        if known.sum() >= fewest:
            there = _floor(float(np.median(np.abs(expected[known]))))
            yield float(np.median(np.abs(rates.rate[known]))) / there, "premiums give", True
    for name, other in evidence.elsewhere.items():
        _, mine, theirs = np.intersect1d(rates.ts_ms, other.ts_ms, return_indices=True)
        if len(mine) >= fewest:
            yield _per_8h(rates.at(mine)) / _floor(_per_8h(other.at(theirs))), f"{name} paid", True
    if len(evidence.around) >= settings.funding_fewest:
        yield usual / _floor(_per_8h(evidence.around)), "the library's rates before and after are", False
    yield usual / INTEREST_8H, "perpetuals usually pay", False


FEWEST_ON_GRID = 3


def _copied(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates that are another symbol's, or the symbol's own of another time."""
    rates = evidence.rates
    own = _telling(rates)
    if own.sum() < FEWEST_ON_GRID:
        return
    series = [*evidence.others.items(), (rates.symbol, _library(evidence))]
    for name, other in series:
        shared, lag, possible = _shared(rates.at(own), other)
        # A venue with coarse rates tells the same few again and again.
        if name == rates.symbol and lag == 0:
            continue  # as the library has them
        different = len(np.unique(np.round(rates.rate[np.isin(rates.ts_ms, shared)], 12)))
        if different < max(FEWEST_ON_GRID, settings.funding_copied * possible):
            continue
        away = f" of {span_text(-lag // MINUTE_MS)} off" if lag else ""
        moved = name == rates.symbol and abs(lag) <= DAY_MS
        yield Diagnosis(
            Fault.TIME_ZONE if moved else Fault.FUNDING_FABRICATED,
            f"expected rates of {rates.symbol}'s own at their own time, got {len(shared)} of {possible} telling ones that are "
            f"{name}'s{away}, digit for digit", True, _span(rates.ts_ms if moved else shared),
        )
        return


def _library(evidence: FundingEvidence) -> FundingRates:
    """All settlements of the symbol that the library has, in time order."""
    around, stored = evidence.around, evidence.stored
    if stored is None or len(stored) == 0:
        return around
    ts = np.concatenate([around.ts_ms, stored.ts_ms])
    rate, hours = (np.concatenate([getattr(around, n), getattr(stored, n)]) for n in ("rate", "interval_h"))
    return FundingRates(around.symbol, ts, rate, hours).at(np.argsort(ts, kind="stable"))


def _unlike_stored(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates other than the library has for the same settlements: what was paid does not change."""
    rates, stored = evidence.rates, evidence.stored
    if stored is None:
        return
    at, mine, theirs = np.intersect1d(rates.ts_ms, stored.ts_ms, return_indices=True)
    off = ~np.isclose(rates.rate[mine], stored.rate[theirs], rtol=1e-6, atol=GRID / 2)
    if off.sum() < FEWEST_ON_GRID or off.mean() < settings.explained_share:
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected the rates that the library has, which were paid, got {int(off.sum())} of {len(off)} "
        "others", True, _span(at[off]),
    )


def _constant(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """One rate for a long time that is neither the interest nor nothing nor a cap."""
    rates = evidence.rates
    change = np.flatnonzero(np.concatenate([[True], np.diff(rates.rate) != 0, [True]]))
    length = np.diff(change)
    longest = int(length.argmax())
    a, b = int(change[longest]), int(change[longest + 1])
    value, hours = float(rates.rate[a]), float(rates.interval_h[a])
    interest = np.isclose(abs(value), INTEREST_8H * hours / 8, rtol=0.05)
    around = evidence.around.at(_telling(evidence.around))
    never = len(around) >= settings.funding_fewest and bool((np.diff(around.rate) != 0).all())
    if b - a < (FEWEST_ON_GRID if never else settings.funding_fewest) or interest or value == 0 or _is_cap(value):
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates that follow the premium, got {value:g} {b - a} times in a row, not "
        f"the interest of {INTEREST_8H * hours / 8:g}", True, _span(rates.ts_ms[a:b]),
    )


def _unlike_premium(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates further from what the premium gives than the interest, which costs no knowledge, is."""
    rates = evidence.rates
    if evidence.marks is None:
        return
    expected = expected_rates(rates, evidence.marks)
    known = np.isfinite(expected)
    if known.sum() < min(3, len(rates)) or known.sum() < 2:
        return
    off = np.abs(rates.rate[known] - expected[known])
    allowed = settings.funding_premium_off * rates.interval_h[known] / 8 + np.abs(expected[known]) / 5
    if np.median(off) <= np.median(allowed):
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates as the premium gives them, median {np.median(expected[known]):.6f}, got "
        f"{np.median(rates.rate[known]):.6f}, {np.median(off):.6f} off in the median of {int(known.sum())}", True,
        _span(rates.ts_ms[known]),
    )


def _digits(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Digits that the venue never tells."""
    rates, around = evidence.rates, evidence.around
    own = _telling(rates)
    if len(around) < settings.funding_fewest or own.sum() < 2 or not on_grid(around.rate, GRID).all():
        return
    off = ~on_grid(rates.rate[own], GRID)
    if off.mean() < settings.explained_share:
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected rates of 8 decimals as the library's {len(around)} before and after have, got "
        f"{int(off.sum())} of {int(own.sum())} with more ({rates.rate[own][off][0]!r})", True, _span(rates.ts_ms[own]),
    )


def _unlike_history(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Never the interest where the library's own rates often are: a hint only, markets change."""
    rates, around = evidence.rates, evidence.around
    if len(rates) < FEWEST_OF_HISTORY or len(around) < FEWEST_OF_HISTORY:
        return
    usual, here = 1 - float(_telling(around).mean()), 1 - float(_telling(rates).mean())
    if usual < USUAL_INTEREST or here > 0:
        return
    yield Diagnosis(
        Fault.FUNDING_FABRICATED, f"expected the interest itself in {usual:.0%} of settlements as before and after, got it "
        f"in none of {len(rates)}", False, _span(rates.ts_ms),
    )


FEWEST_OF_HISTORY, USUAL_INTEREST = 30, 0.4


def _telling(rates: FundingRates) -> np.ndarray:
    """Rates that are neither the interest, nor nothing, nor a cap: two markets have those by chance."""
    interest = np.isclose(np.abs(rates.rate), INTEREST_8H * rates.interval_h / 8, rtol=1e-6, atol=0)
    cap = np.array([_is_cap(value) for value in rates.rate], bool)
    telling: np.ndarray = ~interest & (rates.rate != 0) & ~cap
    return telling


def _is_cap(value: float) -> bool:
    """Caps are told in whole hundredths of a percent and are far from usual."""
    return abs(value) >= 2.5e-3 and bool(on_grid(np.array([abs(value)]), 5e-5)[0])


def _shared(rates: FundingRates, other: FundingRates) -> tuple[Int64, int, int]:
    """Times of rates that `other` has too, all by the same lag; the lag in ms; and how many `other` could have so."""
    by_value: dict[float, list[int]] = {}
    for ts, value in zip(other.ts_ms.tolist(), other.rate.tolist(), strict=True):
        by_value.setdefault(round(value, 12), []).append(ts)
    own = [(ts, round(value, 12)) for ts, value in zip(rates.ts_ms.tolist(), rates.rate.tolist(), strict=True)]
    lags = Counter(ts - there for ts, value in own for there in by_value.get(value, ()))
    if not lags:
        return np.empty(0, np.int64), 0, 0
    lag = lags.most_common(1)[0][0]
    at = [ts for ts, value in own if ts - lag in by_value.get(value, ())]
    return np.array(at, np.int64), int(lag), int(np.isin(rates.ts_ms - lag, other.ts_ms).sum())


def _per_8h(rates: FundingRates) -> float:
    return float(np.median(np.abs(rates.rate) / rates.interval_h * 8)) if len(rates) else 0.0


def _floor(value: float) -> float:
    """A rate near nothing is no measure of another: a tenth of the interest stands for it."""
    return max(float(value), INTEREST_8H / 10)


def _span(ts: Int64) -> tuple[tuple[int, int], ...]:
    return ((int(ts.min()), int(ts.max())),)

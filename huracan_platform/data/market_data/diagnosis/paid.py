"""Rates against those known to have been paid: the library's, the venue's, other symbols' and other venues'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.contracts.market import Float64, FundingRates, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, span_text
from huracan_platform.data.market_data.diagnosis.scale import is_power_of_ten
from huracan_platform.data.market_data.diagnosis.settlements import (
    FEWEST_TELLING,
    FundingEvidence,
    longest,
    spans,
    telling,
)
from huracan_platform.data.market_data.diagnosis.units import GRID, exact_factors
from huracan_platform.settings.diagnosis import DiagnosisSettings

# Of the rates that differ, the part that one factor must explain, and how near to a unit's it must be.
MOSTLY, NEAR = 0.9, 0.02
# Rates that come more often than this tell nothing of a repeat.
MOST_PLACES = 10


def confirmed(evidence: FundingEvidence, settings: DiagnosisSettings) -> bool:
    """Whether the venue or the library has the very same rates for the settlements."""
    return any(
        known is not None and len(known) > 0 and _agree(evidence.rates, known, settings)
        for known in (evidence.told, evidence.stored)
    )


def multiplied(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates that are all the same number of times those paid: a unit, or signs turned round."""
    for known, whose in _known(evidence):
        at, mine, paid = _different(evidence, known, settings)
        if len(at) == 0:
            continue
        told = _multiple(mine, paid, float(np.median(evidence.rates.interval_h)))
        if told is not None:
            fault, sentence = told
            of = np.isin(evidence.rates.ts_ms, at)
            yield Diagnosis(fault, f"expected the rates that {whose}, got {sentence}", True, spans(evidence.rates.ts_ms, of))
            return


def unlike_paid(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates other than the venue tells or the library has for the same settlements: what was paid does not change."""
    for known, whose in _known(evidence):
        at, _, _ = _different(evidence, known, settings)
        if len(at):
            of = np.isin(evidence.rates.ts_ms, at)
            yield Diagnosis(
                Fault.FUNDING_FABRICATED, f"expected the rates that {whose}, got {len(at)} of {len(of)} others", True,
                spans(evidence.rates.ts_ms, of),
            )
            return


def copied(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates that are another symbol's or another venue's, or the symbol's own of another time; of all or of a stretch."""
    rates = evidence.rates
    own = telling(rates)
    if own.sum() < FEWEST_TELLING:
        return
    library, venues = _library(evidence), evidence.elsewhere.items()
    for name, other in [*evidence.others.items(), *venues, (rates.symbol, library)]:
        shared, lag, possible = _shared(rates.at(own), other)
        if name == rates.symbol and lag == 0:
            continue  # as the library has them
        # A venue with coarse rates tells the same few again and again.
        different = len(np.unique(np.round(rates.rate[np.isin(rates.ts_ms, shared)], 12)))
        whole = different >= max(FEWEST_TELLING, settings.funding_copied * possible)
        stretch = shared if whole else _stretch(rates.at(own), shared, settings)
        if len(stretch) == 0:
            continue
        away = f" of {span_text(-lag // MINUTE_MS)} off" if lag else ""
        moved = name == rates.symbol and abs(lag) <= DAY_MS
        yield Diagnosis(
            Fault.TIME_ZONE if moved else Fault.FUNDING_FABRICATED,
            f"expected rates of {rates.symbol}'s own at their own time, got {len(stretch)} of {possible} telling ones that are "
            f"{name}'s{away}, digit for digit", True, span(rates.ts_ms if moved and whole else stretch),
        )
        return


def repeated(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """A stretch of rates that is there a second time later."""
    own = evidence.rates.at(telling(evidence.rates))
    value = np.round(own.rate, 12)
    by_value: dict[float, list[int]] = {}
    for at, one in enumerate(value.tolist()):
        by_value.setdefault(one, []).append(at)
    lags = Counter(
        int(own.ts_ms[b] - own.ts_ms[a]) for places in by_value.values() if len(places) <= MOST_PLACES
        for a, b in combinations(places, 2)
    )
    for lag, count in lags.most_common(1):
        if count < settings.funding_fewest:
            return
        before = np.searchsorted(own.ts_ms, own.ts_ms - lag)
        again = (own.ts_ms[before] == own.ts_ms - lag) & (value[before] == value)
        stretch = _stretch(own, own.ts_ms[again], settings)
        if len(stretch):
            yield Diagnosis(
                Fault.FUNDING_FABRICATED, f"expected each settlement's own rate, got {len(stretch)} in a row that are those of "
                f"{span_text(-lag // MINUTE_MS)} off, digit for digit", True, span(stretch),
            )


def _known(evidence: FundingEvidence) -> Iterator[tuple[FundingRates, str]]:
    if evidence.told is not None:
        yield evidence.told, "the venue tells"
    if evidence.stored is not None:
        yield evidence.stored, "the library has, which were paid"


def _alike(mine: Float64, paid: Float64) -> np.ndarray:
    return np.isclose(mine, paid, rtol=1e-6, atol=GRID / 2)


def _agree(rates: FundingRates, known: FundingRates, settings: DiagnosisSettings) -> bool:
    _, mine, theirs = np.intersect1d(rates.ts_ms, known.ts_ms, return_indices=True)
    enough = len(mine) >= settings.explained_share * len(rates)
    return enough and bool(_alike(rates.rate[mine], known.rate[theirs]).all())


def _different(
    evidence: FundingEvidence, known: FundingRates, settings: DiagnosisSettings
) -> tuple[Int64, Float64, Float64]:
    """Times, rates and those known, where they differ; none where so few differ that it may be a correction.

    What the venue itself delivers may correct more than a file may.
    """
    rates = evidence.rates
    at, mine, theirs = np.intersect1d(rates.ts_ms, known.ts_ms, return_indices=True)
    off = ~_alike(rates.rate[mine], known.rate[theirs])
    most = off.mean() if len(off) else 0.0
    few = off.sum() < min(FEWEST_TELLING, len(rates)) or (not evidence.venue and most < settings.explained_share)
    keep = np.zeros_like(off) if few else off
    return at[keep], rates.rate[mine][keep], known.rate[theirs][keep]


def _multiple(mine: Float64, paid: Float64, hours: float) -> tuple[Fault, str] | None:
    """What one factor between two series says; None where none explains them."""
    told = np.abs(paid) > GRID
    if told.sum() < FEWEST_TELLING:
        return None
    ratio = float(np.median(mine[told] / paid[told]))
    exact = exact_factors(hours) | {-1.0: "them with signs turned round"}
    near = [factor for factor in exact if ratio * factor > 0 and abs(np.log(ratio / factor)) < NEAR]
    factor = near[0] if near else ratio
    if np.isclose(mine, factor * paid, rtol=1e-4, atol=GRID).mean() >= MOSTLY:
        if factor in exact and factor > 0:
            return Fault.FUNDING_UNIT, f"{exact[factor]}: {len(mine)} are {factor:g} times those"
        if factor > 0 and is_power_of_ten(factor):
            return Fault.FUNDING_UNIT, f"{len(mine)} that are {factor:.4g} times those: another unit"
        return Fault.FUNDING_FABRICATED, exact.get(factor, f"{len(mine)} that are {factor:.4g} times those")
    if np.isclose(mine, np.abs(paid), rtol=1e-6, atol=GRID / 2).mean() >= MOSTLY:
        return Fault.FUNDING_FABRICATED, f"{len(mine)} without their sign"
    return None


def _library(evidence: FundingEvidence) -> FundingRates:
    """All settlements of the symbol that the library has or its venue tells, in time order."""
    parts = [evidence.around, *(known for known, _ in _known(evidence))]
    ts = np.concatenate([part.ts_ms for part in parts])
    rate, hours = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rate", "interval_h"))
    _, first = np.unique(ts, return_index=True)
    return FundingRates(evidence.rates.symbol, ts, rate, hours).at(first)


def _shared(rates: FundingRates, other: FundingRates) -> tuple[Int64, int, int]:
    """Times of rates that `other` has too, all by the same lag; the lag in ms; and how many `other` could have so."""
    by_value: dict[float, list[int]] = {}
    for ts, value in zip(other.ts_ms.tolist(), other.rate.tolist(), strict=True):
        by_value.setdefault(round(value, 12), []).append(ts)
    own = [(ts, round(value, 12)) for ts, value in zip(rates.ts_ms.tolist(), rates.rate.tolist(), strict=True)]
    lags = Counter(ts - there for ts, value in own for there in by_value.get(value, ()))
    if not lags:
        return np.empty(0, np.int64), 0, 0
    lag = max(lags, key=lambda one: (lags[one], -abs(one)))
    at = [ts for ts, value in own if ts - lag in by_value.get(value, ())]
    return np.array(at, np.int64), int(lag), int(np.isin(rates.ts_ms - lag, other.ts_ms).sum())


def _stretch(rates: FundingRates, shared: Int64, settings: DiagnosisSettings) -> Int64:
    """The longest stretch of telling rates that are all shared, empty where it is no longer than chance or few values make it."""
    a, b = longest(np.isin(rates.ts_ms, shared))
    part = rates.at(slice(a, b))
    return part.ts_ms if len(np.unique(np.round(part.rate, 12))) >= settings.funding_fewest else shared[:0]

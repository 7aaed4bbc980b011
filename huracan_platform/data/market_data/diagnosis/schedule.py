"""When funding settles: on multiples of its interval, every interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.market import FundingRates, Int64
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, span_text
from huracan_platform.data.market_data.diagnosis.settlements import FEWEST_TELLING, FundingEvidence
from huracan_platform.data.market_data.diagnosis.units import INTEREST_8H
from huracan_platform.data.market_data.gaps import DueWindow, in_words
from huracan_platform.settings.diagnosis import DiagnosisSettings


def off_schedule(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """All settlements off the multiples of their interval by the same hours: times of a zone."""
    rates = evidence.rates
    late = np.mod(rates.ts_ms % DAY_MS, np.maximum(rates.interval_h, 1) * HOUR_MS)
    usual, count = Counter(late.tolist()).most_common(1)[0]
    if len(rates) < FEWEST_TELLING or usual == 0 or count < settings.explained_share * len(rates):
        return
    yield Diagnosis(
        Fault.TIME_ZONE, f"expected settlements on multiples of their interval, got {count} of {len(rates)} "
        f"{span_text(int(usual) // MINUTE_MS)} past: times of a zone", True, span(rates.ts_ms[late == usual]),
    )


def wrong_interval(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Settlements closer together than the interval they tell, or as far apart as another one whose interest they pay."""
    rates = evidence.rates
    if len(rates) <= FEWEST_TELLING:
        return
    apart, stated = np.diff(rates.ts_ms) / HOUR_MS, rates.interval_h[1:]
    usual, hours = float(np.median(apart)), float(np.median(stated))
    closer, further = (apart < stated).mean(), (apart > stated).mean()
    if closer >= settings.explained_share:
        told = ""
    elif further >= settings.explained_share and (told := _whose(rates, usual, hours, evidence.around)):
        told = f", and {told}"
    else:
        return
    yield Diagnosis(
        Fault.INTERVAL, f"expected settlements {hours:g} h apart, as their interval says, got them {usual:g} h apart{told}",
        True, span(rates.ts_ms),
    )


def _whose(rates: FundingRates, apart: float, stated: float, around: FundingRates) -> str:
    """What tells that a longer interval is the real one, and rows are not just missing; empty where nothing does."""
    def paid(hours: float) -> int:
        return int(np.isclose(rates.rate, INTEREST_8H * hours / 8, rtol=1e-6, atol=0).sum())

    if len(around) >= FEWEST_TELLING and float(np.median(around.interval_h)) == apart:
        return "the library's are so too"
    if paid(apart) >= FEWEST_TELLING and paid(stated) == 0:
        return f"{paid(apart)} of {len(rates)} pay the interest of {apart:g} h"
    return ""


def missing_settlements(rates: FundingRates, windows: Sequence[DueWindow], settings: DiagnosisSettings) -> Diagnosis | None:
    """Holes of several settlements between others: a page that was never asked for. A warning, the other rows are genuine."""
    holes, told = [], []
    for a, b, hours in zip(rates.ts_ms[:-1].tolist(), rates.ts_ms[1:].tolist(), rates.interval_h[1:].tolist(), strict=True):
        step = int(hours * HOUR_MS)
        due = _unexplained(np.arange(a + step, b, step, dtype=np.int64), windows)
        if len(due) >= FEWEST_TELLING:
            holes.append((int(due[0]), int(due[-1])))
            told.append(f"{len(due)} settlements" + (", a page's" if len(due) in settings.page_sizes else ""))
    if not holes:
        return None
    return Diagnosis(
        Fault.MISSING_PAGE, f"expected every settlement, got none of {in_words(holes)}: {'; '.join(told)} missing", False,
        tuple(holes),
    )


def _unexplained(due: Int64, windows: Sequence[DueWindow]) -> Int64:
    parts = [w.unexplained(due[(due >= w.start_ms) & (due < w.end_ms)]) for w in windows]
    return np.concatenate(parts) if parts and len(due) else due[:0]

"""What is wrong with funding that kept its contract: schedule, unit, and rates that no market made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span
from huracan_platform.data.market_data.diagnosis.formula import between, constant, digits, leapt_over, unlike_history
from huracan_platform.data.market_data.diagnosis.funding_units import wrong_unit
from huracan_platform.data.market_data.diagnosis.paid import confirmed, copied, multiplied, repeated, unlike_paid
from huracan_platform.data.market_data.diagnosis.premium import expected_rates
from huracan_platform.data.market_data.diagnosis.schedule import off_schedule, wrong_interval
from huracan_platform.data.market_data.diagnosis.settlements import FundingEvidence
from huracan_platform.settings.diagnosis import DiagnosisSettings


def diagnose_funding(evidence: FundingEvidence, settings: DiagnosisSettings) -> list[Diagnosis]:
    """Named faults of a series of settlements, the most telling first.

    Rates that the venue tells or the library has digit for digit were paid; only their schedule is looked at then.
    """
    if len(evidence.rates) == 0:
        return []
    found = [*off_schedule(evidence, settings), *wrong_interval(evidence, settings)]
    if confirmed(evidence, settings):
        return found
    for part in (
        multiplied, wrong_unit, copied, unlike_paid, repeated, constant, _unlike_premium, digits, between, leapt_over,
        unlike_history,
    ):
        found += part(evidence, settings)
    return found


def _unlike_premium(evidence: FundingEvidence, settings: DiagnosisSettings) -> Iterator[Diagnosis]:
    """Rates further from what the premium gives than the interest, which costs no knowledge, is."""
    rates = evidence.rates
    if evidence.marks is None:
        return
    expected = expected_rates(rates, evidence.marks, evidence.interest_8h)
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
        span(rates.ts_ms[known]),
    )

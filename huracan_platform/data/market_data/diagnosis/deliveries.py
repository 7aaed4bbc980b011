"""Names for the faults of a delivery that kept its contract, put into the results of its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, FundingRates
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data.diagnosis.amounts import wrong_interest, wrong_marks, wrong_volumes
from huracan_platform.data.market_data.diagnosis.candles import CandleEvidence, diagnose
from huracan_platform.data.market_data.diagnosis.diagnosis import Diagnosis, Fault, span, worst
from huracan_platform.data.market_data.diagnosis.funding import diagnose_funding
from huracan_platform.data.market_data.diagnosis.paid import confirmed
from huracan_platform.data.market_data.diagnosis.schedule import missing_settlements
from huracan_platform.data.market_data.diagnosis.settlements import FundingEvidence
from huracan_platform.data.market_data.diagnosis.sources import SecondSources
from huracan_platform.data.market_data.gaps import DueWindow, is_refetched
from huracan_platform.data.market_data.results import Subject
from huracan_platform.data.market_data.source import Delivery

if TYPE_CHECKING:
    from huracan_platform.data.market_data.contract import Neighbours

Named = Mapping[date, Sequence[Diagnosis]]
# A premium of the settlement before the first day is made in the day before.
_PREMIUM_MS = DAY_MS


def candle_faults(
    arrays: Mapping[str, Any], delivery: Delivery, windows: Sequence[DueWindow], neighbours: Neighbours
) -> Named:
    """Named faults of candles by day; bars that another venue lent are left alone."""
    candles = Candles(delivery.symbol, **arrays)
    own = candles.at(~is_refetched(candles.ts_ms, delivery.refetched)) if delivery.refetched else candles
    hours = delivery.hours or Candles(delivery.symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))
    # Lent bars are missing for a reason that is told already.
    due = [] if delivery.refetched else windows
    evidence = CandleEvidence(own, hours, windows, due, neighbours.earlier, neighbours.later, neighbours.sources)
    return diagnose(evidence, neighbours.diagnosis)


def funding_faults(
    arrays: Mapping[str, Any], delivery: Delivery, windows: Sequence[DueWindow], neighbours: Neighbours
) -> Named:
    """Named faults of settlements by day.

    The library's own settlements are always at hand. The venue's own, premiums, other symbols and other venues are asked about
    files, which may come from anywhere; the latter three also about what looks wrong.
    """
    rates = FundingRates(delivery.symbol, **arrays)
    nothing = FundingRates(delivery.symbol, np.empty(0, np.int64), np.empty(0), np.empty(0))
    sources = neighbours.sources
    near = nothing if sources is None else sources.rates_near(rates.symbol, delivery.start_ms, delivery.end_ms)
    within = (near.ts_ms >= delivery.start_ms) & (near.ts_ms < delivery.end_ms)
    evidence = FundingEvidence(rates, near.at(~within), near.at(within))
    if sources is not None and delivery.source != "venue":
        evidence = replace(
            evidence, venue=sources.venue, told=sources.rates_told(rates.symbol, delivery.start_ms, delivery.end_ms)
        )
    found = diagnose_funding(evidence, neighbours.diagnosis)
    if sources is not None and len(rates) and (found or (evidence.venue and not confirmed(evidence, neighbours.diagnosis))):
        evidence = _with_sources(evidence, delivery, sources)
        found = diagnose_funding(evidence, neighbours.diagnosis)
    if holes := missing_settlements(rates, windows, neighbours.diagnosis):
        found.append(holes)
    if evidence.venue and len(rates) and not evidence.held:
        told = f"expected rates that {evidence.venue} tells or the library has to hold a file against, got none"
        found.append(Diagnosis(None, told, False, span(rates.ts_ms)))
    return _by_day(found, [window.day for window in windows])


def interest_faults(
    arrays: Mapping[str, Any], delivery: Delivery, windows: Sequence[DueWindow], neighbours: Neighbours
) -> Named:
    """Named faults of open interest by day, against the venue's own hours."""
    hours = delivery.hours
    return {} if hours is None else _each_day(arrays, windows, partial(wrong_interest, hours=hours))


def _against_candles(
    arrays: Mapping[str, Any], delivery: Delivery, windows: Sequence[DueWindow], neighbours: Neighbours, *,
    look: Callable[..., Diagnosis | None],
) -> Named:
    """What a `look` at a day's rows in a file finds, beside the library's candles of the days and of those around."""
    if delivery.source == "venue":
        return {}
    return _each_day(arrays, windows, partial(look, candles=_traded(delivery, neighbours)))


volume_faults = partial(_against_candles, look=wrong_volumes)
mark_faults = partial(_against_candles, look=wrong_marks)


def named(results: Sequence[CheckResult], faults: Sequence[Diagnosis]) -> list[CheckResult]:
    """A day's results with the name of what is wrong leading the message.

    A check that refuses the day already gets the name, else plausibility, which then refuses it where the evidence is certain.
    Missing pages are completeness's, what cannot be known is consistency's.
    """
    pages = [one for one in faults if one.fault is Fault.MISSING_PAGE]
    unheld = [one for one in faults if one.fault is None]
    main = worst([one for one in faults if one.fault not in (None, Fault.MISSING_PAGE)])
    led = {"consistency": unheld[0]} if unheld else {}
    if main is not None:
        blocked = next((result.name for result in results if result.blocking), "plausibility")
        led[blocked] = main
    if pages:
        led["completeness"] = pages[0]
    return [_led(result, led[result.name]) if result.name in led else result for result in results]


def _led(result: CheckResult, one: Diagnosis) -> CheckResult:
    subject = Subject(result.dataset, result.symbol, result.day)
    before = "" if result.passed else "; " + result.message.removeprefix(f"{subject}: ")
    start = day_start_ms(result.day)
    in_day = tuple((max(a, start), min(b, start + DAY_MS - 1)) for a, b in one.bad if a < start + DAY_MS and b >= start)
    severe = one.certain or result.severity is Severity.ERROR
    return replace(
        result, passed=False, severity=Severity.ERROR if severe else Severity.WARNING, blocking=result.blocking or one.certain,
        message=f"{subject}: {one}{before}", bad_ranges=in_day or result.bad_ranges,
        fault="" if one.fault is None else one.fault.value,
    )


def _each_day(
    arrays: Mapping[str, Any], windows: Sequence[DueWindow], look: Callable[..., Diagnosis | None]
) -> Named:
    ts, columns = arrays["ts_ms"], [values for name, values in arrays.items() if name != "ts_ms"]
    found: dict[date, Sequence[Diagnosis]] = {}
    for window in windows:
        of = (ts >= day_start_ms(window.day)) & (ts < day_start_ms(window.day) + DAY_MS)
        one = look(ts[of], *(values[of] for values in columns)) if of.any() else None
        if one is not None:
            found[window.day] = [one]
    return found


def _traded(delivery: Delivery, neighbours: Neighbours) -> Candles:
    sources = neighbours.sources
    if sources is None:
        return Candles(delivery.symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))
    return sources.stored(delivery.symbol, delivery.start_ms - 2 * DAY_MS, delivery.end_ms + 2 * DAY_MS)


def _with_sources(evidence: FundingEvidence, delivery: Delivery, sources: SecondSources) -> FundingEvidence:
    symbol, start, end = delivery.symbol, delivery.start_ms, delivery.end_ms
    return replace(
        evidence, elsewhere=sources.rates_elsewhere(symbol, start, end),
        others=sources.rates_of_others(symbol, start - DAY_MS, end + DAY_MS),
        marks=sources.marks(symbol, start - _PREMIUM_MS, end),
    )


def _by_day(found: Sequence[Diagnosis], days: Sequence[date]) -> Named:
    by_day: dict[date, list[Diagnosis]] = {}
    for one in found:
        for day in days:
            if any(_touches(bad, day_start_ms(day)) for bad in one.bad):
                by_day.setdefault(day, []).append(one)
    return by_day


def _touches(bad: tuple[int, int], start_ms: int) -> bool:
    return bad[0] < start_ms + DAY_MS and bad[1] >= start_ms


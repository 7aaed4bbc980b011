"""From a delivery to what may be stored: contract, six checks, and the state of each day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import pandas as pd

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, OPEN_INTEREST_COLUMNS
from huracan_platform.contracts.quality import CheckResult, DayReport, DayState, ExplainedGap, RefusedBatch, Ruling, Severity
from huracan_platform.data.market_data.contract import Enforced, Neighbours, arrays_of, enforce, refused_batch
from huracan_platform.data.market_data.diagnosis.deliveries import (
    Named,
    candle_faults,
    funding_faults,
    interest_faults,
    mark_faults,
    named,
    volume_faults,
)
from huracan_platform.data.market_data.diagnosis.diagnosis import fault_in
from huracan_platform.data.market_data.funding.kind import FUNDING_COLUMNS
from huracan_platform.data.market_data.gaps import DueWindow, due_window, not_recorded_before
from huracan_platform.data.market_data.kinds import Kind
from huracan_platform.data.market_data.results import Subject, check_result, with_evidence
from huracan_platform.data.market_data.source import Delivery


@dataclass(frozen=True)
class Judgement:
    """`frame` holds the rows to store; the reports have no content hash yet."""

    frame: pd.DataFrame
    days: tuple[DayReport, ...]
    results: tuple[CheckResult, ...]
    refused: tuple[RefusedBatch, ...]


_NONE_RELEASED: Mapping[str, Ruling] = MappingProxyType({})


def judge(
    kind: Kind, delivery: Delivery, neighbours: Neighbours, gaps: Sequence[ExplainedGap],
    releases: Mapping[str, Ruling] = _NONE_RELEASED,
) -> Judgement:
    """Hold a delivery against its contract and the six checks; sort its days into stored and quarantined.

    `releases` are rulings by the content hash of a day's rows: a person took them although checks failed, so those pass and
    the day says by whose word. Nobody can release what breaks the contract.
    """
    windows = _windows(kind, delivery, gaps)
    enforced = enforce(kind.name, delivery, neighbours)
    sound = [window for window in windows if window.day not in enforced.refused]
    checked = _checked(kind, enforced.frame, delivery, sound, neighbours) if sound else {}
    parts = {**enforced.parts, **_by_day(enforced.frame, sound)}
    days, results, refused = [], [], _refused_by_contract(kind, delivery, enforced)
    for window in windows:
        part, reason = parts.get(window.day), enforced.refused.get(window.day)
        if reason is None:
            found = list(checked[window.day])
        else:
            found = [] if part is None else kind.first_checks(part, delivery, window)
        found.insert(0, _contract_result(Subject(kind.name, delivery.symbol, window.day), reason))
        ruling = _ruling_on(kind, delivery, window.day, part, releases) if reason is None else None
        expected = next((int(r.expected) for r in found if r.name == "completeness"), 0)
        found = [with_evidence(r if ruling is None else _overridden(r), part, expected) for r in found]
        report = _report(kind, delivery, window, found, part, ruling)
        if reason is None and part is not None and report.state is DayState.QUARANTINED:
            batch = refused_batch(kind.name, delivery.symbol, window.day, part, "; ".join(report.reasons), delivery.source)
            refused.append(replace(batch, later_ms=_later(delivery, window.day)))
        days.append(report)
        results += found
    return Judgement(_stored(enforced.frame, days, parts), tuple(days), tuple(results), tuple(refused))


def _checked(
    kind: Kind, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], neighbours: Neighbours
) -> dict[date, list[CheckResult]]:
    """The checks of each day, led by the names of faults."""
    earlier, before = neighbours.earlier, neighbours.before
    if earlier is not None and (len(earlier) == 0 or int(earlier.ts_ms[-1]) != delivery.start_ms - MINUTE_MS):
        before = None  # a close of some time before is no neighbour
    checked = kind.checks(frame, delivery, windows, before)
    if kind.name not in _NAMED:
        return dict(checked)
    columns, faults_of = _NAMED[kind.name]
    faults = faults_of(arrays_of(frame, columns), delivery, windows, neighbours)
    return {day: named(results, faults.get(day, ())) for day, results in checked.items()}


_NAMED: dict[str, tuple[tuple[str, ...], Callable[..., Named]]] = {
    "candles": (CANDLE_COLUMNS, candle_faults), "funding": (FUNDING_COLUMNS, funding_faults),
    "open_interest": (OPEN_INTEREST_COLUMNS, interest_faults), "taker_volumes": (("buy", "sell"), volume_faults),
    "mark_prices": (("mark", "index", "premium"), mark_faults),
}


def judge_malformed(kind: Kind, symbol: str, days: tuple[date, ...], rows: pd.DataFrame, reason: str) -> Judgement:
    """Every day quarantined: what came were no rows of this dataset at all."""
    results = tuple(with_evidence(_contract_result(Subject(kind.name, symbol, day), reason), rows, 0) for day in days)
    reports = tuple(DayReport(symbol, day, DayState.QUARANTINED, 0, 0, None, (reason,)) for day in days)
    return Judgement(rows.iloc[:0], reports, results, (refused_batch(kind.name, symbol, days[0], rows, reason, "venue"),))


def _windows(kind: Kind, delivery: Delivery, gaps: Sequence[ExplainedGap]) -> list[DueWindow]:
    """The days that touch the listing, from their recorder's first start on."""
    listing = delivery.listing
    first = max(listing.first_ms, delivery.since_ms or 0)
    found = [due_window(d, first, listing.last_ms, delivery.observed_ms, kind.grace_ms, gaps) for d in delivery.days]
    return [window for window in found if window.end_ms > window.start_ms]


def _refused_by_contract(kind: Kind, delivery: Delivery, enforced: Enforced) -> list[RefusedBatch]:
    if not enforced.refused:
        return []
    if not enforced.parts:  # one batch, kept under its first day
        reason = next(iter(enforced.refused.values()))
        return [refused_batch(kind.name, delivery.symbol, delivery.days[0], delivery.frame, reason, delivery.source)]
    return [
        refused_batch(kind.name, delivery.symbol, day, part, enforced.refused[day], delivery.source)
        for day, part in enforced.parts.items()
    ]


def _later(delivery: Delivery, day: date) -> dict[int, int]:
    """Since when rows of the day are known that rest on something that came later: a release must not forget it."""
    return {ts: known for ts, known in delivery.later_ms.items() if day_of(ts) == day}


def _contract_result(subject: Subject, reason: str | None) -> CheckResult:
    result = check_result(subject, "contract", reason is None, float(reason is None), 1, "")
    if reason is None:
        return result
    return replace(result, message=reason, fault=fault_in(reason))  # the reason names its subject already


def _by_day(frame: pd.DataFrame, windows: Sequence[DueWindow]) -> dict[date, pd.DataFrame]:
    """Rows of each day, of rows in time order."""
    if len(frame) == 0:
        return {window.day: frame for window in windows}
    ts = frame["ts"].astype("int64").to_numpy()
    starts = [day_start_ms(window.day) for window in windows]
    edges = ts.searchsorted([(start, start + DAY_MS) for start in starts])
    return {window.day: frame.iloc[first:last] for window, (first, last) in zip(windows, edges, strict=True)}


def _stored(frame: pd.DataFrame, days: Sequence[DayReport], parts: Mapping[date, pd.DataFrame]) -> pd.DataFrame:
    kept = [parts[day.day] for day in days if day.state is not DayState.QUARANTINED]
    if len(kept) == len(days):
        return frame
    return pd.concat(kept) if kept else frame.iloc[:0]


def _report(
    kind: Kind, delivery: Delivery, window: DueWindow, results: Sequence[CheckResult], part: pd.DataFrame | None,
    ruling: Ruling | None,
) -> DayReport:
    completeness = next((result for result in results if result.name == "completeness"), None)
    expected = int(completeness.expected) if completeness else 0
    state = _state(kind, window, delivery, results, part)
    rows = 0 if part is None or state is DayState.QUARANTINED else len(part)
    # What has a name says most and leads.
    reasons = [r.message for r in sorted(results, key=lambda r: not r.fault) if not r.passed]
    if ruling is not None:
        reasons.append(f"{Subject(kind.name, delivery.symbol, window.day)}: rows from quarantine, {ruling.told}")
    if delivery.since_ms is not None and day_start_ms(window.day) < delivery.since_ms:
        reasons.append(f"{Subject(kind.name, delivery.symbol, window.day)}: {not_recorded_before(delivery.since_ms)}")
    return DayReport(delivery.symbol, window.day, state, rows, expected, None, tuple(reasons))


def _ruling_on(
    kind: Kind, delivery: Delivery, day: date, part: pd.DataFrame | None, releases: Mapping[str, Ruling]
) -> Ruling | None:
    """The release of these very rows, if there is one."""
    if part is None or not releases:
        return None
    return releases.get(refused_batch(kind.name, delivery.symbol, day, part, "", delivery.source).content_hash)


def _overridden(result: CheckResult) -> CheckResult:
    """A failure that would keep the day out is none by a person's word."""
    return replace(result, passed=True, severity=Severity.OK, blocking=False) if result.blocking else result


def _state(
    kind: Kind, window: DueWindow, delivery: Delivery, results: Sequence[CheckResult], part: pd.DataFrame | None
) -> DayState:
    if any(result.blocking for result in results):
        return DayState.QUARANTINED
    newest = None if part is None or len(part) == 0 else int(part["ts"].iloc[-1].timestamp() * 1000)
    if not kind.is_over(window, newest, delivery.observed_ms):
        return DayState.OPEN
    complete = next((r for r in results if r.name == "completeness"), None)
    lent = any(day_of(one.start_ms) == window.day for one in delivery.refetched)
    if lent or (complete is not None and complete.observed < complete.expected * kind.quality.coverage_degraded):
        return DayState.DEGRADED
    return DayState.GOOD

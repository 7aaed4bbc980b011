"""The contract and the six quality checks of a dataset as Dagster check results: one per check and run, over all its days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from huracan_platform.clock import DAY_MS, day_start_ms, to_datetime
from huracan_platform.contracts.quality import CheckResult, DayState, Severity
from huracan_platform.data.market_data.report import CheckSummary, IngestReport
from huracan_platform.operations.check_incidents import FAILURES, FETCH

CHECKS = {
    "contract": "columns, types, unit, time zone and order as the dataset's contract says; refused rows are kept in quarantine",
    "completeness": "rows got against rows expected, explained gaps aside; of live recordings, the time covered",
    "uniqueness": "one row a key, time strictly ascending",
    "validity": "finite, positive prices and amounts, OHLC order, volume not negative; a rate within its bound",
    "freshness": "newest row younger than two of its dataset's steps by the market clock; newest partition only",
    "plausibility": "no change beyond 10 MAD-sigmas that a second venue does not confirm",
    "consistency": "agrees with what the venue tells beside: minutes with its hours, USD with prices, volumes with candles",
}
FIRST_FAILURES = 20


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """The contract and the six, all blocking."""
    return [dg.AssetCheckSpec(name, asset=asset, blocking=True, description=text) for name, text in CHECKS.items()]


def results(asset: str, report: IngestReport) -> list[dg.AssetCheckResult]:
    """One result for the contract and each of the six.

    A failure that left no good day in the run is an error, which stops what is downstream. While good days are left it is a
    warning that names the bad ones: downstream reads good days only, so one bad day does not hold up a batch. A symbol
    that could not be fetched has no day in the report: completeness fails for it. Days that
    the source does not keep are no failure, nor are those outside of the symbols' listings.
    """
    found = {check.name: check for check in report.checks}
    nothing_good = not report.in_state(DayState.GOOD) and not report.in_state(DayState.OPEN)
    if (report.days or report.not_due) and not report.checks and not report.unfetched:
        return [_nothing_to_check(asset, name, report) for name in CHECKS]
    results = {name: _result(asset, name, found.get(name), nothing_good, report) for name in CHECKS}
    if report.unfetched:
        results["completeness"] = _unfetched(results["completeness"], report)
    return list(results.values())


def _nothing_to_check(asset: str, name: str, report: IngestReport) -> dg.AssetCheckResult:
    lost, asked = len(report.in_state(DayState.UNAVAILABLE)), len(report.days)
    if not asked:
        text = f"{name}: nothing to check, none of the symbols was listed on these days"
        return dg.AssetCheckResult(asset_key=asset, check_name=name, passed=True, description=text)
    text = f"{name}: nothing new to check, the source keeps none of these days; {lost} of {asked} were not recorded in time"
    return dg.AssetCheckResult(asset_key=asset, check_name=name, passed=True, description=text)


def _unfetched(completeness: dg.AssetCheckResult, report: IngestReport) -> dg.AssetCheckResult:
    missing = "; ".join(f"{symbol} could not be fetched: {why}" for symbol, why in report.unfetched.items())
    severity = completeness.severity if not completeness.passed else dg.AssetCheckSeverity.WARN
    metadata = dict(completeness.metadata or {})
    given_up = [_given_up(report, symbol, days) for symbol, days in report.given_up.items()]
    if given_up:
        failed = metadata[FAILURES].value if FAILURES in metadata else []
        metadata[FAILURES] = dg.MetadataValue.json([*failed, *given_up])  # type: ignore[misc]
    description = f"{missing}; {completeness.description}"
    return completeness._replace(passed=False, severity=severity, description=description, metadata=metadata)


def _given_up(report: IngestReport, symbol: str, days: Sequence[date]) -> dict[str, Any]:
    """A symbol's days that could not be fetched, as one failure of the first of them."""
    first, last = min(days), max(days)
    start, end = day_start_ms(first), day_start_ms(last) + DAY_MS - 1
    return {
        "day": str(first), "venue": report.venue, "symbol": symbol, "severity": Severity.ERROR.value, "rule": FETCH,
        "message": f"{report.dataset} {symbol} {first} to {last}: could not be fetched: {report.unfetched[symbol]}",
        "observed": 0.0, "expected": float(len(days)), "blocking": False, "bad_ranges": [[start, end]],
        "counts": {"days expected": len(days), "days got": 0},
        "sample": [{"from": to_datetime(start).isoformat(), "to": to_datetime(end).isoformat(), "row": "none came"}],
    }


def _result(
    asset: str, name: str, check: CheckSummary | None, nothing_good: bool, report: IngestReport
) -> dg.AssetCheckResult:
    if check is None:  # nothing was fetched, so nothing was checked: that is no pass
        return dg.AssetCheckResult(
            asset_key=asset,
            check_name=name,
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{name}: not evaluated, the run got no rows to check",
            # Why there are none is told once, by completeness.
            metadata={FAILURES: dg.MetadataValue.json([])} if report.given_up else {},
        )
    stops = nothing_good and check.blocking
    severity = dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN
    metadata: dict[str, dg.MetadataValue] = {"symbol_days": dg.MetadataValue.int(check.days)}
    if check.failing:
        metadata["failing"] = dg.MetadataValue.md(_failures(check))
        metadata["failing_count"] = dg.MetadataValue.int(len(check.failing))
        metadata[FAILURES] = dg.MetadataValue.json([_failure(r, report.venue) for r in check.failing[:FIRST_FAILURES]])
    return dg.AssetCheckResult(
        asset_key=asset, check_name=name, passed=check.passed, severity=severity, description=check.message, metadata=metadata
    )


def _failure(result: CheckResult, venue: str) -> dict[str, Any]:
    """A failed symbol-day as plain values: what an incident tells of it."""
    return {
        "day": str(result.day), "venue": venue, "symbol": result.symbol, "severity": result.severity.value, **result.details(),
    }


def _failures(check: CheckSummary) -> str:
    rows: Sequence[str] = [
        f"| {r.day} | {r.symbol} | {r.observed:g} | {r.expected:g} | {r.message} |" for r in check.failing[:FIRST_FAILURES]
    ]
    return "\n".join(["| day | symbol | observed | expected | what |", "|---|---|---|---|---|", *rows])

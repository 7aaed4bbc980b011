"""What a failed check or a failed run means as an incident, and when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.clock import MINUTE_MS, to_datetime
from huracan_platform.contracts.incident import Incident, IncidentSeverity
from huracan_platform.data.market_data.recorded import RECORDED_LIVE

CHECK_FAILED, RUN_FAILED, RUN_INTERRUPTED = "check_failed", "run_failed", "run_interrupted"
FETCH = "fetch"  # the rule that a symbol breaks whose days could not be fetched, as the quality log calls it
# Metadata of a check result: the failed symbol-days as plain values; how loud a failure is where it is not an error; and
# what failed in each partition of the run, empty where it passed.
FAILURES, LOUDNESS, BY_PARTITION = "failing_results", "incident_severity", "by_partition"
SAMPLE_ROWS = 5
DATASETS = {"funding_rates": "funding"}  # assets whose dataset in the quality log has another name

NOT_THERE = "what this run should have made is not there"
# What stops when data, features or models fail their checks; told with the incident.
EFFECTS = {
    "candles": "features skip the day for this symbol; training waits or goes without it",
    "funding_rates": "the day's funding is not used; features take the last good rate",
    "open_interest": "the day's open interest is not used",
    "mark_prices": "the day's basis is not used",
    "account_ratios": "the day's account ratios are not used",
    "taker_volumes": "the day's taker volumes are not used",
    "liquidations": "the day's liquidation features say so and are not used",
    "sentiment": "the day's sentiment is not used",
    "trades": "the day's trades of each second are not used",
    "book": "the day's books of each second are not used",
    "data_inventory": "what misses its days is not traded on: features and training go without them",
    "data_repair": "days that stay degraded or quarantined are not read: features and training go without them",
    "data_summary": "none by itself: what the sentences name is not read downstream",
    "positioning_features": "the day's positioning features are not there",
    "features": "nothing downstream of the day is built; a running session keeps its last good features and is not fed new ones",
    "model_drift": "a training is asked for; the version in charge gives way where the one before it did not drift",
    "trained_models": "none by itself: a version trades only when it is authorised",
    "feature_importance": "none: the ranking informs the next training",
    "paper_session": "no session trades until the next one begins",
    "rehearsal": "none by itself: were the version in charge to fail, the one before could not take over",
}


@dataclass(frozen=True)
class CheckOutcome:
    """One evaluation of a check in a run. `failures` are failed symbol-days as plain values, None where it does not tell them
    apart; a failed check without any is told of by another.
    """

    asset: str
    check: str
    passed: bool
    blocking: bool
    description: str
    partition: str
    run_id: str
    at_ms: int
    loudness: str = ""
    failures: Sequence[Mapping[str, Any]] | None = None

    @property
    def key(self) -> str:
        """Dedupe key of the check as a whole, in this partition."""
        return "|".join(("check", self.asset, self.check, self.partition))

    def by_partition(self, told: Mapping[str, str]) -> list[CheckOutcome]:
        """One outcome per partition of a run over several; `told` is what failed in each, empty where it passed."""
        return [replace(self, partition=name, passed=not text, description=text) for name, text in told.items()]


def incidents_of(outcome: CheckOutcome, ui: str) -> list[Incident]:
    """An incident per failed symbol-day where the check names them, else one for the check; none where it passed."""
    if outcome.passed:
        return []
    severity = IncidentSeverity.CRITICAL if outcome.blocking else IncidentSeverity(outcome.loudness or "warning")
    links = {"run": f"{ui}/runs/{outcome.run_id}", "asset": f"{ui}/assets/{outcome.asset}"}
    effect = EFFECTS.get(outcome.asset, "")
    if outcome.failures is None:
        return [Incident(
            CHECK_FAILED, severity, outcome.key, f"{outcome.asset}: {outcome.check} failed. {outcome.description}".strip(),
            asset=outcome.asset, partition=outcome.partition, rule=outcome.check, trading_effect=effect, links=links,
        )]
    return [_of_failure(outcome, failure, effect, links) for failure in outcome.failures]


def _of_failure(
    outcome: CheckOutcome, failure: Mapping[str, Any], effect: str, links: Mapping[str, str]
) -> Incident:
    ranges: list[list[int]] = failure["bad_ranges"]
    rule = failure.get("rule", outcome.check)
    # A day that was taken from the library touches what trades; an error beside it wants a look; a warning is on record.
    error = IncidentSeverity.CRITICAL if failure["blocking"] else IncidentSeverity.WARNING
    severity = error if failure["severity"] == "error" else IncidentSeverity.INFO
    return Incident(
        CHECK_FAILED, severity, day_key(outcome.asset, rule, failure["symbol"], failure["day"]), failure["message"],
        asset=outcome.asset, partition=failure["day"], symbol=failure["symbol"], rule=rule,
        observed=f"{failure['observed']:g}", expected=f"{failure['expected']:g}",
        venue=failure.get("venue", ""), counts={**failure.get("counts", {}), "bad stretches": len(ranges)},
        first_bad=_time(ranges[0][0]) if ranges else "", last_bad=_time(ranges[-1][1]) if ranges else "",
        sample=tuple(failure["sample"][:SAMPLE_ROWS]), trading_effect=effect,
        action_taken=_action(failure, rule),
        links={
            **links, "day": f"{links['asset']}?view=partitions&partition={failure['day']}",
            "check": f"{links['asset']}?view=checks&checkDetail={outcome.check}",
        },
        command=_next(DATASETS.get(outcome.asset, outcome.asset), failure, rule),
    )


def _action(failure: Mapping[str, Any], rule: str) -> str:
    if rule == FETCH:
        return "the days are not read downstream; the nightly repair asks for them again"
    return "the day's rows are in quarantine, apart from the library" if failure["blocking"] else "noted, rows kept"


def _next(dataset: str, failure: Mapping[str, Any], rule: str) -> str:
    day, symbol = failure["day"], failure["symbol"]
    if dataset in RECORDED_LIVE and rule in ("completeness", "freshness"):
        return "huracan status"  # of the recorder: what it missed cannot be fetched
    last = to_datetime(failure["bad_ranges"][-1][1]).date() if rule == FETCH else day
    look = "huracan data quarantine list, then " if failure["blocking"] else ""
    return f"{look}huracan data backfill --dataset {dataset} --from {day} --to {last} --symbols {symbol}"


def _time(ms: int) -> str:
    """To the minute, or to the second where it is within one."""
    return f"{to_datetime(ms):%Y-%m-%d %H:%M:%S}" if ms % MINUTE_MS else f"{to_datetime(ms):%Y-%m-%d %H:%M}"


def day_key(asset: str, check: str, symbol: str, day: str) -> str:
    """Dedupe key of a check that failed for one day of one symbol."""
    return "|".join(("check", asset, check, symbol, day))


def run_incident(job: str, partition: str, run_id: str, error: str, ui: str) -> Incident:
    """A failed run. The same job and partition failing again is the same incident."""
    assets = {"paper_session_job": "paper_session", "rehearsal_job": "rehearsal"}
    return Incident(
        RUN_FAILED, IncidentSeverity.CRITICAL, run_key(job, partition), f"{job} failed: {error}", partition=partition,
        observed=error, trading_effect=EFFECTS.get(assets.get(job, ""), NOT_THERE), links={"run": f"{ui}/runs/{run_id}"},
    )


def interruption(job: str, partition: str, run_id: str, ui: str) -> Incident:
    """A run that an ordered shutdown ended. On record apart from failures of the job, as a later one is to be told."""
    return Incident(
        RUN_INTERRUPTED, IncidentSeverity.INFO, interruption_key(job, partition), f"{job} was interrupted by shutdown",
        partition=partition, trading_effect=NOT_THERE,
        action_taken="the run was canceled; what it makes is made when its job runs for the partition next, or is launched again",
        links={"run": f"{ui}/runs/{run_id}"},
    )


def run_key(job: str, partition: str) -> str:
    """Dedupe key of a job's failure."""
    return "|".join(("run", job, partition))


def interruption_key(job: str, partition: str) -> str:
    """Dedupe key of a job's interruption."""
    return "|".join(("interrupted", job, partition))


class CheckWatch:
    """Opens and closes incidents of checks."""

    def __init__(self, brain: Brain, ui: str) -> None:
        self._incidents, self._quality, self._ui = IncidentRepository(brain), QualityRepository(brain), ui

    def take(self, outcomes: Iterable[CheckOutcome]) -> int:
        """Record what failed and close what passed again, in the order of evaluation; returns how many were opened."""
        opened = 0
        for outcome in outcomes:
            at = to_datetime(outcome.at_ms)
            if outcome.passed:
                self._incidents.resolve(at, [outcome.key])
            opened += sum(self._incidents.open_incident(at, incident) for incident in incidents_of(outcome, self._ui))
        return opened

    def close_repaired(self, now: datetime) -> int:
        """Close incidents of days whose check has passed since, as the quality log has it; returns how many."""
        open_days = [row.incident for row in self._incidents.open("check|") if row.incident.symbol]
        if not open_days:
            return 0
        since = date.fromisoformat(min(incident.partition for incident in open_days))
        # Of another venue's day the same check may pass or fail: that says nothing of this one.
        failing = {(i.venue, i.dataset, i.issue_type, i.symbol, str(i.day)) for i in self._quality.open_issues(since=since)}
        repaired = [
            i.dedupe_key for i in open_days
            if (i.venue, DATASETS.get(i.asset, i.asset), i.rule, i.symbol, i.partition) not in failing
        ]
        return self._incidents.resolve(now, repaired) if repaired else 0

"""What an operator is told of a run's checks."""

from __future__ import annotations

from dataclasses import fields

from huracan_platform.contracts.incident import Incident
from huracan_platform.data.market_data.report import IngestReport
from huracan_platform.defs.data.checks import results
from huracan_platform.operations.check_incidents import FAILURES, CheckOutcome, incidents_of

AT_MS = 1_735_900_000_000


def told_by(report: IngestReport, asset: str) -> list[Incident]:
    """Incidents of all checks of a run, as the sensor opens them."""
    outcomes = [
        CheckOutcome(
            asset, r.check_name or "", bool(r.passed), False, r.description or "", "", "run", AT_MS, "",
            r.metadata[FAILURES].value if FAILURES in r.metadata else None,  # type: ignore[arg-type]
        )
        for r in results(asset, report)
    ]
    return [incident for outcome in outcomes for incident in incidents_of(outcome, "http://ui")]


def left_empty(incident: Incident) -> list[str]:
    """Fields that say nothing."""
    return [field.name for field in fields(incident) if not getattr(incident, field.name)]

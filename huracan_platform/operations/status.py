"""How the whole platform stands, from the library alone: it answers while venue, Dagster and sessions are down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.execution.leases import LeaseRepository
from huracan_platform.brain.execution.risk import RiskRepository
from huracan_platform.brain.execution.sessions import SwitchRepository
from huracan_platform.brain.execution.traces import TraceRepository
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.brain.learning.retraining import RetrainingRepository
from huracan_platform.brain.operations.incidents import IncidentRepository
from huracan_platform.brain.operations.outbox import Outbox
from huracan_platform.clock import Clock
from huracan_platform.contracts.incident import IncidentSeverity
from huracan_platform.contracts.order import TradingState
from huracan_platform.data.market_data.recorders import recorder_reports
from huracan_platform.learning.registry import Registry
from huracan_platform.operations.impact import revised_facts


@dataclass(frozen=True)
class Datasets:
    """One dataset of a venue: symbols, the newest days in a row that are good of all of them (None: no day is), days not good."""

    venue: str
    dataset: str
    symbols: int
    whole_from: date | None
    whole_until: date | None
    degraded: int
    quarantined: int


@dataclass(frozen=True)
class RecorderLine:
    """One recorder: what it does and since when, its last frame (market clock), the day's gaps and the last hour's share."""

    dataset: str
    source: str
    state: str
    since: str
    last_frame: str
    gaps_today: int
    last_hour: str
    said: str


@dataclass(frozen=True)
class AccountState:
    """One account in the books: what it may do and why, and the governor's state."""

    venue: str
    account: str
    trading_state: TradingState
    trading_reason: str
    governor: str


@dataclass(frozen=True)
class PlatformStatus:
    """All of it. `trading` maps a symbol to the version that was last allowed to trade it, `revised` such a version to the
    number of facts of its data set that have other values now.
    """

    session_wanted: bool
    leases: tuple[str, ...]
    datasets: tuple[Datasets, ...]
    recorders: tuple[RecorderLine, ...]
    trading: dict[str, str]
    accounts: tuple[AccountState, ...]
    open_incidents: dict[str, int]
    channels: list[dict[str, Any]]
    retrainings: tuple[str, ...]
    revised: dict[str, int]

    @property
    def troubles(self) -> tuple[str, ...]:
        """What needs a person, a line each; empty where all is well."""
        found = []
        if self.session_wanted and not self.leases:
            found.append("a session is wanted and no lease is held")
        if critical := self.open_incidents.get(IncidentSeverity.CRITICAL.value, 0):
            found.append(f"{critical} critical incidents are open (huracan incidents)")
        found += [
            f"{a.account} at {a.venue} is {a.trading_state}: {a.trading_reason}"
            for a in self.accounts if a.trading_state is not TradingState.ACTIVE
        ]
        found += [f"{c['channel']}: {c['waiting']} messages wait ({c['error']})" for c in self.channels if c["error"]]
        return tuple(found)


def platform_status(brain: Brain, registry: Registry, gateway: str, clock: Clock) -> PlatformStatus:
    """Read everything now."""
    trading = _trading(registry, gateway, clock.wire_ms())
    severities = [row.incident.severity.value for row in IncidentRepository(brain).open()]
    return PlatformStatus(
        session_wanted=SwitchRepository(brain).wanted(gateway),
        leases=tuple(f"{lease.name}, epoch {lease.epoch}" for lease in LeaseRepository(brain).running()),
        datasets=_datasets(brain),
        recorders=recorder_lines(brain, clock.wire_ms()),
        trading=trading,
        accounts=_accounts(brain),
        open_incidents={s.value: severities.count(s.value) for s in IncidentSeverity},
        channels=Outbox(brain).state(),
        retrainings=tuple(f"{r.symbol}: {r.trigger.reason}" for r in RetrainingRepository(brain).open()),
        revised={model_id: count for model_id in trading.values() if (count := revised_facts(brain, registry.card(model_id)))},
    )


def recorder_lines(brain: Brain, wire_ms: int) -> tuple[RecorderLine, ...]:
    """Every recorder that ever was, for people."""
    return tuple(
        RecorderLine(
            r.dataset, r.source, r.state, f"{r.since:%Y-%m-%d %H:%M}",
            "never" if r.last_frame is None else f"{r.last_frame:%Y-%m-%d %H:%M:%S}", len(r.gaps), f"{r.covered:.1%}", r.said,
        )
        for r in recorder_reports(brain, wire_ms)
    )


def _datasets(brain: Brain) -> tuple[Datasets, ...]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    quality = QualityRepository(brain)
    whole = quality.whole_days()
    for row in quality.coverage():
        found.setdefault((row["venue"], row["dataset"]), []).append(row)
    told = []
    for (venue, dataset), rows in sorted(found.items()):
        first, last = whole.get((venue, dataset), (None, None))
        bad = sum(r["degraded"] for r in rows), sum(r["quarantined"] for r in rows)
        told.append(Datasets(venue, dataset, len(rows), first, last, *bad))
    return tuple(told)


def _trading(registry: Registry, gateway: str, now_ms: int) -> dict[str, str]:
    granted: dict[str, tuple[int, str]] = {}
    for card in registry.cards():
        grant = registry.authorisation(card.model_id, gateway, now_ms)
        if grant.valid and grant.authorisation is not None:
            granted[card.symbol] = max(granted.get(card.symbol, (0, "")), (grant.authorisation.granted_ms, card.model_id))
    return {symbol: model_id for symbol, (_, model_id) in sorted(granted.items())}


def _accounts(brain: Brain) -> tuple[AccountState, ...]:
    found = []
    for venue, account in TraceRepository(brain).accounts():
        risk = RiskRepository(brain, venue, account)
        state, reason = risk.trading_state()
        governor = risk.governor()
        found.append(AccountState(venue, account, state, reason, governor.state if governor else "NORMAL"))
    return tuple(found)

"""The demo's report: every asset, what is in the library, what was trained and judged, what was traded and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from huracan_platform.cli.output import console, table
from huracan_platform.settings import Settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.contracts.model import ModelCard
    from huracan_platform.defs.launch import AssetRun

TOP = 5  # features shown of a version


def print_report(settings: Settings, made: Sequence[AssetRun], session_run_id: str) -> None:
    """Print assets, data, models, importance, verdicts, policies, drift, incidents, the session and one trade's passport.

    Raises
    ------
    PermanentError
        As `print_assets`.
    """
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.defs.resources import Platform

    brain = open_brain(settings, Role.VIEWER)
    platform = Platform()
    venue = platform.market().venue
    registry = platform.registry(brain)
    newest = [registry.newest(venue, s, a) for s in settings.symbols for a in settings.training.architectures]
    cards = [card for card in newest if card is not None]
    print_assets(made)
    _print_data(brain, settings)
    _print_models(cards)
    _print_importance(brain, cards)
    _print_verdicts(brain, cards)
    _print_policies(brain, venue, settings)
    _print_drift(brain, cards)
    _print_incidents(brain)
    _print_session(brain, session_run_id)


def print_assets(made: Sequence[AssetRun]) -> None:
    """Every asset of the definitions in the order of the data's way, runs of the demo added up.

    Raises
    ------
    PermanentError
        An asset of the definitions was not made.
    """
    from huracan_platform.definitions import defs
    from huracan_platform.defs.launch import assets_in_order
    from huracan_platform.errors import PermanentError

    rows, missing = [], []
    for group, asset in assets_in_order(defs):
        runs = [run for run in made if run.asset == asset]
        counts = [run.rows for run in runs if run.rows is not None]
        seconds = sum(run.seconds for run in runs)
        rows.append((
            group, asset, len(runs), sum(run.partitions for run in runs), f"{sum(counts):,}" if counts else "", f"{seconds:.1f}"
        ))
        missing += [asset] if not runs else []
    table("Every asset, as this demo made it", ("group", "asset", "runs", "partitions", "rows", "seconds"), rows)
    if missing:
        raise PermanentError(f"demo: expected every asset to be made, got none of {', '.join(missing)}")


def _print_data(brain: Brain, settings: Settings) -> None:
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.contracts.quality import DayState

    rows = [
        (
            found["venue"],
            found["dataset"],
            found["symbol"],
            f"{found['rows']:,}",
            f"{found['rows'] / found['expected']:.1%}" if found["expected"] else "n/a",
            ", ".join(f"{found[state.value]} {state.value}" for state in DayState if found[state.value]),
        )
        for found in QualityRepository(brain).coverage()
        if found["symbol"] in settings.symbols
    ]
    table("Data in the library", ("venue", "dataset", "symbol", "rows", "coverage", "days by state"), rows)


def _print_models(cards: list[ModelCard]) -> None:
    rows = []
    for card in cards:
        test = card.manifest["metrics"]["test"]
        dataset = card.manifest["dataset"]
        rows.append(
            (
                card.model_id,
                f"{dataset['labelled']:,}",
                *(_number(test[name]) for name in ("auc", "accuracy", "brier_skill", "ece")),
                card.manifest["fit"]["calibrator"],
            )
        )
    table(
        "Models, scored on the held-out last 15 % of the days",
        ("model", "labels", "AUC", "accuracy", "Brier skill", "ECE", "calibrator"),
        rows,
    )


def _print_verdicts(brain: Brain, cards: list[ModelCard]) -> None:
    """A line per model, then each reason for what was not passed once, with the models that it holds for."""
    from huracan_platform.brain.learning.verdicts import VerdictRepository
    from huracan_platform.contracts.model import GateStatus

    signs = {GateStatus.PASS: "pass", GateStatus.FAIL: "FAIL", GateStatus.INSUFFICIENT: "lacks"}
    found = {card.model_id: sorted(VerdictRepository(brain).latest(card.model_id), key=lambda v: v.gate) for card in cards}
    gates = next((verdicts for verdicts in found.values() if verdicts), [])
    rows = [(model_id, *(signs[v.status] for v in verdicts)) for model_id, verdicts in found.items()]
    named = ", ".join(f"{v.gate} {v.name}" for v in gates)
    table(f"Verdicts, out of sample after costs, by gate: {named}", ("model", *(str(v.gate) for v in gates)), rows)
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for model_id, verdicts in found.items():
        for v in verdicts:
            if v.status is not GateStatus.PASS:
                reasons.setdefault((f"{v.gate} {v.name}", signs[v.status], v.reason), []).append(model_id)
    rows = [(*why, "all" if len(names) == len(cards) else "\n".join(names)) for why, names in sorted(reasons.items())]
    table("What was not passed, and why", ("gate", "verdict", "reason", "models"), rows)


def _print_importance(brain: Brain, cards: list[ModelCard]) -> None:
    from huracan_platform.brain.learning.importance import ImportanceRepository

    ranked = [(card.model_id, ImportanceRepository(brain).of(card.model_id)[:TOP]) for card in cards]
    table(
        f"What the models relied on: best {TOP} features with their share of all contributions",
        ("model", "features"),
        [(name, ", ".join(f"{i.feature} {i.contribution:.0%}" for i in best)) for name, best in ranked],
    )


def _print_policies(brain: Brain, venue: str, settings: Settings) -> None:
    from huracan_platform.brain.learning.policies import PolicyRepository

    policies, rows = PolicyRepository(brain), []
    for symbol in settings.symbols:
        cards = policies.all(venue=venue, symbol=symbol)
        card = max(cards, key=lambda c: c.version, default=None)
        verdict = policies.verdict(card.policy_id) if card is not None else None
        if card is not None and verdict is not None:
            trained_for = f"{len(card.manifest['seeds'])} × {card.manifest['timesteps']:,}"
            approved = "approved" if verdict.approved else "not approved"
            rows.append((card.policy_id, trained_for, verdict.days, verdict.winner, approved, verdict.reason))
    table(
        "Risk policies against rules, fixed defaults and no trading, on held-out days",
        ("policy", "seeds × steps", "days", "winner", "verdict", "reason"),
        rows,
    )


def _print_drift(brain: Brain, cards: list[ModelCard]) -> None:
    from huracan_platform.brain.learning.drift import DriftRepository
    from huracan_platform.contracts.drift import DriftLevel

    rows = []
    for card in cards:
        found = DriftRepository(brain).newest(card.model_id)
        measured = [c for c in found if c.psi == c.psi]
        worst = max(measured, key=lambda c: c.psi, default=None)
        levels = ", ".join(f"{n} {level.value}" for level in DriftLevel if (n := sum(c.level is level for c in found)))
        rows.append((
            card.model_id, max((c.rows for c in found), default=0), levels or "no live row yet",
            "" if worst is None else f"{worst.column} {worst.psi:.2f}",
        ))
    table("Drift of rows since the training", ("model", "live rows", "columns by level", "largest PSI"), rows)
    if any(DriftLevel.UNMEASURED.value in row[2] for row in rows):
        console.print("unmeasured: too few independent rows yet for a PSI to mean anything, however large", highlight=False)


def _print_incidents(brain: Brain) -> None:
    """Open incidents by what they are about, the loudest first."""
    from huracan_platform.brain.operations.incidents import IncidentRepository
    from huracan_platform.contracts.incident import IncidentSeverity

    by_rule: dict[tuple[IncidentSeverity, str, str], list[str]] = {}
    for row in IncidentRepository(brain).open():
        incident = row.incident
        by_rule.setdefault((incident.severity, incident.asset or incident.kind, incident.rule), []).append(incident.title)
    loudest = sorted(by_rule.items(), key=lambda found: list(IncidentSeverity).index(found[0][0]), reverse=True)
    rows = [(severity.value, about, rule, len(titles), titles[0]) for (severity, about, rule), titles in loudest]
    table("Open incidents (`huracan incidents` has all)", ("severity", "about", "rule", "number", "the first"), rows)


def _print_session(brain: Brain, run_id: str) -> None:
    from huracan_platform.brain.execution.sessions import SessionRepository
    from huracan_platform.cli.passport_view import print_passport
    from huracan_platform.decision.risk.checks import CHECK_NAMES
    from huracan_platform.execution.passport import PassportOffice

    report = SessionRepository(brain).report_of_run(run_id)
    console.print(
        f"\nPaper session {report['session_id']}: {report['market_hours']:.1f} market hours in {report['wall_s']:.0f} s, "
        f"{sum(report['bars'].values()):,} bars, {report['end_reason']}",
        highlight=False,
    )
    table("Decisions by reason", ("reason", "count"), report["decisions"].items())
    if report["denials"]:
        denied = [
            (code, CHECK_NAMES.get(code.partition(".")[0], "smaller than the venue takes"), number)
            for code, number in report["denials"].items()
        ]
        table("Denied before they were sent", ("check", "about", "count"), denied)
    if report["trades"]:
        table(
            "Trades",
            ("symbol", "side", "quantity", "entry", "exit", "fees", "PnL, USD"),
            [
                (t["symbol"], t["side"], t["quantity"], t["entry_price"], t["exit_price"], t["fees"], t["pnl"])
                for t in report["trades"]
            ],
        )
        console.print(
            f"{len(report['trades'])} trades, PnL after fees {report['pnl_usd']} USD on {report['start_equity_usd']} USD",
            highlight=False,
        )
    else:
        console.print("No trade was made; the reasons are above.")
    if report["fill_ids"]:
        print_passport(PassportOffice(brain).issue(report["fill_ids"][0]))


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"

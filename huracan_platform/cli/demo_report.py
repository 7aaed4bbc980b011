"""The demo's report: what is in the library, what was trained, what the gates said, what was traded and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huracan_platform.cli.output import console, table
from huracan_platform.settings import Settings

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.contracts.model import ModelCard


def print_report(settings: Settings, session_run_id: str) -> None:
    """Print data counts, models, verdicts, the session and the passport of its last trade's entry."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.defs.resources import Platform

    brain = open_brain(settings, Role.VIEWER)
    platform = Platform()
    venue = platform.market().venue
    registry = platform.registry(brain)
    newest = [registry.newest(venue, s, a) for s in settings.symbols for a in settings.training.architectures]
    cards = [card for card in newest if card is not None]
    _print_data(brain, venue, settings)
    _print_models(cards)
    _print_verdicts(brain, cards)
    _print_session(brain, session_run_id)


def _print_data(brain: Brain, venue: str, settings: Settings) -> None:
    from datetime import date

    from huracan_platform.brain.quality import QualityRepository

    rows = []
    for dataset in ("candles", "funding"):
        days = QualityRepository(brain).days(venue, dataset, list(settings.symbols), date(1970, 1, 1), date(9999, 12, 31))
        for symbol in settings.symbols:
            own = [d for d in days if d.symbol == symbol]
            states = {s: sum(d.state == s for d in own) for s in sorted({d.state for d in own})}
            rows.append(
                (
                    dataset,
                    symbol,
                    len(own),
                    f"{sum(d.rows for d in own):,}",
                    f"{sum(d.rows for d in own) / max(1, sum(d.expected for d in own)):.2%}",
                    ", ".join(f"{n} {s.value}" for s, n in states.items()),
                )
            )
    table(f"Data of {venue} in the library", ("dataset", "symbol", "days", "rows", "coverage", "states"), rows)


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
                card.stage.value,
            )
        )
    table(
        "Models, scored on the held-out last 15 % of the days",
        ("model", "labels", "AUC", "accuracy", "Brier skill", "ECE", "calibrator", "stage"),
        rows,
    )


def _print_verdicts(brain: Brain, cards: list[ModelCard]) -> None:
    from huracan_platform.brain.verdicts import VerdictRepository

    rows = [
        (card.model_id if verdict.gate == 1 else "", f"{verdict.gate} {verdict.name}", verdict.status.value, verdict.reason)
        for card in cards
        for verdict in VerdictRepository(brain).latest(card.model_id)
    ]
    table("Verdicts: walk-forward, out of sample, after costs", ("model", "gate", "verdict", "reason"), rows)


def _print_session(brain: Brain, run_id: str) -> None:
    from huracan_platform.brain.sessions import SessionRepository
    from huracan_platform.cli.passport_view import print_passport
    from huracan_platform.execution.passport import PassportOffice

    report = SessionRepository(brain).report_of_run(run_id)
    console.print(
        f"\nPaper session {report['session_id']}: {report['market_hours']:.1f} market hours in {report['wall_s']:.0f} s, "
        f"{sum(report['bars'].values()):,} bars, {report['end_reason']}",
        highlight=False,
    )
    table("Decisions by reason", ("reason", "count"), report["decisions"].items())
    if report["denials"]:
        table("Denied by pre-trade checks", ("check", "count"), report["denials"].items())
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

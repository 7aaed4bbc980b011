"""`huracan policy train`, `policy show`, `policies`: risk policies and what came out of their comparisons."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.brain.roles import Role
from huracan_platform.cli.output import JsonOption, console, emit, table

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.contracts.policy import PolicyCard, PolicyVerdict
    from huracan_platform.learning.policies.registry import PolicyRegistry
    from huracan_platform.settings import Settings

QUICK_TIMESTEPS = 10_000
QUICK_SEEDS = 3


def policies(
    symbol: Annotated[str | None, typer.Option(help="only this symbol, such as BTC/USDT:USDT")] = None,
    as_json: JsonOption = False,
) -> None:
    """List risk policies, what each was trained on, and whether it is approved."""
    registry = _opened(Role.VIEWER)[2]
    found = [(card, registry.verdict(card.policy_id)) for card in registry.cards(symbol=symbol)]

    def render() -> None:
        table(
            f"{len(found)} risk policies", ("policy", "model", "timesteps", "winner", "approved", "reason", "trained (UTC)"),
            [_row(card, verdict) for card, verdict in found],
        )

    emit({"policies": [_told(card, verdict) for card, verdict in found]}, as_json, render)


def show(
    policy_id: Annotated[str, typer.Argument(metavar="POLICY_ID", help="as `huracan policies` lists it")],
    as_json: JsonOption = False,
) -> None:
    """Show one risk policy: its held-out comparison and its manifest."""
    registry = _opened(Role.VIEWER)[2]
    card = registry.card(policy_id)
    verdict = registry.verdict(policy_id)

    def render() -> None:
        _render_verdict(policy_id, verdict)
        console.print_json(data=card.manifest)

    emit(_told(card, verdict), as_json, render)


def train(
    symbol: Annotated[str, typer.Option(help="such as BTC/USDT:USDT")],
    timesteps: Annotated[int | None, typer.Option(min=1, help="decision bars per seed; none: the settings' number")] = None,
    quick: Annotated[bool, typer.Option(help=f"{QUICK_TIMESTEPS:,} decision bars and {QUICK_SEEDS} seeds")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a risk policy on the symbol's best model, compare it on held-out days, and store both."""
    from huracan_platform.data.features.store import FeatureStore
    from huracan_platform.errors import PermanentError
    from huracan_platform.judging.judge_policy import base_version, train_and_judge
    from huracan_platform.learning.models.provenance import collect_provenance
    from huracan_platform.learning.registry import Registry
    from huracan_platform.venues.market import MarketData

    settings, brain, registry = _opened(Role.TRAINER)
    market = MarketData(settings)
    if quick:
        timesteps = timesteps or QUICK_TIMESTEPS
    model = base_version(Registry(brain, _artefact_root(settings)), market.venue, symbol, settings)
    if model is None:
        raise PermanentError(f"policy: expected a symbol with a model at {market.venue}, got {symbol!r}")
    clock = market.clock()
    store = FeatureStore(
        brain, _artefact_root(settings), clock=clock, funding_delay_ms=settings.quality.funding_delay_ms
    )
    judged = train_and_judge(
        brain, store, registry, model, settings, clock, collect_provenance(), timesteps=timesteps,
        seeds=QUICK_SEEDS if quick else None,
    )
    emit(
        _told(judged.card, judged.verdict), as_json, lambda: _render_verdict(judged.card.policy_id, judged.verdict)
    )


def register(app: typer.Typer) -> None:
    """Add the policy commands to the command line."""
    one = typer.Typer(no_args_is_help=True, help="Risk policies of a symbol.")
    one.command("train")(train)
    one.command("show")(show)
    app.add_typer(one, name="policy")
    app.command()(policies)


def _opened(role: Role) -> tuple[Settings, Brain, PolicyRegistry]:
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.learning.policies.registry import PolicyRegistry
    from huracan_platform.settings import load_settings

    settings = load_settings()
    brain = open_brain(settings, role)
    return settings, brain, PolicyRegistry(brain, _artefact_root(settings))


def _artefact_root(settings: Settings) -> str:
    return str(settings.home / "artefacts")


def _told(card: PolicyCard, verdict: PolicyVerdict | None) -> dict[str, object]:
    return {**asdict(card), "verdict": None if verdict is None else asdict(verdict)}


def _row(card: PolicyCard, verdict: PolicyVerdict | None) -> tuple[object, ...]:
    from huracan_platform.clock import to_datetime

    judged = ("n/a", "no", "never judged") if verdict is None else (
        verdict.winner, "yes" if verdict.approved else "no", verdict.reason
    )
    return (card.policy_id, card.model_id, card.manifest["timesteps"], *judged, f"{to_datetime(card.created_ms):%Y-%m-%d %H:%M}")


def _render_verdict(policy_id: str, verdict: PolicyVerdict | None) -> None:
    if verdict is None:
        console.print(f"{policy_id}: never judged")
        return
    table(
        f"{policy_id}, {verdict.days} held-out days: {'approved' if verdict.approved else 'not approved'}; {verdict.reason}",
        ("policy", "score", "log growth", "drawdown", "trades", "lead of the trained one"),
        [
            (c.name, f"{c.score:+.4f}", f"{c.log_growth:+.4f}", f"{c.max_drawdown:.2%}", c.trades,
             "" if c.lead is None else f"{c.lead[0]:+.4f} to {c.lead[1]:+.4f}")
            for c in verdict.contenders
        ],
    )

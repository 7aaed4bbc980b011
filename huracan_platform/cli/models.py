"""`huracan models`, `model show`, `reproduce`, `authorise`: what was trained, from what, and what it may do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huracan_platform.brain.roles import Role
from huracan_platform.cli.output import JsonOption, console, emit, table

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.contracts.model import ModelCard
    from huracan_platform.learning.registry import Registry
    from huracan_platform.settings import Settings

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL_ID", help="model version, as `huracan models` lists it")]


def models(
    symbol: Annotated[str | None, typer.Option(help="only this symbol, such as BTC/USDT:USDT")] = None,
    as_json: JsonOption = False,
) -> None:
    """List model versions with their stage and their scores on held-out data."""
    registry = _registry(Role.VIEWER)[2]
    cards = registry.cards(symbol=symbol)
    chain = registry.verify_chain()

    def render() -> None:
        table(
            f"{len(cards)} model versions; stage chain {'intact' if chain.intact else 'BROKEN'}: {chain.reason}",
            ("model", "stage", "test AUC", "Brier skill", "ECE", "calibrator", "rows", "data set", "trained (UTC)"),
            [_row(card) for card in cards],
        )

    emit({"models": [asdict(card) for card in cards], "chain": asdict(chain)}, as_json, render)
    if not chain.intact:
        raise typer.Exit(1)


def show(model_id: ModelArgument, as_json: JsonOption = False) -> None:
    """Show one version: manifest, stage history, metrics, family."""
    registry = _registry(Role.VIEWER)[2]
    card = registry.card(model_id)
    history, metrics = registry.history(model_id), registry.metrics(model_id)
    family = {"ancestors": registry.ancestors(model_id), "descendants": registry.descendants(model_id)}

    def render() -> None:
        table(
            f"{model_id}: stages", ("when (UTC)", "from", "to", "by", "reason"),
            [(_minute(c.wire_ms), c.from_stage, c.to_stage, c.changed_by, c.reason) for c in history],
        )
        table("Metrics", ("part", "metric", "value"), [(m.split, m.metric, f"{m.value:.4f}") for m in metrics])
        shares = list(card.manifest["importance"].items())[:20]
        table("Importance", ("feature", "share"), [(name, f"{share:.1%}") for name, share in shares])
        console.print_json(data={**{k: v for k, v in card.manifest.items() if k not in ("importance", "metrics")}, **family})

    data = {**asdict(card), "history": [asdict(c) for c in history], "metrics": [asdict(m) for m in metrics], **family}
    emit(data, as_json, render)


def reproduce(model_id: ModelArgument, as_json: JsonOption = False) -> None:
    """Train a model again from the library at its pin; exit code 1 unless the very same artefact comes out."""
    from huracan_platform.learning import pipeline

    settings, brain, registry = _registry(Role.VIEWER)
    result = pipeline.reproduce(brain, _artefact_root(settings), registry.card(model_id), settings)
    word = "reproduced" if result.same else "NOT reproduced"
    emit(asdict(result), as_json, lambda: console.print(f"{model_id} {word}: {result.reason}"))
    if not result.same:
        raise typer.Exit(1)


def retrain(
    symbol: Annotated[str, typer.Argument(help="such as BTC/USDT:USDT")],
    by: Annotated[str, typer.Option(help="who asks")],
    reason: Annotated[str, typer.Option(help="why; it stands in the manifest of what is trained")],
) -> None:
    """Ask for a training of a symbol; the sensor `requested_trainings` starts it. One that is open already serves."""
    from huracan_platform.brain.learning.retraining import RetrainingRepository
    from huracan_platform.contracts.trigger import Trigger, TriggerKind
    from huracan_platform.errors import PermanentError
    from huracan_platform.venues.market import MarketData

    settings, brain, _ = _registry()
    if symbol not in settings.symbols:
        raise PermanentError(f"symbol: expected one of {', '.join(settings.symbols)}, got {symbol!r}")
    market = MarketData(settings)
    trigger = Trigger(TriggerKind.OPERATOR, reason, by, market.clock().wire_ms())
    number = RetrainingRepository(brain).request(market.venue, symbol, trigger)
    console.print(f"{symbol}: request {number}" if number else f"{symbol}: a request is open already, and serves this one too")


def authorise(
    model_id: ModelArgument,
    by: Annotated[str, typer.Option(help="who grants it")],
    gateway: Annotated[str, typer.Option(help="paper or shadow; the others need the stage that gates lead to")] = "paper",
    days: Annotated[int, typer.Option(help="ends after so many days of wall time")] = 30,
    reason: Annotated[str, typer.Option(help="why")] = "operator's word",
    despite: Annotated[str | None, typer.Option(help="why it is put in charge though it is worse; on record")] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model trade through a gateway for some days; exit code 1 when the rules refuse it.

    Where sessions trade through that gateway it is first compared with the version in charge; a worse one gets nothing.
    """
    from huracan_platform.brain.learning.activations import ActivationRepository
    from huracan_platform.clock import SystemClock
    from huracan_platform.operations.activate import comparing, judge_activation, refusal_incident

    settings, brain, registry = _registry()
    card, clock, activation = registry.card(model_id), SystemClock(), None
    if gateway == settings.execution.gateway and days > 0:
        compare = comparing(settings, brain, registry)
        activation = judge_activation(registry, card, gateway, clock.wire_ms(), compare, by=by, despite=despite)
        if not activation.takes_charge:
            ActivationRepository(brain).refuse(activation, refusal_incident(activation, card.symbol))
            emit(asdict(activation), as_json, lambda: console.print(f"not put in charge: {activation.reason}", highlight=False))
            raise typer.Exit(1)
    grant = registry.authorise(model_id, gateway, days, clock, by=by, reason=reason, activation=activation)
    told = grant.reason if activation is None or grant.authorisation is None else f"{grant.reason}; {activation.reason}"
    data = {**asdict(grant), "activation": activation and asdict(activation)}
    emit(data, as_json, lambda: console.print(told, highlight=False))
    if grant.authorisation is None:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the model commands to the command line."""
    one = typer.Typer(no_args_is_help=True, help="One model version.")
    one.command("show")(show)
    app.command()(models)
    app.add_typer(one, name="model")
    app.command()(reproduce)
    app.command()(retrain)
    app.command()(authorise)


def _registry(role: Role | None = None) -> tuple[Settings, Brain, Registry]:
    """None where it is an operator's word that is written, which takes the owner's login."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.learning.registry import Registry
    from huracan_platform.settings import load_settings

    settings = load_settings()
    brain = open_brain(settings, role)
    return settings, brain, Registry(brain, _artefact_root(settings))


def _artefact_root(settings: Settings) -> str:
    return str(settings.home / "artefacts")


def _row(card: ModelCard) -> tuple[object, ...]:
    test: dict[str, Any] = card.manifest["metrics"]["test"]
    dataset = card.manifest["dataset"]
    return (
        card.model_id, card.stage.value, _number(test["auc"]), _number(test["brier_skill"]), _number(test["ece"]),
        card.manifest["fit"]["calibrator"], dataset["labelled"], dataset["id"], _minute(card.created_ms),
    )


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _minute(ms: int) -> str:
    from huracan_platform.clock import to_datetime

    return f"{to_datetime(ms):%Y-%m-%d %H:%M}"

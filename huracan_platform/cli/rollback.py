"""`huracan rollback`: back to the version before, by a person's word; and the rehearsal of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.brain.roles import Role
from huracan_platform.cli.output import JsonOption, console, emit

if TYPE_CHECKING:
    from huracan_platform.brain.connection import Brain
    from huracan_platform.learning.registry import Registry
    from huracan_platform.operations.roll_back import RollbackDesk
    from huracan_platform.settings import Settings
    from huracan_platform.venues.market import MarketData


def rollback(
    symbol: Annotated[str, typer.Option(help="such as BTC/USDT:USDT")],
    to_version: Annotated[str | None, typer.Option(metavar="MODEL_ID", help="the version that takes charge again")] = None,
    reason: Annotated[str | None, typer.Option(help="why")] = None,
    by: Annotated[str | None, typer.Option(help="who says so")] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="only load the version before, replay 24 hours")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take charge of a symbol from the version that has it, at once, whatever the cool-down; exit code 1 when refused.

    With --rehearse nothing is changed; exit code 1 when the version before has no answer for any of the last 24 stored hours.
    """
    from huracan_platform.clock import SystemClock
    from huracan_platform.errors import PermanentError

    # A person's word goes by the database's owner; a rehearsal only reads.
    settings, brain, registry, market, desk = _desk(Role.VIEWER if rehearse else None)
    now = SystemClock().wire_ms()
    if rehearse:
        _rehearse(settings, brain, registry, market, desk, symbol, now, as_json)
        return
    if to_version is None or reason is None or by is None:
        raise PermanentError("rollback: expected --to-version, --reason and --by, or --rehearse")
    outcome = desk.follow_person(market.venue, symbol, to_version, now, by=by, reason=reason)
    emit(asdict(outcome), as_json, lambda: console.print(outcome.reason, highlight=False))
    if not outcome.done:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(rollback)


def _rehearse(
    settings: Settings, brain: Brain, registry: Registry, market: MarketData, desk: RollbackDesk, symbol: str, now: int,
    as_json: bool,
) -> None:
    from huracan_platform.data.features.store import FeatureStore
    from huracan_platform.operations.activate import open_shadow

    store = FeatureStore(brain, str(settings.home / "artefacts"), funding_delay_ms=settings.quality.funding_delay_ms)
    found = desk.rehearse(open_shadow(settings, brain, registry, store, symbol), market.venue, symbol, now)
    told = (
        f"{found.model_id}: loaded; {found.answered} of {found.asked} decision bars of {found.hours} hours answered, "
        f"{found.trades} trades, net {found.net:+.4%} of equity; nothing was changed"
    )
    emit({**asdict(found), "ready": found.ready}, as_json, lambda: console.print(told, highlight=False))
    if not found.ready:
        raise typer.Exit(1)


def _desk(role: Role | None) -> tuple[Settings, Brain, Registry, MarketData, RollbackDesk]:
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.cli.venue import expect_venue
    from huracan_platform.learning.registry import Registry
    from huracan_platform.operations.roll_back import RollbackDesk
    from huracan_platform.settings import load_settings
    from huracan_platform.venues.market import MarketData

    settings = load_settings()
    expect_venue(settings)
    brain, market = open_brain(settings, role), MarketData(settings)
    registry = Registry(brain, str(settings.home / "artefacts"))
    return settings, brain, registry, market, RollbackDesk(brain, registry, settings, market.clock)

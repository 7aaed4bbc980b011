"""`huracan demo`: the main job from an empty database to a paper trade, then the report."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.cli.output import console

if TYPE_CHECKING:
    from huracan_platform.cli.world import World


def register(app: typer.Typer) -> None:
    """Add `huracan demo`."""
    app.command()(demo)


def demo(
    replay: Annotated[Path | None, typer.Option(help="directory of recorded data for the venue to replay")] = None,
    market_hours: Annotated[float, typer.Option(min=1, help="market hours of the paper session")] = 12.0,
    speed: Annotated[float, typer.Option(min=1, help="market seconds per wall second in the session")] = 720.0,
) -> None:
    """Download, validate, features, train, calibrate, judge, register, trade on paper, and report.

    Everything runs through the assets that the web UI shows, against a simulated venue that is reached over TCP
    through ccxt as a real one is.
    """
    started = time.monotonic()
    stage(started, "the platform is loaded")
    _quiet_logs()
    from huracan_platform.cli.demo_report import print_report
    from huracan_platform.cli.world import running_world
    from huracan_platform.definitions import defs
    from huracan_platform.defs.launch import run_job

    with running_world(replay=replay, tell=lambda text: stage(started, text)) as world:
        if world.first_day is None or world.last_day is None:
            raise typer.BadParameter("the demo needs the simulated venue; unset HURACAN_VENUE__KIND")
        _materialise(world, started)
        stage(started, "leave to trade on paper")
        _authorise()
        stage(started, f"paper session, {market_hours:g} market hours at ×{speed:g}")
        world.set_speed(speed)
        config = {"ops": {"paper_session": {"config": {"market_hours": market_hours}}}}
        outcome = run_job(defs, "paper_session_job", run_config=config)
        _end_if_signalled(world, outcome.run_id)
        stage(started, "report")
        print_report(world.settings, outcome.run_id)
    console.print(f"\ndemo finished in {time.monotonic() - started:.0f} s")


def _quiet_logs() -> None:
    """A line per order would drown the report's way; who sets a log level gets it."""
    from huracan_platform.logs import configure_logs
    from huracan_platform.settings import export, load_settings

    if "log_level" not in load_settings().model_fields_set:
        export({"HURACAN_LOG_LEVEL": "WARNING"})
        configure_logs("WARNING", human=sys.stderr.isatty())


def _end_if_signalled(world: World, run_id: str) -> None:
    """A session takes a signal for itself and ends in good order; then the demo was interrupted as well."""
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role
    from huracan_platform.brain.sessions import SessionRepository

    report = SessionRepository(open_brain(world.settings, Role.VIEWER)).report_of_run(run_id)
    if (found := re.match(r"signal (SIG[A-Z]+)", report["end_reason"])) is not None:
        sys.exit(128 + signal.Signals[found[1]])


def stage(started: float, text: str) -> None:
    """A progress line with the seconds since the start."""
    console.print(f"[bold]{time.monotonic() - started:6.1f} s[/bold]  {text}", highlight=False)


def _materialise(world: World, started: float) -> None:
    """The data-to-verdict part of the graph over all of the venue's history."""
    from huracan_platform.definitions import defs
    from huracan_platform.defs.house import SYMBOLS
    from huracan_platform.defs.launch import run_job

    assert world.first_day is not None
    assert world.last_day is not None
    days = world.first_day.isoformat(), world.last_day.isoformat()
    keys = SYMBOLS.get_partition_keys()
    run_job(defs, "instruments_job")
    for text, job, partitions in (
        (f"market data {days[0]} to {days[1]}: download, contract, six checks", "market_data_job", days),
        ("features", "feature_job", days),
        ("models: train, calibrate, register; then the gates", "training_job", (keys[0], keys[-1])),
    ):
        stage(started, text)
        for asset, check, description in run_job(defs, job, partitions=partitions).failed_checks:
            console.print(f"  [yellow]check failed[/yellow]  {asset}.{check}: {description}", highlight=False)


def _authorise() -> None:
    """What an operator would do by hand: let the best candidate of each symbol trade on paper.

    Best is the most gates passed, then the highest held-out Brier skill. The grant is marked unproven unless the gates passed.
    """
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.verdicts import VerdictRepository
    from huracan_platform.contracts.model import GateStatus, ModelCard
    from huracan_platform.defs.resources import Platform

    platform = Platform()
    settings, brain, market = platform.settings(), open_brain(platform.settings()), platform.market()
    registry, verdicts = platform.registry(brain), VerdictRepository(brain)

    def merit(card: ModelCard) -> tuple[int, float]:
        passed = sum(v.status is GateStatus.PASS for v in verdicts.latest(card.model_id))
        return passed, card.manifest["metrics"]["test"]["brier_skill"] or float("-inf")

    for symbol in settings.symbols:
        newest = [registry.newest(market.venue, symbol, a) for a in settings.training.architectures]
        best = max((c for c in newest if c is not None), key=merit, default=None)
        if best is not None:
            grant = registry.authorise(
                best.model_id,
                "paper",
                settings.execution.authorisation_days,
                market.clock(),
                by="demo operator",
                reason="demo on paper",
            )
            console.print(f"  {grant.reason}", highlight=False)

"""`huracan demo`: every asset from an empty database to a paper trade and what came after it, then the report."""

from __future__ import annotations

import re
import signal
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.cli.demo_chain import AFTER_SESSION, BEFORE_SESSION, SESSION, Over, Step
from huracan_platform.cli.output import console
from huracan_platform.clock import DAY_MS, HOUR_MS, day_of, day_start_ms

if TYPE_CHECKING:
    from huracan_platform.cli.world import World
    from huracan_platform.defs.launch import AssetRun, RunOutcome

# After its session the market runs its day to the end at this speed, so that the day's assets can be made.
CLOSING_SPEED = 3_600.0
AFTER_MIDNIGHT_MS = HOUR_MS // 4  # what belongs to the day arrives with a delay
KEPT_DAYS = 30  # of open interest, at the venue
SENTIMENT_POLL_S = "1"  # a market that runs so fast is looked at more often than the settings' minute


def register(app: typer.Typer) -> None:
    """Add `huracan demo`."""
    app.command()(demo)


def demo(
    replay: Annotated[Path | None, typer.Option(help="directory of recorded data for the venue to replay")] = None,
    market_hours: Annotated[float, typer.Option(min=1, help="market hours of the paper session")] = 12.0,
    speed: Annotated[float, typer.Option(min=1, help="market seconds per wall second in the session")] = 720.0,
) -> None:
    """Download, validate, features, train, calibrate, judge, trade on paper, record, watch drift, and report.

    Everything runs through the assets that the web UI shows, against a simulated venue that is reached over TCP
    through ccxt as a real one is.
    """
    started = time.monotonic()
    stage(started, "the platform is loaded")
    _quiet_logs()
    from huracan_platform.cli.demo_report import print_report
    from huracan_platform.cli.recorders import start_recorders
    from huracan_platform.cli.world import running_world
    from huracan_platform.defs.launch import newest_check, tell_failed_checks

    with running_world(replay=replay, tell=lambda text: stage(started, text)) as world:
        if world.first_day is None or world.last_day is None:
            raise typer.BadParameter("the demo needs the simulated venue; unset HURACAN_VENUE__KIND")
        last_check = newest_check()
        stage(started, "recorders of liquidations and sentiment")
        start_recorders(world, sentiment_poll_s=SENTIMENT_POLL_S)
        chain = Chain(started, world.first_day, world.last_day)
        for step in BEFORE_SESSION:
            chain.run(step)
        stage(started, "leave to trade on paper")
        _authorise()
        session = _session(chain, world, market_hours, speed)
        stage(started, f"the market goes on to the end of its day at ×{CLOSING_SPEED:g}")
        chain.until = _end_of_day(world)
        for step in AFTER_SESSION:
            chain.run(step)
        tell_failed_checks(last_check)
        stage(started, "report")
        print_report(world.settings, chain.made, session.run_id)
    console.print(f"\ndemo finished in {time.monotonic() - started:.0f} s")


class Chain:
    """Runs steps and keeps what they made. `until` is the market's last full day so far."""

    def __init__(self, started: float, first_day: date, last_day: date) -> None:
        self._started, self._first_day, self._last_day = started, first_day, last_day
        self.until = last_day
        self.made: list[AssetRun] = []

    def run(self, step: Step) -> RunOutcome:
        """Announce and run one step; what its checks found is said and holds nothing up that does not need it."""
        from huracan_platform.definitions import defs
        from huracan_platform.defs.launch import run_job

        partitions = self.partitions(step.over)
        days = f", {partitions[0]} to {partitions[1]}" if partitions and step.over is not Over.SYMBOLS else ""
        stage(self._started, f"{step.text}{days}")
        outcome = run_job(defs, step.job, partitions=partitions, run_config=dict(step.config))
        self.made += outcome.assets
        for asset, check, description in outcome.failed_checks:
            console.print(f"  [yellow]check failed[/yellow]  {asset}.{check}: {description}", highlight=False)
        return outcome

    def partitions(self, over: Over) -> tuple[str, str] | None:
        """First and last partition key; None where there are none."""
        from huracan_platform.defs.house import SYMBOLS

        keys = SYMBOLS.get_partition_keys()
        if over is Over.NOTHING:
            return None
        if over is Over.SYMBOLS:
            return keys[0], keys[-1]
        first = {
            Over.HISTORY: self._first_day, Over.NEW_DAYS: self._last_day + timedelta(days=1),
            Over.KEPT_DAYS: max(self._first_day, self._last_day - timedelta(days=KEPT_DAYS - 1)),
        }[over]
        return first.isoformat(), self.until.isoformat()


def _session(chain: Chain, world: World, market_hours: float, speed: float) -> RunOutcome:
    from dataclasses import replace

    world.set_speed(speed)
    config = {"ops": {"paper_session": {"config": {"market_hours": market_hours}}}}
    text = f"{SESSION.text}, {market_hours:g} market hours at ×{speed:g}"
    outcome = chain.run(replace(SESSION, text=text, config=config))
    _end_if_signalled(world, outcome.run_id)
    return outcome


def _end_of_day(world: World) -> date:
    """Wait until a full day of the market has gone by since the history's end, and its last facts are there; that day."""
    from huracan_platform.cli.world import control

    assert world.last_day is not None
    clock = control(world.settings, "/control/clock")
    due_ms = day_start_ms(world.last_day) + 2 * DAY_MS + AFTER_MIDNIGHT_MS
    world.set_speed(CLOSING_SPEED)
    while clock["market_ms"] < due_ms:
        time.sleep(0.2)
        clock = control(world.settings, "/control/clock")
    world.set_speed(1)
    return day_of(clock["market_ms"]) - timedelta(days=1)


def _quiet_logs() -> None:
    """A line per order would drown the report's way; who sets a log level gets it."""
    from huracan_platform.logs import configure_logs
    from huracan_platform.settings import export, load_settings

    if "log_level" not in load_settings().model_fields_set:
        export({"HURACAN_LOG_LEVEL": "WARNING"})
        configure_logs("WARNING", human=sys.stderr.isatty())


def _end_if_signalled(world: World, run_id: str) -> None:
    """A session takes a signal for itself and ends in good order; then the demo was interrupted as well."""
    from huracan_platform.brain.execution.sessions import SessionRepository
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role

    report = SessionRepository(open_brain(world.settings, Role.VIEWER)).report_of_run(run_id)
    if (found := re.match(r"signal (SIG[A-Z]+)", report["end_reason"])) is not None:
        sys.exit(128 + signal.Signals[found[1]])


def stage(started: float, text: str) -> None:
    """A progress line with the seconds since the start."""
    console.print(f"[bold]{time.monotonic() - started:6.1f} s[/bold]  {text}", highlight=False)


def _authorise() -> None:
    """What an operator would do by hand: let the best candidate of each symbol trade on paper.

    Best is the most gates passed, then the highest held-out Brier skill. The grant is marked unproven unless the gates passed.
    """
    from huracan_platform.brain.learning.verdicts import VerdictRepository
    from huracan_platform.brain.migrate import open_brain
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

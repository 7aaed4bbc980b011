"""`huracan up`: everything on one machine, until it is stopped."""

from __future__ import annotations

import json
import shlex
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huracan_platform.cli.output import console

if TYPE_CHECKING:
    from huracan_platform.settings import BroadcastSettings, Settings, UiSettings

NOTHING_YET = """\
assets       none is made yet: schedules only make new days. For a history with models and verdicts to look at, stop this
             and run `huracan demo`, which makes every asset in some minutes, then start again; or choose days in the UI:
             Jobs → market_data_job → Backfills, then feature_job, then training_job."""


def register(app: typer.Typer) -> None:
    """Add `huracan up`."""
    app.command()(up)


def up(
    replay: Annotated[Path | None, typer.Option(help="directory of recorded data for the venue to replay")] = None,
    speed: Annotated[float, typer.Option(min=0, help="market seconds per wall second at the simulated venue")] = 1.0,
) -> None:
    """Keep database, venue, recorders, Dagster daemon and web UI running; Ctrl-C stops them all."""
    from huracan_platform.cli.dagster_processes import running_dagster
    from huracan_platform.cli.processes import tail
    from huracan_platform.cli.recorders import start_recorders
    from huracan_platform.cli.supervisor import Supervisor, incident_book
    from huracan_platform.cli.world import running_world
    from huracan_platform.clock import SystemClock
    from huracan_platform.errors import TransientError
    from huracan_platform.settings import load_settings

    _expect_free(load_settings().ui)
    with running_world(replay=replay, tell=_starting) as world:
        ui = world.settings.ui
        if world.settings.venue.kind == "simulated":
            world.set_speed(speed)
        _starting("Dagster")
        with running_dagster(world):  # first: after a crash everything waits for the session
            if _tells(world.settings.broadcast):
                world.processes.start("broadcast", ["-m", "huracan_platform.cli.main", "broadcast"])
            _starting("recorders")
            supervisor = Supervisor(world.processes, start_recorders(world), incident_book(world.settings), SystemClock())
            console.print(f"Dagster UI   http://{ui.host}:{ui.port}")
            if world.settings.venue.url:
                console.print(f"venue        {world.settings.venue.url}  (market ×{speed:g})")
                lines = shell_exports(world.settings)
                console.print(f"other shells need this to ask it:\n{lines}", highlight=False, soft_wrap=True)
            console.print(f"logs         {world.settings.home / 'logs'}")
            if not _has_data(world.settings):
                console.print(NOTHING_YET)
            console.print("Ctrl-C stops everything.")
            while True:
                time.sleep(1)
                supervisor.tend()
                for name in set(world.processes.poll()) - supervisor.names:
                    raise TransientError(f"{name} ended by itself; {tail(world.processes.log_dir / f'{name}.log')}")


def _has_data(settings: Settings) -> bool:
    """Whether any day of market data was ever asked for; schedules alone take weeks to fill an empty library."""
    from huracan_platform.brain.facts.quality import QualityRepository
    from huracan_platform.brain.migrate import open_brain
    from huracan_platform.brain.roles import Role

    return bool(QualityRepository(open_brain(settings, Role.VIEWER)).coverage())


def _starting(part: str) -> None:
    """A word before each part that takes seconds."""
    console.print(f"starting     {part}")


def shell_exports(settings: Settings) -> str:
    """What a shell has to know for commands that ask the venues of this platform."""
    venue = settings.venue
    lines = [f"export HURACAN_HOME={shlex.quote(str(settings.home))} HURACAN_VENUE__URL={shlex.quote(str(venue.url))}"]
    if venue.alternatives:
        others = json.dumps([other.model_dump(exclude_none=True) for other in venue.alternatives])
        lines.append(f"export HURACAN_VENUE__ALTERNATIVES={shlex.quote(others)}")
    return "\n".join(lines)


def _tells(broadcast: BroadcastSettings) -> bool:
    """Whether incidents have a channel to go to."""
    return broadcast.slack_token is not None or broadcast.slack_webhook_url is not None


def _expect_free(ui: UiSettings) -> None:
    """Fail before anything is started; the web server itself would say so only after half a minute."""
    from huracan_platform.errors import PermanentError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ui.host, ui.port))
        except OSError as error:
            raise PermanentError(f"HURACAN_UI__PORT: expected to listen on {ui.host}:{ui.port}, got {error.strerror}") from None

"""Dagster's processes: one code server that the daemon and the web server share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from huracan_platform.errors import ConfigurationError, TransientError
from huracan_platform.logs import get_logger

if TYPE_CHECKING:
    from huracan_platform.cli.world import World

LOCATION, MODULE = "huracan", "huracan_platform.definitions"
LONGEST_SOCKET = 107
_log = get_logger("up")


def start_dagster(world: World) -> None:
    """Start code server, daemon and web server; returns when the first one is ready and all are started.

    Left to themselves daemon and web server would each import the definitions, in a server of its own.

    Raises
    ------
    ConfigurationError
        HURACAN_HOME is too long for a socket in it.
    HuracanError
        The definitions cannot be loaded; the message carries the end of the log.
    """
    ui, processes, folder = world.settings.ui, world.processes, world.settings.home / "dagster"
    socket, workspace = folder / "code", folder / "workspace.yaml"
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise ConfigurationError(f"HURACAN_HOME: expected a path for sockets, {LONGEST_SOCKET} bytes at most, got {socket}")
    socket.unlink(missing_ok=True)  # left by a server that was killed
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": {"socket": str(socket), "location_name": LOCATION}}]}))
    serve = ["-m", "dagster", "api", "grpc", "--socket", str(socket), "-m", MODULE, "--location-name", LOCATION]
    processes.start("code-server", [*serve, "--use-python-environment-entry-point"])
    processes.wait_for_file("code-server", socket)
    processes.start("dagster-daemon", ["-m", "huracan_platform.defs.daemon", "run", "-w", str(workspace)])
    processes.start("dagster-webserver", ["-m", "dagster_webserver", "-h", ui.host, "-p", str(ui.port), "-w", str(workspace)])


@contextmanager
def running_dagster(world: World) -> Iterator[None]:
    """Dagster's processes; where the block is told to end, on a signal, the runs under way are interrupted and not failed.

    Raises
    ------
    HuracanError
        As `start_dagster`.
    """
    start_dagster(world)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _interrupt(world)
        raise


def _interrupt(world: World) -> None:
    from huracan_platform.cli.supervisor import incident_book
    from huracan_platform.defs.shutdown import interrupt_runs

    world.processes.stop("dagster-daemon")  # it would launch others
    try:
        interrupt_runs(incident_book(world.settings), f"http://{world.settings.ui.host}:{world.settings.ui.port}")
    except TransientError as error:  # without a database everything is stopped all the same
        _log.warning("runs not noted as interrupted", error=str(error))

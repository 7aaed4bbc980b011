"""Dagster's daemon, which looks for backfills every few seconds.

    python -m huracan_platform.defs.daemon run -w workspace.yaml
"""

from __future__ import annotations

from dagster._daemon import controller
from dagster._daemon.cli import main

LOOK_EVERY_S = 5


def look_often() -> None:
    """Let the daemon look for backfills every LOOK_EVERY_S seconds.

    Dagster looks every 30 and has no setting for it: who presses the button would wait up to 30 s for the first run, and as
    long again until the backfill is called done.
    """
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = LOOK_EVERY_S


if __name__ == "__main__":
    look_often()
    main()

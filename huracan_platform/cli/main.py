"""`huracan`: the operator's command line.

Exit codes: 0 done · 1 failed · 2 permanent error or bad usage · 65 data broke its contract · 70 trading halted ·
75 transient, try again · 78 settings wrong · 130 interrupted · 143 terminated.
"""

from __future__ import annotations

import importlib
import signal
import sys
from functools import cache

import typer

from huracan_platform import __version__
from huracan_platform.cli.output import console
from huracan_platform.errors import HuracanError
from huracan_platform.logs import configure_logs
from huracan_platform.settings import load_settings

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM

# Each module registers its commands with `register(app)`; what they need is imported inside the commands.
COMMAND_MODULES = (
    "db", "venue", "facts", "data", "models", "rollback", "gates", "policies", "live", "incidents", "status", "demo", "up",
    "feeds", "record", "sentiment",
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Keeps `huracan COMMAND` the form of every call, whatever the number of commands."""


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)


@cache
def _add_commands() -> None:
    """Add every module's commands, once in a process: added again, each later call would build a larger tree of them."""
    for name in COMMAND_MODULES:
        importlib.import_module(f"huracan_platform.cli.{name}").register(app)


def main() -> None:
    """Entry point: maps errors to exit codes and never shows a traceback for an expected one."""
    signal.signal(signal.SIGTERM, _end)  # so that every `with` and `finally` runs, as on Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
    _add_commands()
    try:
        configure_logs(load_settings().log_level, human=sys.stderr.isatty())
        app()
    except HuracanError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
    except SystemExit as end:  # typer turns Ctrl-C into an exit of its own, without a word
        if end.code in (INTERRUPTED, TERMINATED):
            sys.stderr.write("interrupted\n" if end.code == INTERRUPTED else "terminated\n")
        raise


if __name__ == "__main__":
    main()

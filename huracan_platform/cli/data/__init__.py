"""`huracan data`: backfill, load files, see where data stands, look into quarantine, explain gaps."""

from __future__ import annotations

import importlib

import typer

# Each module adds its commands with `register(app)`; what they need is imported inside the commands.
COMMAND_MODULES = (
    "backfill", "load", "import_", "bars", "status", "explain", "quarantine", "repair", "summary", "detach", "delays",
    "impact", "size", "export", "universe",
)


def register(root: typer.Typer) -> None:
    """Add `huracan data`."""
    app = typer.Typer(no_args_is_help=True, help="Market data: backfill, quality, quarantine.")
    for name in COMMAND_MODULES:
        importlib.import_module(f"huracan_platform.cli.data.{name}").register(app)
    root.add_typer(app, name="data")

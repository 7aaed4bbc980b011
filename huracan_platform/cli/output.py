"""What every command shares: tables for people, JSON for programs, stable exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# A pipe or a log has no width of its own; 80 columns would cut model ids.
console = Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False)
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON instead of tables")]


def emit(data: Any, as_json: bool, render: Callable[[], None]) -> None:
    """Print `data` as one JSON document, or call `render` for a person."""
    if as_json:
        sys.stdout.write(json.dumps(data, default=str, indent=2) + "\n")
    else:
        render()


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], on: Console = console) -> None:
    """Print a table; every cell through str(). Without rows its title says that there are none."""
    rows = list(rows)
    if not rows:
        on.print(f"{title}: none", highlight=False)
        return
    out = Table(title=title, title_justify="left")
    for column in columns:
        out.add_column(column, overflow="fold")  # an id that is cut off is no id
    for row in rows:
        out.add_row(*("" if cell is None else escape(str(cell)) for cell in row))  # a message may have [brackets]
    on.print(out)


def told_bytes(size: float) -> str:
    """A size for people, in binary units."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"

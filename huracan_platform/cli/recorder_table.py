"""Recorders for people: a line each that fits 100 columns, and beneath what went wrong last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from huracan_platform.cli.output import console, table

if TYPE_CHECKING:
    from huracan_platform.operations.status import RecorderLine

COLUMNS = ("dataset", "source", "recorder", "since", "last frame", "gaps", "hour")


def print_recorders(lines: Sequence[RecorderLine], on: Console = console) -> None:
    """`since` without its year, gaps of the market's day, the share of its last hour; without recorders nothing."""
    if not lines:
        return
    table("Recorders", COLUMNS, [
        (r.dataset, r.source, r.state, r.since.partition("-")[2], r.last_frame, r.gaps_today, r.last_hour) for r in lines
    ], on)
    for line in lines:
        if line.said:
            on.print(f"{line.dataset} {line.source}, last trouble: {line.said}", highlight=False, markup=False, soft_wrap=True)

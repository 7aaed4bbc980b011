"""Where every day of every symbol stands, as a picture and as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.quality import QualityRepository
from huracan_platform.contracts.quality import DayState

DAYS_SHOWN = 60
DAYS_A_LINE = 30  # of the text: what a page of the web UI shows without scrolling
COLOURS = {
    "nothing": "#f2f2f2", DayState.GOOD.value: "#3a9d5d", DayState.OPEN.value: "#9ecae1", DayState.DEGRADED.value: "#f0ad33",
    DayState.QUARANTINED.value: "#c9302c", DayState.UNAVAILABLE.value: "#9b9b9b",
}
_NAMES = list(COLOURS)
MARKS = {
    DayState.GOOD: "█", DayState.OPEN: "○", DayState.DEGRADED: "▒", DayState.QUARANTINED: "✗", DayState.UNAVAILABLE: "·",
}
NOTHING = "-"


def coverage_text(brain: Brain, venue: str, dataset: str, symbols: Sequence[str], last: date) -> str:
    """Markdown: a row per symbol and 30 days, a character per day of the last 60, told apart by the day's state.

    Text, because every run of every day keeps one.
    """
    first = last - timedelta(days=DAYS_SHOWN - 1)
    marks = {
        (report.symbol, report.day): MARKS[report.state]
        for report in QualityRepository(brain).days(venue, dataset, symbols, first, last)
    }
    width = max(map(len, symbols))
    blocks: list[str] = []
    for start in range(0, DAYS_SHOWN, DAYS_A_LINE):
        days = [first + timedelta(days=k) for k in range(start, start + DAYS_A_LINE)]
        half = DAYS_A_LINE // 2
        blocks += [f"{'':<{width}} {days[0]!s:<{half}}{days[-1]!s:>{half}}"]
        blocks += [f"{symbol:<{width}} {''.join(marks.get((symbol, day), NOTHING) for day in days)}" for symbol in symbols]
    legend = [f"{mark} {state}" for state, mark in MARKS.items()] + [f"{NOTHING} nothing"]
    return "\n".join(["```", *blocks, "```", "", ", ".join(legend[:3]) + "\\", ", ".join(legend[3:])])


def coverage_picture(brain: Brain, venue: str, datasets: Sequence[str], symbols: Sequence[str], last: date) -> bytes:
    """PNG: a row per dataset and symbol, a column per day of the last 60, coloured by the day's state."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    first = last - timedelta(days=DAYS_SHOWN - 1)
    rows = [(dataset, symbol) for dataset in datasets for symbol in symbols]
    cells = np.zeros((len(rows), DAYS_SHOWN))
    for dataset in datasets:
        for report in QualityRepository(brain).days(venue, dataset, symbols, first, last):
            cells[rows.index((dataset, report.symbol)), (report.day - first).days] = _NAMES.index(report.state.value)
    figure = Figure(figsize=(11, 1.4 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = ListedColormap(list(COLOURS.values()))
    axes.pcolormesh(cells, cmap=colours, vmin=-0.5, vmax=len(_NAMES) - 0.5, edgecolors="white", linewidth=0.6)
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(rows)) + 0.5, [f"{dataset} {symbol.split('/')[0]}" for dataset, symbol in rows], fontsize=7)
    shown = range(0, DAYS_SHOWN, 7)
    axes.set_xticks([k + 0.5 for k in shown], [str(first + timedelta(days=k)) for k in shown], fontsize=7, rotation=30)
    axes.set_title(f"{venue}: the last {DAYS_SHOWN} days", fontsize=9)
    figure.legend(
        handles=[Patch(color=colour, label=name) for name, colour in COLOURS.items()], loc="outside lower center",
        ncols=len(COLOURS), fontsize=7, frameon=False,
    )
    out = BytesIO()
    figure.savefig(out, format="png", dpi=90)
    return out.getvalue()

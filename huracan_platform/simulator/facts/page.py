"""One self-contained HTML page of stylised facts: the picture, the table, and where the synthetic market differs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Columns = Mapping[str, Mapping[str, float]]  # facts by name, of each market and symbol

KNOWN_DIFFERENCES = (
    "Part of the next hour is predictable by construction, far more than in any real market: a trend, an interaction of "
    "volume and past returns, and a pull against extreme funding. Returns therefore correlate slightly with past ones, and "
    "volatility grows faster with the horizon than that of a random walk.",
    "Volatility is set to 70 to 100 % a year for minute returns, the long-run level of these symbols; a recorded month may be "
    "half of that.",
    "A whole year with its regimes and cascades stands beside what was recorded: a short record has seen fewer large moves, so "
    "its kurtosis is lower and its tail index higher. Daily numbers of a month are mostly noise.",
    "Volatility clusters within hours almost as strongly as within minutes; real volatility forgets most of a burst within an "
    "hour.",
    "Funding moves freely around one basis point. A real venue clamps it, so that many settlements are one basis point exactly "
    "and few are above it in calm months.",
    "Volume varies less than real volume and follows volatility less closely.",
    "Forced orders move the price from the minute after they trade; in a real market most of it happens within seconds. The "
    "price gives back half of what they moved, but heavy volume keeps it going the same way for an hour or more.",
    "Every synthetic liquidation is told. Real venues tell one per symbol and second at most, so a record has fewer.",
    "There is one venue and no spot market: no basis, no index, no flow between them.",
)
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2em auto;padding:0 1em}svg{max-width:100%;height:auto}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}"
)


def told(value: float) -> str:
    """A number in a table; an en dash where it was not recorded."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def compose_page(title: str, columns: Columns, notes: Sequence[str], picture: bytes) -> str:
    """The page; `picture` is SVG, `notes` say what was not recorded."""
    names = list(next(iter(columns.values())))
    head = "".join(f"<th>{escape(c)}</th>" for c in columns)
    rows = "".join(
        f"<tr><td>{escape(n)}</td>" + "".join(f"<td>{told(facts[n])}</td>" for facts in columns.values()) + "</tr>" for n in names
    )
    svg = picture.decode()
    drawing = svg[svg.index("<svg") :]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
        f"<h1>{escape(title)}</h1>{drawing}<h2>Numbers</h2><table><tr><th>fact</th>{head}</tr>{rows}</table>"
        f"<p>– : not recorded.</p>{_list('Not recorded', notes)}"
        f"{_list('Where the synthetic market differs from a real one', KNOWN_DIFFERENCES)}</html>\n"
    )


def _list(title: str, lines: Sequence[str]) -> str:
    return f"<h2>{escape(title)}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""

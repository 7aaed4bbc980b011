"""Spread and depth of recorded days as a picture for people."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.microstructure import BookSeconds


def spread_picture(books: Mapping[str, BookSeconds], title: str) -> bytes:
    """Median spread, and median depth within 10 bps, per minute and symbol; a minute that was not recorded is a gap; PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for symbol, rows in books.items():
        for axis, values in ((upper, rows.spread_bps), (lower, (rows.bid_usd_10bps + rows.ask_usd_10bps) / 1e6)):
            minutes, medians = _per_minute(rows, values)
            axis.plot(minutes.astype("datetime64[ms]"), medians, label=symbol, linewidth=1.0)
    upper.set_title(title)
    upper.set_ylabel("spread, bps")
    lower.set_ylabel("depth within 10 bps,\nmillion USD")
    if books:
        upper.legend(loc="upper left", frameon=False)
    out = BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _per_minute(rows: BookSeconds, values: Float64) -> tuple[Float64, Float64]:
    """Minutes from the first to the last and the median of each, NaN where there is none."""
    if not len(rows):
        return np.empty(0), np.empty(0)
    minute = rows.ts_ms // MINUTE_MS
    found, first = np.unique(minute, return_index=True)
    medians = np.full(int(found[-1] - found[0]) + 1, np.nan)
    medians[found - found[0]] = [np.median(part) for part in np.split(values, first[1:])]
    return (np.arange(found[0], found[-1] + 1) * MINUTE_MS).astype(np.float64), medians

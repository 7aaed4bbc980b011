"""Which minutes belong to a liquidation cascade, and which are crowded: pure functions over a run of minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.settings import LiquidationSettings

MINUTES_PER_DAY = 1440
Bools = np.ndarray


@dataclass(frozen=True)
class MinuteSums:
    """A contiguous run of minutes of one symbol; each array has one value per minute.

    `traded_usd` is NaN where the minute's candle is not known, `coverage` the share of the minute that was recorded.
    """

    count: Float64
    long_usd: Float64
    short_usd: Float64
    traded_usd: Float64
    coverage: Float64


@dataclass(frozen=True)
class Cascades:
    """`on` where a cascade was on at a minute's end; `met_at` the minute at whose end its condition was met, −1 outside.

    A minute before `met_at` that lies in the condition's window has `met_at` too, but is not `on`: nobody knew it then.
    """

    on: Bools
    met_at: np.ndarray


def find_cascades(sums: MinuteSums, rule: LiquidationSettings) -> Cascades:
    """Cascades by the rule of the settings: enough liquidations, mostly of one side, large for the past and for the volume.

    The past are the windows of `trailing_days` that held any liquidation, were wholly recorded and ended before this one began;
    with fewer than `fewest_windows` of them nothing is called large. A cascade ends with a window without liquidations.
    """
    width, n = rule.window_min, len(sums.count)
    count, long, short = (_trailing_sum(a, width) for a in (sums.count, sums.long_usd, sums.short_usd))
    total, traded = long + short, _trailing_sum(sums.traded_usd, width)
    with np.errstate(invalid="ignore", divide="ignore"):
        one_sided = np.maximum(long, short) >= rule.one_sided * total
        candidate = (count >= rule.fewest) & one_sided & (total >= rule.volume_share * traded)
    usable = (count > 0) & (_trailing_sum(sums.coverage, width) >= width - 1e-9)
    on, met_at, active = np.zeros(n, bool), np.full(n, -1), -1
    for m in range(n):
        if active >= 0 and count[m] == 0:
            active = -1
        if active < 0 and candidate[m] and total[m] >= _bound(total, usable, m, width, rule):
            active = m
            met_at[max(0, m - width + 1):m] = np.where(met_at[max(0, m - width + 1):m] < 0, m, met_at[max(0, m - width + 1):m])
        if active >= 0:
            on[m], met_at[m] = True, active
    return Cascades(on, met_at)


def known_with_volume(
    sums: MinuteSums, traded_known_ms: Int64, late: Bools, rule: LiquidationSettings
) -> Mapping[int, int]:
    """Minutes whose `on` rests on a volume that was `late`, and since when the volumes that decide are known, ms UTC.

    What `on` is the same with, whatever the late volumes, does not rest on them: the less was traded, the more is a cascade.
    """
    late = late & ~np.isnan(sums.traded_usd)
    if not late.any():
        return {}
    least, most = (
        find_cascades(replace(sums, traded_usd=np.where(late, usd, sums.traded_usd)), rule).on for usd in (0.0, np.inf)
    )
    count, known = _trailing_sum(sums.count, rule.window_min), {}
    for m in np.flatnonzero(least != most):
        quiet = np.flatnonzero(count[:m] == 0)
        began = int(quiet[-1]) + 1 if len(quiet) else 0  # no cascade lasts over a window without liquidations
        known[int(m)] = int(traded_known_ms[max(0, began - rule.window_min + 1):m + 1].max())
    return known


def find_clusters(count: Float64, rule: LiquidationSettings) -> Bools:
    """Minutes with more liquidations than the percentile of the non-empty minutes of the trailing days."""
    crowded = np.zeros(len(count), bool)
    for m in np.flatnonzero(count > 0):
        past = count[max(0, m - rule.trailing_days * MINUTES_PER_DAY):m]
        past = past[past > 0]
        crowded[m] = len(past) >= rule.fewest_windows and count[m] > np.quantile(past, rule.percentile)
    return crowded


def _bound(total: Float64, usable: Bools, m: int, width: int, rule: LiquidationSettings) -> float:
    first, stop = max(0, m - rule.trailing_days * MINUTES_PER_DAY), max(0, m - width + 1)
    past = total[first:stop][usable[first:stop]]
    return float(np.quantile(past, rule.percentile)) if len(past) >= rule.fewest_windows else np.inf


def _trailing_sum(values: Float64, width: int) -> Float64:
    """Sum of each minute and the `width` − 1 before it; NaN where one of them is."""
    padded = np.concatenate([np.zeros(width - 1), values])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width).sum(axis=1), dtype=np.float64)

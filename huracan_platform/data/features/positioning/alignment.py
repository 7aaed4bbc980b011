"""Facts put beside bars as they were known at each bar's close: never a fact by its own time, never a version that came later."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, HOUR_MS, MINUTE_MS
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Float64, Int64
from huracan_platform.data.features.positioning.columns import INPUTS, Input

REFERENCE_INTERVAL_H = 8.0
# A fact that is of longer ago than this is not taken for the current one.
MAX_AGE_MS = MappingProxyType({
    "funding": 2 * DAY_MS,              # six settlements of 8 h
    "open_interest": HOUR_MS // 2,      # snapshots every 5 min, known 5 min later
    "sentiment": 45 * MINUTE_MS,        # windows of 15 min by their begin: the one after the newest may be missing, no more
    "fear_greed": 2 * DAY_MS,           # one a day
})
WHOLE = 1.0 - 1e-9                      # liquidations of a minute that was heard in part are too few
MOSTLY = 0.5                            # a mean of scores over half a window is still a mean


@dataclass(frozen=True)
class PositioningFacts:
    """What is known of one symbol beside its bars; without versions where there is nothing."""

    funding: FactVersions = field(default_factory=FactVersions)
    funding_elsewhere: FactVersions = field(default_factory=FactVersions)
    open_interest: FactVersions = field(default_factory=FactVersions)
    sentiment: FactVersions = field(default_factory=FactVersions)
    fear_greed: FactVersions = field(default_factory=FactVersions)
    liquidations: FactVersions = field(default_factory=FactVersions)


def align(ts_ms: Int64, facts: PositioningFacts) -> dict[str, Float64]:
    """The inputs of the set for each bar.

    Parameters
    ----------
    ts_ms
        (n,) bar opens, ms UTC.
    facts
        Versions of what may be known at the bars' closes.

    Returns
    -------
    (n,) float64 by name of `Input`, units as there; NaN where nothing was known at the close, or only what is too old.
    """
    close = ts_ms + MINUTE_MS
    score = _newest(close, facts.sentiment, "score", "sentiment")
    heard = _newest(close, facts.sentiment, "coverage", "sentiment") >= MOSTLY
    minute, known = minute_before(close, facts.liquidations)
    whole = known & (_taken(facts.liquidations, "coverage", minute, known) >= WHOLE)
    aligned = {
        Input.FUNDING: _per_8h(close, facts.funding),
        Input.FUNDING_ELSEWHERE: _per_8h(close, facts.funding_elsewhere),
        Input.CONTRACTS: _newest(close, facts.open_interest, "contracts", "open_interest"),
        Input.SENTIMENT: np.where(heard, score, np.nan),
        Input.FEAR_GREED: _newest(close, facts.fear_greed, "value", "fear_greed") / 100.0,
        Input.LONG_USD: _taken(facts.liquidations, "long_usd", minute, whole),
        Input.SHORT_USD: _taken(facts.liquidations, "short_usd", minute, whole),
        Input.IN_CASCADE: _taken(facts.liquidations, "in_cascade", minute, whole),
    }
    return {INPUTS[given]: values for given, values in aligned.items()}


def newest_known(close_ms: Int64, versions: FactVersions, max_age_ms: int) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """For each moment the row of the newest fact known by then, in its newest version known by then; and whether there is one."""
    if len(versions) == 0:
        return np.zeros(len(close_ms), np.int64), np.zeros(len(close_ms), bool)
    order = np.argsort(versions.known_ms, kind="stable")
    ts_ms = versions.ts_ms[order]
    leads = ts_ms == np.maximum.accumulate(ts_ms)  # not a fact from before the newest one, told late
    newest = np.maximum.accumulate(np.where(leads, np.arange(len(order)), 0))
    place = np.searchsorted(versions.known_ms[order], close_ms, side="right") - 1
    row = order[newest[np.maximum(place, 0)]]
    return row, (place >= 0) & (close_ms - versions.ts_ms[row] <= max_age_ms)


def minute_before(close_ms: Int64, versions: FactVersions) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """As `newest_known`, of the very minute before the one that closes; one that came later stays a gap."""
    in_time = np.flatnonzero(versions.known_ms <= versions.ts_ms + 2 * MINUTE_MS)
    if len(in_time) == 0:
        return np.zeros(len(close_ms), np.int64), np.zeros(len(close_ms), bool)
    order = in_time[np.lexsort((versions.known_ms[in_time], versions.ts_ms[in_time]))]
    wanted = close_ms - 2 * MINUTE_MS
    row = order[np.maximum(np.searchsorted(versions.ts_ms[order], wanted, side="right") - 1, 0)]
    return row, versions.ts_ms[row] == wanted


def _taken(versions: FactVersions, column: str, row: Int64, known: npt.NDArray[np.bool_]) -> Float64:
    if len(versions) == 0:
        return np.full(len(row), np.nan)
    return np.where(known, versions.values[column][row], np.nan)


def _newest(close_ms: Int64, versions: FactVersions, column: str, dataset: str) -> Float64:
    return _taken(versions, column, *newest_known(close_ms, versions, MAX_AGE_MS[dataset]))


def _per_8h(close_ms: Int64, rates: FactVersions) -> Float64:
    interval_h = _newest(close_ms, rates, "interval_h", "funding")
    return _newest(close_ms, rates, "rate", "funding") * (REFERENCE_INTERVAL_H / interval_h)

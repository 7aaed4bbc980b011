"""A venue's book kept from its differences."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from huracan_platform.contracts.market import Float64
from huracan_platform.contracts.microstructure import DEPTH_BPS, DEPTH_LEVELS, DepthUpdate

BPS = 10_000.0
Level = tuple[float, float]


class LocalBook:
    """One symbol's book.

    Parameters
    ----------
    snapshot_levels
        Levels a side that a snapshot can hold: with so many there are more that it does not tell.
    most_levels
        Levels a side that are kept; beyond, the worse half is forgotten.
    windowed
        True where the venue tells no more than the best `snapshot_levels` a side at any time: what leaves them is forgotten,
        taken back or not.
    """

    def __init__(self, snapshot_levels: int, most_levels: int, *, windowed: bool = False) -> None:
        self._levels, self._most, self._windowed = snapshot_levels, most_levels, windowed
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._lowest, self._highest = 0.0, np.inf  # between them every level is known
        self._depth: Float64 | None = None

    def begin(self, snapshot: DepthUpdate) -> None:
        """Forget everything and take a snapshot."""
        self._bids, self._asks = _standing(snapshot.bids), _standing(snapshot.asks)
        self._lowest = min(self._bids) if len(self._bids) >= self._levels else 0.0
        self._highest = max(self._asks) if len(self._asks) >= self._levels else np.inf
        self._depth = None

    def apply(self, update: DepthUpdate) -> None:
        """Take a difference that follows on the one before."""
        _merge(self._bids, update.bids)
        _merge(self._asks, update.asks)
        most, kept = (self._levels, self._levels) if self._windowed else (self._most, self._most // 2)
        if len(self._bids) > most:
            self._bids = {price: self._bids[price] for price in heapq.nlargest(kept, self._bids)}
            self._lowest = max(self._lowest, min(self._bids))
        if len(self._asks) > most:
            self._asks = {price: self._asks[price] for price in heapq.nsmallest(kept, self._asks)}
            self._highest = min(self._highest, max(self._asks))
        self._depth = None

    def __len__(self) -> int:
        return len(self._bids) + len(self._asks)

    def best(self) -> tuple[Level, Level] | None:
        """Best bid and ask with what stands there; None while a side is empty or the sides cross."""
        if not self._bids or not self._asks:
            return None
        bid, ask = max(self._bids), min(self._asks)
        return None if bid >= ask else ((bid, self._bids[bid]), (ask, self._asks[ask]))

    def depth(self) -> Float64 | None:
        """The values of a second from `bid_usd_5bps` to `reach_bps`, in the order of its columns; None as `best`."""
        if self._depth is None and (best := self.best()) is not None:
            mid = (best[0][0] + best[1][0]) / 2
            bid_within, bid_best = _worths(self._bids, mid, 1)
            ask_within, ask_best = _worths(self._asks, mid, -1)
            self._depth = np.array([*bid_within, *ask_within, bid_best, ask_best, self._reach_bps(mid)])
        return self._depth

    def _reach_bps(self, mid: float) -> float:
        """How far from the mid every level is known on both sides; at most the whole mid."""
        lowest, highest = self._lowest, self._highest
        if self._windowed:
            lowest = min(self._bids) if len(self._bids) >= self._levels else 0.0
            highest = max(self._asks) if len(self._asks) >= self._levels else np.inf
        return float(np.clip(min(mid - lowest, highest - mid) / mid * BPS, 0.0, BPS))


def _worths(side: dict[float, float], mid: float, sign: int) -> tuple[list[float], float]:
    """Worth in quote of a side's levels within each of `DEPTH_BPS` of the mid, and of its best ones; `sign` 1 for bids."""
    price = np.fromiter(side, np.float64, len(side))
    worth, away = price * np.fromiter(side.values(), np.float64, len(side)), (mid - price) * sign
    within = [float(worth[away <= mid * bps / BPS].sum()) for bps in DEPTH_BPS]
    if len(side) <= DEPTH_LEVELS:
        return within, float(worth.sum())
    return within, float(worth[np.argpartition(away, DEPTH_LEVELS)[:DEPTH_LEVELS]].sum())


def _standing(levels: Iterable[Level]) -> dict[float, float]:
    return {price: base for price, base in levels if base > 0}


def _merge(side: dict[float, float], levels: Iterable[Level]) -> None:
    for price, base in levels:
        if base > 0:
            side[price] = base
        else:
            side.pop(price, None)

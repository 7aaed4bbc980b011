"""Books per second on their way through ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.seconds import BookSecondRepository
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, DEPTH_BPS, SECOND_MS, BookSeconds
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data import recorded
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.data.market_data.microstructure.kind import SecondsKind, against_candles, whole_minutes
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.venues.microstructure.streams import Dataset

MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class BookKind(SecondsKind):
    """Best prices, depth and order flow per second."""

    name: Dataset = field(default="book", kw_only=True)
    columns: tuple[str, ...] = BOOK_SECOND_COLUMNS

    def repository(self, brain: Brain) -> FactRepository:
        """Seconds of books of the Brain Library."""
        return BookSecondRepository(brain)

    def series(self, symbol: str, arrays: Mapping[str, Any]) -> BookSeconds:
        """The rows as their type."""
        return BookSeconds(symbol, **arrays)

    def own_checks(self, rows: BookSeconds, subject: Subject) -> list[CheckResult]:
        """Uniqueness and validity."""
        nested = [
            getattr(rows, f"{side}_usd_{near}bps") <= getattr(rows, f"{side}_usd_{far}bps")
            for side in ("bid", "ask") for near, far in pairwise(DEPTH_BPS)
        ]
        good = np.logical_and.reduce([rows.bid < rows.ask, rows.bid > 0, rows.bid_usd_5bps >= 0, rows.ask_usd_5bps >= 0, *nested])
        return [
            recorded.uniqueness(subject, rows.ts_ms, SECOND_MS),
            recorded.validity(subject, rows.ts_ms, good, "a bid below the ask, depth that grows with distance", SECOND_MS),
        ]

    def plausibility(self, rows: BookSeconds, subject: Subject) -> CheckResult:
        """No spread far beyond the day's own; a warning, since spreads of a panic are genuine."""
        spread, limit = rows.spread_bps, self.quality.plausibility_mad_sigma
        centre = float(np.median(spread)) if len(spread) else 0.0
        sigma = MAD_TO_SIGMA * float(np.median(np.abs(spread - centre))) if len(spread) else 0.0
        bound = centre + limit * max(sigma, centre)  # a spread of one tick all day has no sigma
        bad = ranges(rows.ts_ms[spread > bound], SECOND_MS)
        return check_result(
            subject, "plausibility", not bad, float(spread.max()) if len(spread) else 0.0, bound,
            f"expected spreads up to {bound:.2f} bps, got {int((spread > bound).sum())} wider ({in_words(bad, SECOND_MS)})",
            severity=Severity.WARNING, blocking=False, bad=bad,
        )

    def consistency(self, rows: BookSeconds, candles: Candles, subject: Subject) -> CheckResult:
        """Best prices of a minute meet the range in which its candle traded, to the widest depth that is kept."""
        _, first, at = whole_minutes(rows.ts_ms, candles)
        seconds = first[:, None] + np.arange(60)
        bid, ask = (column[seconds].reshape(len(first), 60) for column in (rows.bid, rows.ask))
        near = max(DEPTH_BPS) / 10_000
        good = (bid.min(axis=1, initial=np.inf) <= candles.high[at] * (1 + near)) & (
            ask.max(axis=1, initial=0.0) >= candles.low[at] * (1 - near)
        )
        return against_candles(
            subject, candles.ts_ms[at], good, self.quality, f"best prices within {max(DEPTH_BPS)} bps of the candle's range"
        )

"""Trades per second on their way through ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.seconds import TradeSecondRepository
from huracan_platform.contracts.market import Candles
from huracan_platform.contracts.microstructure import SECOND_MS, TRADE_SECOND_COLUMNS, TradeSeconds
from huracan_platform.contracts.quality import CheckResult, Severity
from huracan_platform.data.market_data import recorded
from huracan_platform.data.market_data.gaps import in_words, ranges
from huracan_platform.data.market_data.microstructure.kind import SecondsKind, against_candles, whole_minutes
from huracan_platform.data.market_data.results import Subject, check_result
from huracan_platform.venues.microstructure.streams import Dataset


@dataclass(frozen=True)
class TradesKind(SecondsKind):
    """What aggressors traded per second."""

    name: Dataset = field(default="trades", kw_only=True)
    columns: tuple[str, ...] = TRADE_SECOND_COLUMNS

    def repository(self, brain: Brain) -> FactRepository:
        """Seconds of trades of the Brain Library."""
        return TradeSecondRepository(brain)

    def series(self, symbol: str, arrays: Mapping[str, Any]) -> TradeSeconds:
        """The rows as their type."""
        return TradeSeconds(symbol, **arrays)

    def own_checks(self, rows: TradeSeconds, subject: Subject) -> list[CheckResult]:
        """Uniqueness and validity."""
        good = np.logical_and.reduce([getattr(rows, name) >= 0 for name in TRADE_SECOND_COLUMNS])
        good &= (rows.buy_base + rows.sell_base > 0) == (rows.trades > 0)
        return [
            recorded.uniqueness(subject, rows.ts_ms, SECOND_MS),
            recorded.validity(subject, rows.ts_ms, good, "amounts from 0, trades where something was traded", SECOND_MS),
        ]

    def plausibility(self, rows: TradeSeconds, subject: Subject) -> CheckResult:
        """No two seconds in a row with the very same trades: a stream that repeats itself; a warning."""
        same = (np.diff(rows.buy_usd) == 0) & (np.diff(rows.sell_usd) == 0) & (rows.trades[1:] > 1)
        same &= np.diff(rows.ts_ms) == SECOND_MS
        bad = ranges(rows.ts_ms[1:][same], SECOND_MS)
        return check_result(
            subject, "plausibility", not same.any(), int(same.sum()), 0,
            f"expected no second to repeat the one before, got {int(same.sum())} ({in_words(bad, SECOND_MS)})",
            severity=Severity.WARNING, blocking=False, bad=bad,
        )

    def consistency(self, rows: TradeSeconds, candles: Candles, subject: Subject) -> CheckResult:
        """What was traded in a minute is its candle's volume."""
        _, first, at = whole_minutes(rows.ts_ms, candles)
        sums = np.concatenate([[0.0], np.cumsum(rows.buy_base + rows.sell_base)])
        traded, volume = sums[first + 60] - sums[first], candles.volume[at]
        tolerance = self.settings.microstructure.volume_tolerance
        good = np.abs(traded - volume) <= tolerance * volume
        return against_candles(
            subject, candles.ts_ms[at], good, self.quality, f"trades of a candle's volume to {tolerance:g} of it"
        )

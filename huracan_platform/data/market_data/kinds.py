"""What differs between the datasets that one ingest serves: how to fetch, judge and store them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.candles import CandleRepository
from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts import FactRepository
from huracan_platform.brain.funding import FundingRepository
from huracan_platform.clock import DAY_MS, MINUTE_MS, day_of, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles, FundingRates, Int64
from huracan_platform.contracts.quality import CheckResult
from huracan_platform.data.market_data import checks, funding_checks
from huracan_platform.data.market_data.contract import arrays_of, frame_of
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.results import Subject
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.settings import QualitySettings

FUNDING_COLUMNS = ("rate", "interval_h")


class Kind(Protocol):
    """One dataset's way through ingest."""

    @property
    def name(self) -> str:
        """`candles`, `funding` or `open_interest`."""
        ...

    @property
    def quality(self) -> QualitySettings:
        """Thresholds of the checks."""
        ...

    @property
    def grace_ms(self) -> int:
        """Nothing younger than this is due yet, market time."""
        ...

    def kept_from_ms(self, observed_ms: int) -> int:
        """What the venue keeps at that market time begins here, ms UTC; days that begin before are not asked for."""
        ...

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """What the venue has for the days."""
        ...

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six checks for each window, over rows that kept their contract."""
        ...

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of one day's refused rows, in whatever order they came."""
        ...

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Whether nothing of the day is still to come, with `newest_ms` the last time there is."""
        ...

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """Rows as their repository takes them."""
        ...

    def repository(self, brain: Brain) -> FactRepository:
        """Where the rows are kept."""
        ...


@dataclass(frozen=True)
class CandleKind:
    """1-minute candles. `witness` gives a second venue's bars around the opens of jumps, None where there is none."""

    quality: QualitySettings
    witness: Callable[[str, Int64], Candles | None] = lambda symbol, ts_ms: None
    name: str = "candles"

    @property
    def grace_ms(self) -> int:
        """Bars younger than the freshness bound are not missed yet."""
        return self.quality.freshness_bars * MINUTE_MS

    def kept_from_ms(self, observed_ms: int) -> int:
        """Everything since the listing."""
        return 0

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Minutes, and the venue's own hours as evidence."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        # Outside its listing a venue has nothing to ask for.
        start, end = max(start, listing.first_ms), end if listing.last_ms is None else min(end, listing.last_ms)
        # What closes while the pages come is the next run's: the day is judged as of `observed`.
        end = max(start, min(end, observed - MINUTE_MS + 1))
        minutes = market.candles(symbol, start, end)
        return Delivery(symbol, days, frame_of(minutes), observed, listing, hours=market.hourly(symbol, start, end))

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        candles = Candles(delivery.symbol, **arrays_of(frame, CANDLE_COLUMNS))
        hours = delivery.hours or Candles(delivery.symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))
        bars = {window.day: candles.of_day(window.day) for window in windows}
        closes = {window.day: _close_before(candles, window.day, delivery, before) for window in windows}
        lent = delivery.refetched
        jumps = [checks.jumps(part, self.quality, closes[day], lent) for day, part in bars.items()]
        witness = self.witness(delivery.symbol, np.concatenate(jumps)) if any(map(len, jumps)) else None
        results = {}
        for window in windows:
            evidence = checks.Evidence(
                window, delivery.observed_ms, window.day == newest_day(delivery), hours.of_day(window.day),
                closes[window.day], witness, tuple(one for one in lent if day_of(one.start_ms) == window.day),
            )
            results[window.day] = checks.run_checks(bars[window.day], evidence, self.quality)
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of a refused day."""
        if not is_numeric(part, CANDLE_COLUMNS):
            return []
        candles = Candles(delivery.symbol, **arrays_of(part, CANDLE_COLUMNS))
        return [
            checks.completeness(candles, window, self.quality), checks.uniqueness(candles, window.day),
            checks.validity(candles, window.day),
        ]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last bar is there, or overdue."""
        if newest_ms is not None and newest_ms >= window.end_ms - MINUTE_MS:
            return True
        return window.due_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A bar is known `arrival_delay_ms` after its close."""
        return fact_table(frame, CANDLE_COLUMNS, MINUTE_MS + self.quality.arrival_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Candles of the Brain Library."""
        return CandleRepository(brain)


@dataclass(frozen=True)
class FundingKind:
    """Settled funding rates."""

    quality: QualitySettings
    name: str = "funding"
    # A settlement appears some seconds late; minutes late it is missing.
    grace_ms: int = 2 * MINUTE_MS

    def kept_from_ms(self, observed_ms: int) -> int:
        """Everything since the listing."""
        return 0

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Settlements of the days."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        rates = market.funding(symbol, day_start_ms(days[0]), min(day_start_ms(days[-1]) + DAY_MS, observed + 1))
        return Delivery(symbol, days, frame_of(rates), observed, listing)

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        rates = FundingRates(delivery.symbol, **arrays_of(frame, FUNDING_COLUMNS))
        due = self._due(rates, delivery)
        results = {}
        for window in windows:
            evidence = funding_checks.FundingEvidence(
                window, delivery.observed_ms, window.day == newest_day(delivery), _on_day(due, window.day), rates
            )
            results[window.day] = funding_checks.run_checks(rates.of_day(window.day), evidence, self.quality)
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Uniqueness and validity of a refused day; what is due cannot be read off a series that broke its contract."""
        if not is_numeric(part, FUNDING_COLUMNS):
            return []
        rates = FundingRates(delivery.symbol, **arrays_of(part, FUNDING_COLUMNS))
        subject = Subject(self.name, delivery.symbol, window.day)
        return [funding_checks.uniqueness(rates, subject), funding_checks.validity(rates, subject)]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over with the day: its last settlement came at least an hour before."""
        return observed_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A rate is known `funding_delay_ms` after its settlement."""
        return fact_table(frame, FUNDING_COLUMNS, self.quality.funding_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """Funding rates of the Brain Library."""
        return FundingRepository(brain)

    def _due(self, rates: FundingRates, delivery: Delivery) -> Int64:
        end = delivery.end_ms if delivery.listing.last_ms is None else min(delivery.end_ms, delivery.listing.last_ms)
        # The settlement at the very start of the listing is not due: nobody held a position before it.
        after = max(delivery.start_ms - 1, delivery.listing.first_ms)
        return funding_checks.due_settlements(rates, after, min(end, delivery.observed_ms - self.grace_ms))


def newest_day(delivery: Delivery) -> date:
    """The partition that the market's now falls into, or the listing's last one."""
    last = delivery.listing.last_ms
    return day_of((delivery.observed_ms if last is None else min(delivery.observed_ms, last)) - 1)


def _close_before(candles: Candles, day: date, delivery: Delivery, before: float | None) -> float | None:
    """Close of the bar right before the day's first, from the delivery or from the library."""
    first = int(np.searchsorted(candles.ts_ms, day_start_ms(day)))
    if first == 0:
        return before if day == delivery.days[0] else None
    return float(candles.close[first - 1]) if candles.ts_ms[first - 1] == day_start_ms(day) - MINUTE_MS else None


def _on_day(ts_ms: Int64, day: date) -> Int64:
    return ts_ms[(ts_ms >= day_start_ms(day)) & (ts_ms < day_start_ms(day) + DAY_MS)]


def is_numeric(part: pd.DataFrame, names: Sequence[str]) -> bool:
    """True when every named column is there and holds numbers."""
    return all(name in part and part[name].dtype.kind in "fiu" for name in names)


def fact_table(frame: pd.DataFrame, names: Sequence[str], delay_ms: int) -> pa.Table:
    """Rows as a fact repository takes them, each known `delay_ms` after its ts."""
    arrays: dict[str, Any] = arrays_of(frame, names)
    symbol = pa.array(frame["symbol"], pa.string())
    return pa.table({"symbol": symbol, **arrays, "known_at_ms": arrays["ts_ms"] + delay_ms})

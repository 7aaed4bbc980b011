"""Any source's way through ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.sources import SourceRepository
from huracan_platform.clock import DAY_MS, day_start_ms
from huracan_platform.contracts.market import CANDLE_COLUMNS, Candles
from huracan_platform.contracts.quality import CheckResult
from huracan_platform.contracts.source import SourceContract, SourceRows
from huracan_platform.data.market_data.contract import arrays_of
from huracan_platform.data.market_data.gaps import DueWindow
from huracan_platform.data.market_data.kinds import fact_table, is_numeric, newest_day, told_from_ms
from huracan_platform.data.market_data.own_bars import read_own
from huracan_platform.data.market_data.results import Subject
from huracan_platform.data.market_data.series_checks import all_due, each_once
from huracan_platform.data.market_data.source import Delivery, MarketSource
from huracan_platform.data.sources import checks
from huracan_platform.data.sources.source import Origin, Source
from huracan_platform.settings import QualitySettings, Settings


@dataclass(frozen=True)
class SourceKind:
    """Rows of one source for the symbols of one market."""

    source: Source
    brain: Brain
    market: MarketSource
    settings: Settings

    @property
    def name(self) -> str:
        """As the source's contract calls it."""
        return self._contract.name

    @property
    def quality(self) -> QualitySettings:
        """Thresholds of the checks."""
        return self.settings.quality

    @property
    def documented_delay_ms(self) -> int:
        """As the source says."""
        return self.source.delay_ms(self.settings)

    @property
    def grace_ms(self) -> int:
        """A row is due once its span, its arrival delay and one more step are over."""
        return self._contract.span_ms + self.documented_delay_ms + self._contract.step_ms

    def kept_from_ms(self, market: MarketSource, observed_ms: int) -> int:
        """As far back as the source's origin keeps it."""
        return told_from_ms(self.source.kept_ms(Origin(market, self.settings)), observed_ms)

    def fetch(self, market: MarketSource, symbol: str, days: tuple[date, ...]) -> Delivery:
        """Rows of the days whose span is over."""
        observed, listing = market.clock().market_ms(), market.listing(symbol)
        start, end = day_start_ms(days[0]), day_start_ms(days[-1]) + DAY_MS
        start, end = max(start, listing.first_ms), end if listing.last_ms is None else min(end, listing.last_ms)
        end = max(start, min(end, observed - self._contract.span_ms + 1))
        rows = self.source.fetch(Origin(market, self.settings), symbol, start, end)
        return Delivery(symbol, days, frame_of(rows), observed, listing)

    def checks(
        self, frame: pd.DataFrame, delivery: Delivery, windows: Sequence[DueWindow], before: float | None
    ) -> Mapping[date, list[CheckResult]]:
        """All six for each day."""
        series, rules = self._rows(frame, delivery.symbol), self.source.rules(self.settings)
        candles = self._candles(delivery) if rules else _no_candles(delivery.symbol)
        moves = checks.moves_of(series, self._contract)
        results = {}
        for window in windows:
            evidence = checks.SourceEvidence(
                window, delivery.observed_ms, window.day == newest_day(delivery),
                checks.due_rows(self._contract, window, delivery.listing.first_ms), self.documented_delay_ms, moves, rules,
                candles.of_day(window.day),
            )
            results[window.day] = checks.run_checks(series.of_day(window.day), self._contract, evidence, self.quality)
        return results

    def first_checks(self, part: pd.DataFrame, delivery: Delivery, window: DueWindow) -> list[CheckResult]:
        """Completeness, uniqueness and validity of a refused day."""
        if not is_numeric(part, self._contract.names):
            return []
        rows, subject = self._rows(part, delivery.symbol), Subject(self.name, delivery.symbol, window.day)
        due = checks.due_rows(self._contract, window, delivery.listing.first_ms)
        return [
            all_due(subject, rows.ts_ms, due, self._contract.step_ms, "row", self.quality),
            each_once(subject, rows.ts_ms, self._contract.step_ms, "row"), checks.validity(rows, self._contract, subject),
        ]

    def is_over(self, window: DueWindow, newest_ms: int | None, observed_ms: int) -> bool:
        """Over when its last row is there, or overdue."""
        if newest_ms is not None and newest_ms >= window.end_ms - self._contract.step_ms:
            return True
        return window.due_ms >= window.end_ms

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """A row is known when its span and the source's delay are over."""
        return fact_table(frame, self._contract.names, self._contract.span_ms + self.documented_delay_ms)

    def repository(self, brain: Brain) -> FactRepository:
        """The source's facts in the Brain Library."""
        return SourceRepository(brain, self._contract)

    @property
    def _contract(self) -> SourceContract:
        return self.source.contract

    def _rows(self, frame: pd.DataFrame, symbol: str) -> SourceRows:
        arrays = arrays_of(frame, self._contract.names)
        return SourceRows(symbol, arrays.pop("ts_ms"), arrays)

    def _candles(self, delivery: Delivery) -> Candles:
        """The library's own candles of the days; what another venue lent proves nothing of this one."""
        symbol = delivery.symbol
        return read_own(self.brain, self.market.venue, [symbol], delivery.start_ms, delivery.end_ms)[symbol]


def frame_of(rows: SourceRows) -> pd.DataFrame:
    """Rows as a batch: columns `symbol`, `ts` (UTC, ms) and the values, in the order delivered."""
    ts = pd.Series(np.asarray(rows.ts_ms, np.int64).astype("M8[ms]")).dt.tz_localize("UTC")
    symbol = pd.Series(np.full(len(ts), rows.symbol), dtype="str")
    return pd.DataFrame({"symbol": symbol, "ts": ts, **rows.values})


def _no_candles(symbol: str) -> Candles:
    return Candles(symbol, np.empty(0, np.int64), *(np.empty(0) for _ in CANDLE_COLUMNS))

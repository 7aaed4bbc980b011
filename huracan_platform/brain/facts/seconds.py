"""Trades and books per second: facts with their versions, a partition per UTC day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from huracan_platform.brain.facts.detached import expect_attached
from huracan_platform.brain.facts.repository import FactRepository, UpsertResult
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.clock import DAY_MS, day_of
from huracan_platform.contracts.facts import FactVersions
from huracan_platform.contracts.market import Pin
from huracan_platform.contracts.microstructure import BOOK_SECOND_COLUMNS, TRADE_SECOND_COLUMNS, BookSeconds, TradeSeconds


class _SecondsRepository(FactRepository):
    """A table of seconds, whose days are made as they are written."""

    dataset: str

    def upsert(
        self, venue: str, batch: pa.Table, recorded_at_ms: int, *, revision_known_at_ms: int | None = None
    ) -> UpsertResult:
        """As `FactRepository.upsert`, after the days' partitions are there."""
        if batch.num_rows and "ts_ms" in batch.column_names:
            self.make_days(day_of(int(n) * DAY_MS) for n in np.unique(batch.column("ts_ms").to_numpy() // DAY_MS))
        return super().upsert(venue, batch, recorded_at_ms, revision_known_at_ms=revision_known_at_ms)

    def _read(self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin) -> dict[str, dict[str, Any]]:
        """As `FactRepository._read`; PermanentError where days of the window were detached."""
        with self._brain.connect() as connection:
            expect_attached(connection, self.dataset, start_ms, end_ms)
        return super()._read(venue, symbols, start_ms, end_ms, pin)

    def read_versions(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, FactVersions]:
        """As `FactRepository.read_versions`; PermanentError where days of the window were detached."""
        with self._brain.connect() as connection:
            expect_attached(connection, self.dataset, start_ms, end_ms)
        return super().read_versions(venue, symbols, start_ms, end_ms, pin)

    def make_days(self, days: Iterable[date]) -> None:
        """Partitions of the days, where they are not there yet."""
        wanted = {f"{self.table.name}_{day:%Y%m%d}": day for day in days}
        with self._brain.connect() as connection:
            there = connection.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", (list(wanted),)).fetchall()
            for name in sorted(wanted.keys() - {name for (name,) in there}):
                connection.execute("SELECT make_seconds_day(%s, %s)", (self.table.name, wanted[name]))


class TradeSecondRepository(_SecondsRepository):
    """What aggressors traded per second."""

    table, dataset = FactTable("trade_seconds", TRADE_SECOND_COLUMNS), "trades"

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, TradeSeconds]:
        """Seconds with start_ms ≤ ts < end_ms (ms UTC) by symbol, in time order. One that is not there is not known."""
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: TradeSeconds(symbol=symbol, **arrays) for symbol, arrays in found.items()}


class BookSecondRepository(_SecondsRepository):
    """Book and order flow per second."""

    table, dataset = FactTable("book_seconds", BOOK_SECOND_COLUMNS), "book"

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, BookSeconds]:
        """Seconds with start_ms ≤ ts < end_ms (ms UTC) by symbol, in time order. One that is not there is not known."""
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: BookSeconds(symbol=symbol, **arrays) for symbol, arrays in found.items()}

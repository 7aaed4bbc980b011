"""The files of an archive in a venue's place: what is read from them, by dataset, as ingest asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from huracan_platform.clock import Clock
from huracan_platform.contracts.market import (
    AccountRatios,
    Candles,
    FundingRates,
    Instrument,
    MarkPrices,
    OpenInterest,
    Series,
    TakerVolumes,
)
from huracan_platform.venues.market import Listing
from huracan_platform.venues.wires.wire import Kept

HOURS = "hours"
Rows = TypeVar("Rows", bound=Series)


class ArchiveMarket:
    """One symbol's rows out of files, as the venue `venue` would have delivered them. No venue need run.

    Parameters
    ----------
    rows
        Series by dataset, in the order of their files; `hours` are the venue's own 1-hour bars.
    listing
        The window in which the symbol was traded, as far as the files tell.
    """

    def __init__(
        self, venue: str, clock: Clock, symbol: str, rows: Mapping[str, Series], listing: Listing,
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._venue, self._clock, self._symbol, self._rows = venue, clock, symbol, rows
        self._listing, self._instruments = listing, instruments

    @property
    def venue(self) -> str:
        """Name under which the facts are kept."""
        return self._venue

    def clock(self) -> Clock:
        """The wall clock: files are read today, whatever they are of."""
        return self._clock

    def listing(self, symbol: str) -> Listing:
        """As far as the files tell."""
        return self._listing

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Those of the library: files tell no tick sizes, and none is made up."""
        return [self._instruments[symbol] for symbol in symbols if symbol in self._instruments]

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """1-minute bars."""
        return self._within("candles", Candles, start_ms, end_ms)

    def hourly(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """1-hour bars, none where there were no files of them."""
        return self._within(HOURS, Candles, start_ms, end_ms)

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> FundingRates:
        """Settled rates."""
        return self._within("funding", FundingRates, start_ms, end_ms)

    def open_interest(self, symbol: str, start_ms: int, end_ms: int) -> OpenInterest:
        """Snapshots."""
        return self._within("open_interest", OpenInterest, start_ms, end_ms)

    def mark_prices(self, symbol: str, start_ms: int, end_ms: int) -> MarkPrices:
        """Closes of the 5-minute bars."""
        return self._within("mark_prices", MarkPrices, start_ms, end_ms)

    def account_ratios(self, symbol: str, start_ms: int, end_ms: int) -> AccountRatios:
        """Shares of accounts that are long."""
        return self._within("account_ratios", AccountRatios, start_ms, end_ms)

    def taker_volumes(self, symbol: str, start_ms: int, end_ms: int) -> TakerVolumes:
        """What takers traded."""
        return self._within("taker_volumes", TakerVolumes, start_ms, end_ms)

    def kept_ms(self, dataset: Kept) -> int | None:
        """Files lose nothing."""
        return None

    def _within(self, dataset: str, kind: type[Rows], start_ms: int, end_ms: int) -> Rows:
        rows = self._rows.get(dataset)
        if not isinstance(rows, kind):
            columns = [name for name in kind.__dataclass_fields__ if name not in ("symbol", "ts_ms")]
            return kind(self._symbol, np.empty(0, np.int64), *(np.empty(0) for _ in columns))
        return rows.at((rows.ts_ms >= start_ms) & (rows.ts_ms < end_ms))


def joined(parts: Sequence[Series]) -> Series:
    """Series of one kind and symbol, one after the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    names = [name for name in first.__dataclass_fields__ if name != "symbol"]
    return type(first)(first.symbol, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))

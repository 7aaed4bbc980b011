"""The market that the venue serves: minute bars in integers, funding settlements, and where history ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from huracan_platform.clock import DAY_MS, MINUTE_MS
from huracan_platform.simulator.exchange.instruments import Instrument

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Venues announce a listing or its end some days ahead, and nothing is known of it before.
NOTICE_MS = 7 * DAY_MS


@dataclass(frozen=True)
class MinuteBars:
    """Recorded or generated minutes of one symbol, sorted by open time, gaps allowed.

    All arrays have shape (n,): `ts_ms` bar open in ms UTC; prices in whole ticks; `volume` and `taker_buy` in whole
    lots (0 volume: nothing traded); `taker_buy` is the part bought by aggressors.
    """

    ts_ms: I64
    open: I64
    high: I64
    low: I64
    close: I64
    volume: I64
    taker_buy: I64

    def __len__(self) -> int:
        return len(self.ts_ms)

    def row_at(self, market_ms: int) -> int:
        """Index of the last bar that has begun at the given market time, -1 before the first."""
        at = (market_ms - self._first_ms) // MINUTE_MS
        if 0 <= at < len(self.ts_ms) and self.ts_ms[at] == self._first_ms + at * MINUTE_MS:  # no gap before it, as nearly always
            return at
        return int(self.ts_ms.searchsorted(market_ms, side="right")) - 1

    @cached_property
    def _first_ms(self) -> int:
        return int(self.ts_ms[0]) if len(self.ts_ms) else 0


@dataclass(frozen=True)
class FundingHistory:
    """Settlements of one symbol, sorted. `ts_ms` is snapped to the minute, `raw_ms` is as recorded.

    `rate` is a fraction of notional per settlement; `mark_ticks` the mark price at settlement in ticks (0: use last price).
    """

    ts_ms: I64
    raw_ms: I64
    rate: F64
    mark_ticks: I64

    def last_before(self, market_ms: int) -> int:
        """Index of the last settlement at or before the given market time, -1 if none."""
        return int(self.ts_ms.searchsorted(market_ms, side="right")) - 1

    def interval_hours(self, market_ms: int) -> int:
        """Hours between the last two settlements before the given time, 8 where fewer are known."""
        last = self.last_before(market_ms)
        return 8 if last < 1 else max(1, round(int(self.ts_ms[last] - self.ts_ms[last - 1]) / 3_600_000))


@dataclass(frozen=True)
class Positioning:
    """Who holds what in one symbol at `ts_ms` (n,), sorted.

    `open_interest` in whole lots; `long` and `top_long` shares of all and of the largest accounts that are long, in 1/10,000.
    """

    ts_ms: I64
    open_interest: I64
    long: I64
    top_long: I64


@dataclass(frozen=True)
class Liquidations:
    """Forced closes in one symbol, sorted by `ts_ms`; all arrays have shape (n,).

    `ts_ms` when it traded, ms UTC; `long`: the position that was closed was long, so its order sold; `lots` in whole lots,
    at least 1; `price_ticks` the price at which it traded, within its minute's bar.
    """

    ts_ms: I64
    long: Flags
    lots: I64
    price_ticks: I64

    def __len__(self) -> int:
        return len(self.ts_ms)

    def between(self, since_ms: int, until_ms: int) -> range:
        """Rows of the half-open interval [since, until), ms UTC."""
        first, stop = (int(np.searchsorted(self.ts_ms, at)) for at in (since_ms, until_ms))
        return range(first, max(first, stop))


@dataclass(frozen=True)
class ListedSymbol:
    """One symbol with everything the venue knows of it. `key` seeds its tape and book.

    `premium` (n,) at the end of each bar is the mark price over the index price, less 1, as a fraction. `positioning`,
    `liquidations` and `premium` None: not recorded. `ends_ms` is when trading ends (exclusive); None: never.
    """

    instrument: Instrument
    bars: MinuteBars
    funding: FundingHistory
    key: int
    positioning: Positioning | None = None
    liquidations: Liquidations | None = None
    premium: F64 | None = None
    ends_ms: int | None = None

    @property
    def listed_ms(self) -> int:
        """Open of the first bar, ms UTC."""
        return int(self.bars.ts_ms[0])

    @property
    def end_ms(self) -> int:
        """End of the last bar, ms UTC."""
        return int(self.bars.ts_ms[-1]) + MINUTE_MS

    def trades_at(self, market_ms: int) -> bool:
        """Whether it can be traded at a market time: it has begun and not ended."""
        return self.listed_ms <= market_ms and not self.has_ended(market_ms)

    def has_ended(self, market_ms: int) -> bool:
        """Whether trading is over at a market time."""
        return self.ends_ms is not None and self.ends_ms <= market_ms

    def is_announced(self, market_ms: int) -> bool:
        """Whether the venue tells by then that it will trade."""
        return self.listed_ms - NOTICE_MS <= market_ms

    def told_end_ms(self, market_ms: int) -> int | None:
        """When it ends or ended, as far as the venue tells it by then: a week ahead; None: no end is known."""
        return self.ends_ms if self.ends_ms is not None and self.ends_ms - NOTICE_MS <= market_ms else None


@dataclass(frozen=True)
class Market:
    """All symbols under one identity.

    `start_ms` is the first bar of the history, `now_ms` where the market clock starts, `end_ms` where data ends.
    `notes` say in words which data sets are absent.
    """

    identity: str
    symbols: Mapping[str, ListedSymbol]
    start_ms: int
    now_ms: int
    end_ms: int
    notes: tuple[str, ...] = ()

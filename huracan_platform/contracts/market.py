"""Market facts as they cross borders: instruments, series of rows in time order, pins."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from huracan_platform.clock import DAY_MS, MINUTE_MS, day_start_ms

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

CANDLE_COLUMNS = ("open", "high", "low", "close", "volume")
OPEN_INTEREST_COLUMNS = ("contracts", "value_usd")
# Prices beside the last one, open interest, ratios and taker volumes: the finest step that all venues tell.
STEP_MS = 5 * MINUTE_MS


@dataclass(frozen=True)
class Instrument:
    """A linear perpetual as its venue trades it. `symbol` is ccxt's unified form, `BTC/USDT:USDT`."""

    venue: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal


ListingStatus = Literal["pending", "trading", "halted", "delisted"]


@dataclass(frozen=True)
class Listed:
    """A linear perpetual in its venue's catalogue, whether it trades, will trade or no longer does.

    `listed_ms` is when its trading began or begins, `delisted_ms` when it ended or ends; None where the venue tells no end, or
    not when it was. A symbol that was listed twice is there twice.
    """

    instrument: Instrument
    status: ListingStatus
    listed_ms: int
    delisted_ms: int | None

    @property
    def symbol(self) -> str:
        """ccxt's unified form."""
        return self.instrument.symbol


@dataclass(frozen=True)
class Pin:
    """What a read may see: facts known by `as_of` (market time) and recorded before `recorded_before` (wall time).

    None means no bound: the newest version of everything. A dataset manifest always stores both bounds.
    """

    as_of: datetime | None = None
    recorded_before: datetime | None = None


@dataclass(frozen=True)
class Series:
    """Rows of one symbol in time order, a column an array. `ts_ms` in ms UTC."""

    symbol: str
    ts_ms: Int64

    def __len__(self) -> int:
        return len(self.ts_ms)

    def of_day(self, day: date) -> Self:
        """The rows whose `ts_ms` is within a UTC day."""
        first, last = np.searchsorted(self.ts_ms, [day_start_ms(day), day_start_ms(day) + DAY_MS])
        return self.at(slice(first, last))

    def between(self, start_ms: int, end_ms: int) -> Self:
        """The rows in [start_ms, end_ms), in whatever order they stand."""
        return self.at((self.ts_ms >= start_ms) & (self.ts_ms < end_ms))

    def at(self, rows: slice | Int64 | npt.NDArray[np.bool_]) -> Self:
        """The rows at positions, or where a mask is true."""
        columns = [field.name for field in fields(self) if field.name != "symbol"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


@dataclass(frozen=True)
class Candles(Series):
    """1-minute bars. `ts_ms` is the bar's open; prices in quote, volume in base."""

    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64


@dataclass(frozen=True)
class FundingRates(Series):
    """Settled funding. `rate` is a fraction per interval, `interval_h` hours; longs pay when positive."""

    rate: Float64
    interval_h: Float64


@dataclass(frozen=True)
class OpenInterest(Series):
    """Open interest every 5 minutes.

    `ts_ms` is the snapshot's moment, `contracts` the open positions in base, `value_usd` what they are worth in quote.
    """

    contracts: Float64
    value_usd: Float64


@dataclass(frozen=True)
class MarkPrices(Series):
    """Closes of the 5-minute bars of the mark price, the index price and the premium index.

    `ts_ms` is the bars' open; prices in quote, `premium` a fraction of the index price, as the venue tells it.
    """

    mark: Float64
    index: Float64
    premium: Float64


@dataclass(frozen=True)
class AccountRatios(Series):
    """Share of all accounts with a position that are long, 0 to 1, every 5 minutes. `ts_ms` is the snapshot's moment."""

    long_share: Float64


@dataclass(frozen=True)
class TakerVolumes(Series):
    """What aggressors bought and sold in each 5 minutes, in base. `ts_ms` is when the 5 minutes began."""

    buy: Float64
    sell: Float64


@dataclass(frozen=True)
class ClosedBar:
    """A finished 1-minute bar as the live feed hands it on. `ts_ms` is its open, `seen_ms` the wire time it was seen closed."""

    symbol: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    seen_ms: int

    @property
    def values(self) -> tuple[float, float, float, float, float]:
        """Open, high, low, close, volume: what two sightings of one bar must agree in."""
        return self.open, self.high, self.low, self.close, self.volume

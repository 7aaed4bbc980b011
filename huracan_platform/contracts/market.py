"""Market facts as they cross borders: instruments, candle arrays, pins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

CANDLE_COLUMNS = ("open", "high", "low", "close", "volume")
OPEN_INTEREST_COLUMNS = ("contracts", "value_usd")


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


@dataclass(frozen=True)
class Pin:
    """What a read may see: facts known by `as_of` (market time) and recorded before `recorded_before` (wall time).

    None means no bound: the newest version of everything. A dataset manifest always stores both bounds.
    """

    as_of: datetime | None = None
    recorded_before: datetime | None = None


@dataclass(frozen=True)
class Candles:
    """1-minute bars of one symbol in time order. `ts_ms` is the bar's open in ms UTC; prices in quote, volume in base."""

    symbol: str
    ts_ms: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64

    def __len__(self) -> int:
        return len(self.ts_ms)


@dataclass(frozen=True)
class FundingRates:
    """Settled funding of one symbol. `rate` is a fraction per interval, `interval_h` hours; longs pay when positive."""

    symbol: str
    ts_ms: Int64
    rate: Float64
    interval_h: Float64


@dataclass(frozen=True)
class OpenInterest:
    """Open interest of one symbol every 5 minutes, in time order.

    `ts_ms` is the snapshot's moment in ms UTC, `contracts` the open positions in base, `value_usd` what they are worth in quote.
    """

    symbol: str
    ts_ms: Int64
    contracts: Float64
    value_usd: Float64

    def __len__(self) -> int:
        return len(self.ts_ms)


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

"""Trades and books of a second, and the stream messages that they are made of. Buying and selling is the aggressor's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Float64, Int64, Series

SECOND_MS = 1000
DEPTH_BPS = (5, 10, 25)
DEPTH_LEVELS = 10
TRADE_SECOND_COLUMNS = ("buy_base", "sell_base", "buy_usd", "sell_usd", "trades")
BOOK_SECOND_COLUMNS = (
    "bid", "ask", "bid_base", "ask_base", "ofi_base", "updates",
    *(f"bid_usd_{bps}bps" for bps in DEPTH_BPS), *(f"ask_usd_{bps}bps" for bps in DEPTH_BPS),
    f"bid_usd_{DEPTH_LEVELS}_levels", f"ask_usd_{DEPTH_LEVELS}_levels", "reach_bps",
)


@dataclass(frozen=True)
class AggressorTrades(Series):
    """Trades, or aggregates of them, as a stream or an archive tells them; `ts_ms` is when each happened.

    `trade_id` numbers them in the order in which they happened, or tells them apart where the venue does not number them; `price`
    in quote, `base` the quantity in base, `bought` whether the aggressor bought (Binance's `m` and `is_buyer_maker` say the
    contrary).
    """

    trade_id: Int64
    price: Float64
    base: Float64
    bought: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TradeSeconds(Series):
    """What aggressors traded in each second; one without trades is a row of zeros, one that is not there is not known.

    `ts_ms` is the second's begin, `*_base` in base, `*_usd` in quote, `trades` the number of aggregates.
    """

    buy_base: Float64
    sell_base: Float64
    buy_usd: Float64
    sell_usd: Float64
    trades: Float64

    @property
    def signed_base(self) -> Float64:
        """Bought less sold, in base."""
        return self.buy_base - self.sell_base

    @property
    def vwap(self) -> Float64:
        """Mean price weighted by quantity; NaN in a second without trades."""
        base = self.buy_base + self.sell_base
        mean: Float64 = np.divide(self.buy_usd + self.sell_usd, base, out=np.full(len(base), np.nan), where=base > 0)
        return mean


@dataclass(frozen=True)
class BookSeconds(Series):
    """The book at the end of each second, and the order flow within it; a second that is not there is not known.

    `ts_ms` is the second's begin. `bid` and `ask` are the best prices, `bid_base` and `ask_base` what stood there; `ofi_base`
    is the order-flow imbalance of Cont, Kukanov & Stoikov (2014, https://doi.org/10.1093/jjfinec/nbt003) summed over the
    second's `updates` of the best prices. `bid_usd_5bps` is the worth of all bids within 5 bps of the mid, and so on;
    `bid_usd_10_levels` that of the best ten. The book is known `reach_bps` from its mid on both sides: depth further away is
    a lower bound.
    """

    bid: Float64
    ask: Float64
    bid_base: Float64
    ask_base: Float64
    ofi_base: Float64
    updates: Float64
    bid_usd_5bps: Float64
    bid_usd_10bps: Float64
    bid_usd_25bps: Float64
    ask_usd_5bps: Float64
    ask_usd_10bps: Float64
    ask_usd_25bps: Float64
    bid_usd_10_levels: Float64
    ask_usd_10_levels: Float64
    reach_bps: Float64

    @property
    def mid(self) -> Float64:
        """Between the best prices."""
        return (self.bid + self.ask) / 2

    @property
    def spread_bps(self) -> Float64:
        """Distance of the best prices in basis points of the mid."""
        return (self.ask - self.bid) / self.mid * 10_000


@dataclass(frozen=True, slots=True)
class Trade:
    """One aggressor trade, an aggregate of the single trades numbered `first_id` to `last_id` (0 where they have no numbers).

    `trade_id` is `step` more than that of the symbol's trade before: where that one is missing, a trade was not told. `step` is
    None where a venue's trades do not follow on one another by number: `trade_id` then only tells them apart.
    """

    symbol: str
    ts_ms: int
    trade_id: int
    price: float
    base: float
    bought: bool
    first_id: int
    last_id: int
    step: int | None = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask after an update; `update_id` grows."""

    symbol: str
    ts_ms: int
    update_id: int
    bid: float
    bid_base: float
    ask: float
    ask_base: float


@dataclass(frozen=True, slots=True)
class DepthUpdate:
    """Levels (price, base) that changed, 0 for gone; it follows on the update numbered `previous_id`.

    With `snapshot` the levels are all there is, as of `last_id`.
    """

    symbol: str
    ts_ms: int
    first_id: int
    last_id: int
    previous_id: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """The connection is alive. `last_id`: the newest single trade of the symbol there was by then, None where it is not told."""

    symbol: str
    ts_ms: int
    last_id: int | None = None


Message = Trade | Quote | DepthUpdate | Pulse

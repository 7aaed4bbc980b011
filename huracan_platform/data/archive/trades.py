"""Trades, books and liquidations of the archive."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from huracan_platform.clock import MINUTE_MS
from huracan_platform.contracts.liquidation import Liquidation, Side
from huracan_platform.contracts.market import Int64
from huracan_platform.contracts.microstructure import SECOND_MS, AggressorTrades, TradeSeconds
from huracan_platform.data.archive.depth import PERCENT, DepthBands
from huracan_platform.data.archive.klines import repeated
from huracan_platform.data.archive.positions import text_times_ms
from huracan_platform.data.archive.tables import column, times_ms
from huracan_platform.data.market_data.trades.seconds import trade_seconds
from huracan_platform.errors import DataContractError

# The archive tells the side of the order that closed the position.
_CLOSED_BY: dict[str, Side] = {"SELL": "long", "BUY": "short"}


def read_trades(
    name: str, table: pa.Table, symbol: str, start_ms: int, end_ms: int
) -> tuple[TradeSeconds, int, tuple[int, int], int]:
    """Seconds of [start_ms, end_ms) that no trade is missing of, how many trades, their first and last time, and duplicates.

    Aggregates are numbered one by one: where a number is missing, the seconds between its neighbours are not known.

    Raises
    ------
    DataContractError
        Missing values, times in no one unit, or one number with two trades.
    """
    number, price, base = (column(name, table, c) for c in ("agg_trade_id", "price", "quantity"))
    ts, maker = times_ms(name, column(name, table, "transact_time")), column(name, table, "is_buyer_maker").astype(np.bool_)
    again = repeated(number, ts, price, base, maker)
    trades = AggressorTrades(symbol, ts, number, price, base, ~maker).at(~again)
    order = np.argsort(trades.trade_id, kind="stable")
    if not (np.diff(order) > 0).all():
        trades = trades.at(order)
    step = np.diff(trades.trade_id)
    if (step == 0).any():
        at = int(np.argmax(step == 0))
        raise DataContractError(f"{name}: expected each agg_trade_id once, got {int(trades.trade_id[at])} with two contents")
    seconds = trade_seconds(trades, start_ms, end_ms)
    known = _known(seconds.ts_ms, trades, np.flatnonzero(step > 1))
    return seconds.at(known), len(trades), (int(ts.min()), int(ts.max())), int(again.sum())


def read_depth(name: str, table: pa.Table, symbol: str) -> tuple[DepthBands, int]:
    """The last snapshot of each minute: USD within 1 to 5 % of the price on each side; and how many rows said the same again.

    Raises
    ------
    DataContractError
        Missing values, another percentage, or a snapshot without all ten of them.
    """
    ts = text_times_ms(name, table, "timestamp")
    percentage, base, usd = (column(name, table, c) for c in ("percentage", "depth", "notional"))
    wanted = np.isin(np.abs(percentage), PERCENT)
    again = repeated(ts, percentage, base, usd)
    keep = wanted & ~again
    snapshots, at = np.unique(ts[keep], return_inverse=True)
    bands = np.full((len(snapshots), 2 * len(PERCENT)), np.nan)
    bands[at, np.searchsorted(_PLACES, percentage[keep])] = usd[keep]
    whole = np.isfinite(bands).all(axis=1)
    if 2 * int(whole.sum()) < len(snapshots):
        raise DataContractError(
            f"{name}: expected each snapshot with percentages −5 to 5, got {len(snapshots) - int(whole.sum())} of "
            f"{len(snapshots)} without all of them"
        )
    minute = snapshots[whole] // MINUTE_MS * MINUTE_MS
    last = np.flatnonzero(np.concatenate([minute[1:] != minute[:-1], [True]])) if len(minute) else np.empty(0, np.int64)
    found = bands[whole][last]
    bids, asks = found[:, len(PERCENT) - 1::-1], found[:, len(PERCENT):]
    return DepthBands(symbol, minute[last], *np.ascontiguousarray(np.hstack([bids, asks]).T)), int(again.sum())


def read_liquidations(
    name: str, table: pa.Table, exchange: str, symbol: str, delay_ms: int
) -> tuple[list[Liquidation], int]:
    """Liquidations with the side of the position, each once, and how many rows said the same again.

    Price and quantity are those of what was filled, as the live stream's are; of an order without a fill its own.

    Raises
    ------
    DataContractError
        Missing values, a side that is none, a price or quantity that is not above 0.
    """
    ts, side = times_ms(name, column(name, table, "time")), column(name, table, "side")
    names = ("average_price", "accumulated_fill_quantity", "price", "original_quantity")
    average, filled, price, quantity = (column(name, table, c) for c in names)
    done = (average > 0) & (filled > 0)
    price, quantity = np.where(done, average, price), np.where(done, filled, quantity)
    unknown = sorted(set(side) - _CLOSED_BY.keys())
    if unknown:
        raise DataContractError(f"{name}: expected side SELL or BUY, got {', '.join(map(str, unknown))}")
    if not ((price > 0) & (quantity > 0) & np.isfinite(price) & np.isfinite(quantity)).all():
        raise DataContractError(f"{name}: expected prices and quantities above 0, got others")
    told = dict.fromkeys(zip(ts.tolist(), side.tolist(), price.tolist(), quantity.tolist(), strict=True))
    found = [
        Liquidation(exchange, symbol, at, _CLOSED_BY[order], paid, amount, at + delay_ms) for at, order, paid, amount in told
    ]
    return sorted(found, key=lambda one: one.ts_ms), len(ts) - len(told)


_PLACES = np.array([*(-p for p in reversed(PERCENT)), *PERCENT], np.float64)


def _known(seconds: Int64, trades: AggressorTrades, before_gaps: Int64) -> np.ndarray:
    """Seconds that lie in no gap of the numbers."""
    known = np.ones(len(seconds), bool)
    for at in before_gaps:
        first, last = (int(trades.ts_ms[k]) // SECOND_MS * SECOND_MS for k in (at, at + 1))
        known &= (seconds < first) | (seconds > last)
    return known

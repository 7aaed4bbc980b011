"""The trade record of a backtest: one row per round trip, every cost in its own column.

Amounts are in units of the account's starting equity, times ms UTC. For each trade, and so for their sum,
`net = gross - fees - spread - slippage + funding` holds exactly, where `gross` is what the trade would have made at
the reference prices (bar open, or stop price) without any cost.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from huracan_platform.contracts.market import Float64

TRADE_DTYPE = np.dtype([
    ("entry_ms", np.int64), ("exit_ms", np.int64), ("side", np.int64), ("reason", np.int64),
    ("quantity", np.float64),         # base units per unit of starting equity, unsigned
    ("equity", np.float64),           # account equity when the entry was decided
    ("entry_reference", np.float64), ("entry_price", np.float64),
    ("exit_reference", np.float64), ("exit_price", np.float64),
    ("gross", np.float64), ("fees", np.float64), ("spread", np.float64), ("slippage", np.float64), ("funding", np.float64),
])
Trades = npt.NDArray[np.void]


class ExitReason(IntEnum):
    """Why a trade ended. Values under 20 are the decision kernel's own reasons."""

    TAKE_PROFIT = 8
    TIME_EXIT = 9
    STOP_ON_CLOSE = 10
    FORCED_EXIT = 11
    NATIVE_STOP = 20      # the stop that rests at the venue fired inside a bar
    END_OF_DATA = 21      # still open at the last bar: closed at its close, with costs
    RUIN = 22             # equity reached zero; the account stops trading


def net_pnl(trades: Trades) -> Float64:
    """Profit and loss after all costs, per trade, in units of starting equity."""
    net: Float64 = trades["gross"] - trades["fees"] - trades["spread"] - trades["slippage"] + trades["funding"]
    return net


def net_returns(trades: Trades) -> Float64:
    """Net profit and loss of each trade as a fraction of the equity it was decided on."""
    returns: Float64 = net_pnl(trades) / trades["equity"]
    return returns


def cost_breakdown(trades: Trades) -> dict[str, float]:
    """Sums in units of starting equity: gross, fees, spread, slippage, funding (positive = received), net."""
    parts = {name: float(trades[name].sum()) for name in ("gross", "fees", "spread", "slippage", "funding")}
    return parts | {"net": float(net_pnl(trades).sum())}

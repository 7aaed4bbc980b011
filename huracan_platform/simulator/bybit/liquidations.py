"""Liquidations as the stream tells them. `S` is the side of the position: Buy where a long was closed."""

from __future__ import annotations

from typing import Any

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.liquidation import Liquidation
from huracan_platform.simulator.exchange.orders import Side
from huracan_platform.simulator.market.bars import ListedSymbol


def own_liquidation(liquidation: Liquidation) -> dict[str, Any]:
    """One of the venue's accounts, at its bankruptcy price."""
    order, instrument = liquidation.order, liquidation.order.instrument
    return {
        "T": liquidation.time_ms, "s": instrument.symbol, "S": "Buy" if order.request.side is Side.SELL else "Sell",
        "v": plain(instrument.quantity(order.executed)), "p": plain(liquidation.bankruptcy),
    }


def other_liquidation(listed: ListedSymbol, row: int) -> dict[str, Any]:
    """One of other participants, at the price at which it traded: no other is known."""
    forced, instrument = listed.liquidations, listed.instrument
    assert forced is not None
    return {
        "T": int(forced.ts_ms[row]), "s": instrument.symbol, "S": "Buy" if forced.long[row] else "Sell",
        "v": plain(instrument.quantity(int(forced.lots[row]))), "p": plain(instrument.price(int(forced.price_ticks[row]))),
    }

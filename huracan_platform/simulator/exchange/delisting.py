"""The end of a symbol: what rests is cancelled, and positions are closed at the last price, whatever the book holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huracan_platform.simulator.exchange.liquidation import cancel_all
from huracan_platform.simulator.exchange.orders import OrderRequest, Side

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.account import Account
    from huracan_platform.simulator.exchange.matching import Matching

CLIENT_ID = "settlement_autoclose-{}"


def delist(matching: Matching, symbol: str, moment: int) -> None:
    """End the orders and positions of every account in a symbol whose trading has just ended, market ms."""
    for account in matching.accounts:
        cancel_all(matching, account, symbol, moment)
        position = account.positions.get(symbol)
        if position is not None and position.amount:
            _close(matching, account, symbol, moment)


def _close(matching: Matching, account: Account, symbol: str, moment: int) -> None:
    instrument, amount = matching.instrument(symbol), account.position(symbol).amount
    side, lots = Side.SELL if amount > 0 else Side.BUY, instrument.lots(abs(amount))
    name = CLIENT_ID.format(len(account.records.orders) + 1)
    order = matching.admit(account, OrderRequest(name, side, "MARKET", "GTC", lots, None, reduce_only=True), instrument, moment)
    account.listener.order_changed(order, "NEW", None, moment)
    matching.fill(order, instrument.ticks(matching.mark(symbol)), lots, moment, maker=False)

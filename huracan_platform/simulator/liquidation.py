"""Forced liquidation: what happens when the margin balance falls below the maintenance margin.

Every working order is cancelled, then positions are closed at market, the one that binds most margin first, until the
account is sound again. The insurance fund takes its fee, and fills up a wallet that has lost more than it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from huracan_platform.simulator.margin import bankruptcy_price, held, maintenance_of, must_be_liquidated
from huracan_platform.simulator.orders import AlgoStatus, Order, OrderRequest, Side, Status

if TYPE_CHECKING:
    from huracan_platform.simulator.account import Account
    from huracan_platform.simulator.matching import Matching

KIND = "LIQUIDATION"
CLIENT_ID = "autoclose-{}"


@dataclass(frozen=True)
class Liquidation:
    """One forced order. `bankruptcy` the price at which the account would have been worth nothing, USDT; market ms."""

    order: Order
    bankruptcy: Decimal
    time_ms: int


def liquidate(matching: Matching, account: Account, moment: int) -> None:
    """Cancel the account's orders and close its positions as far as needed."""
    for symbol in matching.resting:
        _cancel_all(matching, account, symbol, moment)
    sizes = {s: maintenance_of(account, s, mark) for s, mark in matching.marks(account).items() if s in held(account)}
    for symbol in sorted(sizes, key=lambda s: sizes[s], reverse=True):
        if must_be_liquidated(account, matching.marks(account)):
            _close(matching, account, symbol, moment)


def _cancel_all(matching: Matching, account: Account, symbol: str, moment: int) -> None:
    for order in [o for o in matching.resting[symbol] if o.account is account]:
        matching.resting[symbol].remove(order)
        matching.finish(order, Status.CANCELED, moment)
    for conditional in [c for c in matching.waiting[symbol] if c.account is account]:
        matching.waiting[symbol].remove(conditional)
        conditional.status, conditional.update_ms = AlgoStatus.CANCELED, moment
        account.listener.conditional_changed(conditional, moment)


def _close(matching: Matching, account: Account, symbol: str, moment: int) -> None:
    book = matching.book(symbol)
    amount, instrument = account.position(symbol).amount, matching.instrument(symbol)
    side = Side.SELL if amount > 0 else Side.BUY
    last = book.best_bid if side is Side.SELL else book.best_ask
    price = bankruptcy_price(account, symbol, matching.marks(account))
    ticks = last if price is None else max(1, int(price / instrument.tick))
    request = OrderRequest(
        CLIENT_ID.format(len(matching.liquidations) + 1), side, KIND, "IOC", instrument.lots(abs(amount)), ticks, reduce_only=True
    )
    order = matching.admit(account, request, instrument, moment)
    matching.liquidations.append(Liquidation(order, instrument.price(ticks), moment))
    matching.enter(order, book, moment)
    account.settle_insurance(symbol, order.quote, moment)
    account.listener.account_changed("INSURANCE_CLEAR", None, moment)

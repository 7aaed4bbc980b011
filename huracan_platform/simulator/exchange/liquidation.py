"""Forced liquidation: what happens when the margin balance falls below the maintenance margin.

In cross margin every working order of the account is cancelled, then positions are closed at market, the one that binds
most margin first, until the account is sound again. In isolated margin it is the orders of the symbol and its position
only. The insurance fund takes its fee, and fills up what has lost more than it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from huracan_platform.simulator.exchange.margin import bankruptcy_price, maintenance_of, pool_of, pools
from huracan_platform.simulator.exchange.orders import LIQUIDATION, Order, OrderRequest, Side, Status

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.account import Account
    from huracan_platform.simulator.exchange.matching import Matching

CLIENT_ID = "autoclose-{}"


@dataclass(frozen=True)
class Liquidation:
    """One forced order. `bankruptcy` the price at which the account would have been worth nothing, USDT; market ms."""

    order: Order
    bankruptcy: Decimal
    time_ms: int


def liquidate(matching: Matching, account: Account, moment: int) -> None:
    """Of every pool that falls short: cancel the orders that stand on it, and close its positions as far as needed."""
    marks = matching.marks(account)
    for pool in pools(account):
        if not pool.falls_short(marks):
            continue
        for symbol in pool.symbols if pool.isolated else matching.books:
            cancel_all(matching, account, symbol, moment)
        sizes = {s: maintenance_of(account, s, marks[s]) for s in pool.symbols}
        for symbol in sorted(sizes, key=lambda s: sizes[s], reverse=True):
            now = pool_of(account, symbol)
            if now is not None and now.falls_short(matching.marks(account)):
                _close(matching, account, symbol, moment)


def cancel_all(matching: Matching, account: Account, symbol: str, moment: int) -> None:
    """Cancel every order of an account in a symbol, also those that wait for a trigger."""
    working = account.records.working_in(symbol)
    for order in list(working.orders.values()):
        matching.withdraw(order, Status.CANCELED, moment)
    for conditional in list(working.conditionals.values()):
        matching.triggers.cancel(conditional, moment)


def _close(matching: Matching, account: Account, symbol: str, moment: int) -> None:
    book = matching.book(symbol)
    amount, instrument = account.position(symbol).amount, matching.instrument(symbol)
    side = Side.SELL if amount > 0 else Side.BUY
    price = bankruptcy_price(account, symbol, matching.marks(account))
    ticks = book.best(side.opposite) if price is None else max(1, int(price / instrument.tick))
    name, lots = CLIENT_ID.format(len(matching.liquidations) + 1), instrument.lots(abs(amount))
    request = OrderRequest(name, side, LIQUIDATION, "IOC", lots, ticks, reduce_only=True)
    order = matching.admit(account, request, instrument, moment)
    matching.liquidations.append(Liquidation(order, instrument.price(ticks), moment))
    others = account.cross_wallet if symbol in account.isolated else Decimal(0)
    matching.enter(order, moment)
    left = account.cross_wallet - others
    account.settle_insurance(symbol, order.quote, left, moment)
    account.listener.account_changed("INSURANCE_CLEAR", None, moment)

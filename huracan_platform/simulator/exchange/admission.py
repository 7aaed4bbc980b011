"""What an order needs of its account when it comes to the market, sent or triggered: margin, size, room among its orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from huracan_platform.simulator.exchange import order_rules
from huracan_platform.simulator.exchange.brackets import most_notional
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.orders import OrderRequest, Side
from huracan_platform.simulator.serving.problems import VenueRefusal

if TYPE_CHECKING:
    from huracan_platform.simulator.exchange.account import Account
    from huracan_platform.simulator.exchange.matching import Matching

TOO_LARGE = "Exceeded the maximum allowable position at current leverage."


def available(matching: Matching, account: Account) -> Decimal:
    """Margin that is free for new orders, USDT: of the cross wallet, for isolated positions too."""
    free = account.cross_available(matching.marks(account))
    for symbol, working in account.records.working.items():
        if working.value:
            free -= order_margin(matching, account, symbol)
    return free


def order_margin(matching: Matching, account: Account, symbol: str) -> Decimal:
    """Margin bound by the resting orders of a symbol, USDT; reduce-only ones bind none."""
    value = account.records.working_in(symbol).value
    return matching.instrument(symbol).value(value) / account.leverage_of(symbol) if value else Decimal(0)


def reachable(matching: Matching, account: Account, symbol: str, side: Side, more: int = 0) -> Decimal:
    """Value at the mark price of the position once all that rests on a side, and so many lots more, is filled; USDT."""
    quantity = matching.instrument(symbol).quantity(account.records.working_in(symbol).lots[side] + more)
    return (account.position(symbol).amount * side.sign + quantity) * matching.mark(symbol)


def reference(matching: Matching, request: OrderRequest, instrument: Instrument) -> Decimal:
    """The price that an order is judged by, its own or the mark, USDT; refuses one outside the price band."""
    mark = matching.mark(instrument.symbol)
    if request.price is None:
        return mark
    price = instrument.price(request.price)
    order_rules.check_band(price, request.side, mark, instrument)
    return price


def check(matching: Matching, account: Account, request: OrderRequest, instrument: Instrument, price: Decimal) -> None:
    """Refuse what the number of orders, the size of the position or the margin at its `reference` do not allow now."""
    symbol = instrument.symbol
    if len(account.records.working_in(symbol).orders) >= instrument.max_orders:
        raise VenueRefusal(-2025, "Reach max open order limit.")
    if request.reduce_only or request.close_position:
        return
    leverage = account.leverage_of(symbol)
    if reachable(matching, account, symbol, request.side, request.lots) > most_notional(leverage):
        raise VenueRefusal(-2027, TOO_LARGE)
    adding = request.lots - matching.closable(account, symbol, request.side)
    if adding > 0 and instrument.quantity(adding) * price / leverage > available(matching, account):
        raise VenueRefusal(-2019, "Margin is insufficient.")

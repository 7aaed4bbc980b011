"""What an order needs of its account when it comes to the market, sent or triggered: margin, size, room among its orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from huracan_platform.simulator import order_rules
from huracan_platform.simulator.brackets import most_notional
from huracan_platform.simulator.instruments import Instrument
from huracan_platform.simulator.orders import OrderRequest, Side
from huracan_platform.simulator.problems import VenueRefusal

if TYPE_CHECKING:
    from huracan_platform.simulator.account import Account
    from huracan_platform.simulator.matching import Matching

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


def check(matching: Matching, account: Account, request: OrderRequest, instrument: Instrument) -> None:
    """Refuse what the price band, the number of orders, the size of the position or the margin do not allow now."""
    symbol, mark = instrument.symbol, matching.mark(instrument.symbol)
    reference = mark if request.price is None else instrument.price(request.price)
    if request.price is not None:
        order_rules.check_band(reference, request.side, mark, instrument)
    if len(account.records.working_in(symbol).orders) >= instrument.max_orders:
        raise VenueRefusal(-2025, "Reach max open order limit.")
    if request.reduce_only or request.close_position:
        return
    leverage = account.leverage_of(symbol)
    if reachable(matching, account, symbol, request.side, request.lots) > most_notional(leverage):
        raise VenueRefusal(-2027, TOO_LARGE)
    adding = max(0, request.lots - matching.closable(account, symbol, request.side))
    if adding and instrument.quantity(adding) * reference / leverage > available(matching, account):
        raise VenueRefusal(-2019, "Margin is insufficient.")

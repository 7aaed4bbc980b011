"""What Bybit accepts as an order: checked by itself, then taken to the shared desk."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from huracan_platform.simulator.bybit.asked import Asked
from huracan_platform.simulator.bybit.client import BybitClient
from huracan_platform.simulator.bybit.problems import refusal, wrong
from huracan_platform.simulator.bybit.wire import FALLING, RISING, UNNAMED
from huracan_platform.simulator.exchange.instruments import Instrument
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Conditional, Order, OrderRequest, Side, Status
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal

_LINK_ID = re.compile(r"^[A-Za-z0-9_-]{1,36}$")
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TIMES_IN_FORCE = {"": "GTC", "GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "PostOnly": "GTX"}
_TRIGGERS = {"": "CONTRACT_PRICE", "LastPrice": "CONTRACT_PRICE", "MarkPrice": "MARK_PRICE"}
# Accepted, recorded and cancelled at once, where other protocols refuse.
_CANCELLED_AT_ONCE = {-5022: "EC_PostOnlyWillTakeLiquidity", -5021: "EC_NoEnoughQtyToFill"}


def read_request(sent: Asked, instrument: Instrument, unnamed: str) -> OrderRequest:
    """An order as sent, its kind LIMIT or MARKET whether it waits for a trigger or not."""
    for name in ("takeProfit", "stopLoss"):
        if sent.get(name):
            raise refusal(110057, f"{name}: set it for the position with /v5/position/trading-stop")
    if sent.get("positionIdx", "0") not in ("", "0"):
        raise wrong("position idx not match position mode")
    side, kind = _SIDES.get(sent.get("side", "")), sent.get("orderType", "").upper()
    if side is None:
        raise wrong("Side invalid")
    if kind not in ("MARKET", "LIMIT"):
        raise wrong("OrderType invalid")
    time_in_force = _TIMES_IN_FORCE.get(sent.get("timeInForce", ""))
    if time_in_force is None:
        raise wrong("TimeInForce invalid")
    market = kind == "MARKET"
    return OrderRequest(
        client_order_id=read_link_id(sent) or unnamed, side=side, kind=kind, time_in_force="GTC" if market else time_in_force,
        lots=read_quantity(sent, instrument, market=market), price=None if market else read_price(sent, "price", instrument),
        reduce_only=parameters.flag(sent, "reduceOnly") or parameters.flag(sent, "closeOnTrigger"),
    )


def read_link_id(sent: Asked) -> str:
    """The client's own id, "" where it sent none."""
    value = sent.get("orderLinkId", "")
    if value and not _LINK_ID.match(value):
        raise wrong("OrderLinkId is invalid")
    return value


def read_quantity(sent: Asked, instrument: Instrument, *, market: bool) -> int:
    """Quantity in lots, within the contract's filters."""
    quantity = parameters.decimal(sent, "qty")
    if quantity is None or quantity <= 0 or quantity % instrument.lot:
        raise wrong("Qty invalid")
    if quantity > (instrument.max_market_quantity if market else instrument.max_quantity):
        raise refusal(10001, "The number of contracts exceeds maximum limit allowed: too large")
    return instrument.lots(quantity)


def read_price(sent: Asked, name: str, instrument: Instrument) -> int:
    """A price in ticks, on the grid."""
    price = parameters.decimal(sent, name)
    if price is None or price <= 0 or price % instrument.tick:
        raise wrong(f"{name[0].upper()}{name[1:]} invalid")
    return instrument.ticks(price)


def read_trigger(sent: Asked, request: OrderRequest, instrument: Instrument, last: Decimal) -> tuple[OrderRequest, int, str]:
    """The conditional form of a request, its trigger in ticks and what it watches; refused where it lies on the wrong side."""
    ticks, direction = read_price(sent, "triggerPrice", instrument), sent.get("triggerDirection", "")
    if direction not in ("1", "2"):
        raise wrong("TriggerDirection invalid")
    watched = _TRIGGERS.get(sent.get("triggerBy", ""))
    if watched is None:
        raise wrong("TriggerBy invalid")
    rising, trigger = int(direction) == RISING, instrument.price(ticks)
    if rising and trigger <= last:
        raise refusal(110092, f"expect Rising, but trigger_price[{trigger}] <= current[{last}]")
    if not rising and trigger >= last:
        raise refusal(110093, f"expect Falling, but trigger_price[{trigger}] >= current[{last}]")
    return replace(request, kind=conditional_kind(request, RISING if rising else FALLING)), ticks, watched


def conditional_kind(request: OrderRequest, direction: int) -> str:
    """What the shared desk calls a conditional order that triggers in a direction."""
    stops = (request.side is Side.BUY) == (direction == RISING)
    name = "STOP" if stops else "TAKE_PROFIT"
    return f"{name}_MARKET" if request.price is None else name


def place(client: BybitClient, matching: Matching, sent: Asked, instrument: Instrument) -> Order | Conditional:
    """Accept an order, or refuse it. One that its time in force does not let in is recorded and cancelled."""
    matching.advance()
    records = client.account.records
    request = read_request(sent, instrument, f"{UNNAMED}{len(records.orders) + len(records.conditionals)}")
    if sent.get("triggerPrice"):
        conditional = read_trigger(sent, request, instrument, matching.mark(instrument.symbol))
        return client.desk.submit_conditional(conditional[0], instrument, conditional[1], conditional[2])
    try:
        return client.desk.submit(request, instrument)
    except VenueRefusal as refused:
        if refused.code not in _CANCELLED_AT_ONCE:
            raise
        order = matching.admit(client.account, request, instrument, matching.cursor_ms)
        client.view.reasons[order.order_id] = _CANCELLED_AT_ONCE[refused.code]
        matching.finish(order, Status.CANCELED, matching.cursor_ms)
        return order

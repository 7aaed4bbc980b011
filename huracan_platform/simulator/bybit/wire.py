"""Orders, executions, positions and the wallet as JSON objects of REST and of the private topics."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.bybit.asked import LINEAR, SETTLED_IN
from huracan_platform.simulator.exchange.account import MAKER_FEE, TAKER_FEE, rounded
from huracan_platform.simulator.exchange.orders import (
    LIQUIDATION,
    AlgoStatus,
    Conditional,
    Fill,
    Order,
    OrderRequest,
    Side,
    Status,
)

# Begins the name of an order that its client left without one: no client can send it.
UNNAMED = "#"
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_STATUSES = {
    Status.NEW: "New", Status.PARTIALLY_FILLED: "PartiallyFilled", Status.FILLED: "Filled", Status.CANCELED: "Cancelled",
    Status.EXPIRED: "Cancelled",
}
_WAITING = {AlgoStatus.NEW: "Untriggered", AlgoStatus.TRIGGERED: "Triggered"}
_TIMES_IN_FORCE = {"GTX": "PostOnly"}
RISING, FALLING = 1, 2


def wire_id(number: int) -> str:
    """An order's or execution's number in the form that the venue gives its ids."""
    return str(UUID(int=number))


def number_of(text: str) -> int:
    """The number in an id; 0 where the text is none."""
    try:
        return UUID(text).int
    except ValueError:
        return 0


def order_number(order: Order) -> int:
    """What an order is known by: one that a trigger made keeps the number of the conditional order."""
    return order.algo_id or order.order_id


def link_id(request: OrderRequest) -> str:
    """The client's own id, "" where it sent none."""
    return "" if request.client_order_id.startswith(UNNAMED) else request.client_order_id


def trigger_direction(request: OrderRequest, kind: str) -> int:
    """Where a conditional order's trigger lies: above (1) or below (2)."""
    return RISING if (request.side is Side.BUY) == kind.startswith("STOP") else FALLING


def _stop_type(request: OrderRequest, kind: str) -> str:
    if not request.close_position:
        return "Stop"
    return "StopLoss" if kind.startswith("STOP") else "TakeProfit"


def _common(order: Order | Conditional) -> dict[str, Any]:
    request, instrument = order.request, order.instrument
    market = not request.kind.startswith("LIMIT") and request.price is None
    time_in_force = "IOC" if market else _TIMES_IN_FORCE.get(request.time_in_force, request.time_in_force)
    return {
        "category": LINEAR, "symbol": instrument.symbol, "orderLinkId": link_id(request), "blockTradeId": "",
        "price": plain(instrument.price(request.price or 0)), "qty": plain(instrument.quantity(request.lots)),
        "side": SIDES[request.side], "isLeverage": "", "positionIdx": 0, "timeInForce": time_in_force,
        "orderType": "Market" if market else "Limit", "orderIv": "", "marketUnit": "", "takeProfit": "", "stopLoss": "",
        "tpslMode": "Full" if request.close_position else "", "tpLimitPrice": "", "slLimitPrice": "", "tpTriggerBy": "",
        "slTriggerBy": "", "lastPriceOnCreated": "", "reduceOnly": request.reduce_only or request.close_position,
        "closeOnTrigger": request.close_position, "placeType": "", "smpType": "None", "smpGroup": 0, "smpOrderId": "",
        "createdTime": str(order.time_ms), "updatedTime": str(order.update_ms),
        "createType": "CreateByLiq" if request.kind == LIQUIDATION else "CreateByUser",
    }


def _triggered(request: OrderRequest, kind: str | None, trigger: str) -> dict[str, Any]:
    if kind is None:
        return {"triggerPrice": "", "triggerDirection": 0, "triggerBy": "", "stopOrderType": ""}
    return {
        "triggerPrice": trigger, "triggerDirection": trigger_direction(request, kind), "triggerBy": "LastPrice",
        "stopOrderType": _stop_type(request, kind),
    }


def order_object(order: Order, fee: Decimal, reason: str = "EC_NoError") -> dict[str, Any]:
    """An ordinary order; `fee` what its executions have paid, USDT, `reason` why it was turned away."""
    instrument = order.instrument
    left = order.remaining if order.open else 0
    value = instrument.price(order.request.price or 0) * instrument.quantity(left)
    return {
        **_common(order), "orderId": wire_id(order_number(order)), "orderStatus": _STATUSES[order.status],
        "cancelType": "CancelByUser" if order.status is Status.CANCELED and reason == "EC_NoError" else "UNKNOWN",
        "rejectReason": reason, "avgPrice": plain(rounded(order.average_price)) if order.executed else "",
        "leavesQty": plain(instrument.quantity(left)), "leavesValue": plain(value),
        "cumExecQty": plain(instrument.quantity(order.executed)), "cumExecValue": plain(order.quote), "cumExecFee": plain(fee),
        "cumFeeDetail": {SETTLED_IN: plain(fee)} if order.executed else {},
        **_triggered(order.request, order.original_kind, plain(instrument.price(order.trigger or 0))),
    }


def conditional_object(conditional: Conditional, fee: Decimal) -> dict[str, Any]:
    """A conditional order, once it is triggered as the order that it became."""
    if conditional.order is not None:
        return order_object(conditional.order, fee)
    instrument, request = conditional.instrument, conditional.request
    left = request.lots if conditional.open else 0
    return {
        **_common(conditional), "orderId": wire_id(conditional.algo_id),
        "orderStatus": _WAITING.get(conditional.status, "Deactivated"), "cancelType": "UNKNOWN", "rejectReason": "EC_NoError",
        "avgPrice": "", "leavesQty": plain(instrument.quantity(left)), "leavesValue": "0",
        "cumExecQty": plain(instrument.quantity(0)), "cumExecValue": "0", "cumExecFee": "0", "cumFeeDetail": {},
        **_triggered(request, request.kind, plain(instrument.price(conditional.trigger))),
    }


def execution_object(fill: Fill, closed: Decimal) -> dict[str, Any]:
    """An execution; `closed` what of a position it closed, base units."""
    order, instrument = fill.order, fill.order.instrument
    price, quantity = instrument.price(fill.price), instrument.quantity(fill.lots)
    return {
        "category": LINEAR, "symbol": instrument.symbol, "orderId": wire_id(order_number(order)),
        "orderLinkId": link_id(order.request), "side": SIDES[order.request.side],
        "orderPrice": plain(instrument.price(order.request.price or 0)),
        "orderQty": plain(instrument.quantity(order.request.lots)), "leavesQty": plain(instrument.quantity(order.remaining)),
        "createType": "CreateByLiq" if order.request.kind == LIQUIDATION else "CreateByUser",
        "orderType": "Market" if order.request.price is None else "Limit",
        "stopOrderType": "" if order.original_kind is None else _stop_type(order.request, order.original_kind),
        "execFee": plain(fill.commission), "execFeeV2": "", "execId": wire_id(fill.trade_id), "execPrice": plain(price),
        "execQty": plain(quantity), "execPnl": plain(fill.realised),
        "execType": "BustTrade" if order.request.kind == LIQUIDATION else "Trade", "execValue": plain(price * quantity),
        "execTime": str(fill.time_ms), "feeCurrency": SETTLED_IN, "isMaker": fill.maker, "isLeverage": "0",
        "feeRate": plain(MAKER_FEE if fill.maker else TAKER_FEE), "tradeIv": "", "markIv": "", "markPrice": plain(price),
        "indexPrice": "", "underlyingPrice": "", "blockTradeId": "", "closedSize": plain(closed), "seq": fill.trade_id,
        "extraFees": "", "marketUnit": "",
    }

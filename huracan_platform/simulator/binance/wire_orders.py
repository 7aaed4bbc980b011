"""Orders, fills and positions as JSON objects of the venue's REST and user-stream messages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from huracan_platform.simulator.exchange.orders import Amendment, Conditional, Fill, Order

MODES = {"priceMatch": "NONE", "goodTillDate": 0}


def plain(amount: Decimal) -> str:
    """A decimal without exponent or trailing zeros of its own."""
    return f"{amount:f}"


def order_object(order: Order) -> dict[str, Any]:
    """An ordinary order as the REST endpoints answer it."""
    request, instrument = order.request, order.instrument
    executed = instrument.quantity_text(order.executed)
    return {
        "orderId": order.order_id, "symbol": instrument.symbol, "status": order.status,
        "clientOrderId": request.client_order_id, "price": instrument.price_text(request.price or 0),
        "avgPrice": f"{order.average_price:.8f}" if order.executed else "0.00000000",
        "origQty": instrument.quantity_text(request.lots), "executedQty": executed, "cumQty": executed,
        "cumQuote": instrument.value_text(order.value), "timeInForce": request.time_in_force, "type": request.kind,
        "reduceOnly": request.reduce_only, "closePosition": request.close_position, "side": request.side,
        "positionSide": "BOTH", "stopPrice": instrument.price_text(order.trigger or 0), "workingType": "CONTRACT_PRICE",
        "priceProtect": False, "origType": order.original_kind or request.kind, "time": order.time_ms,
        "updateTime": order.update_ms, "selfTradePreventionMode": request.self_trade, **MODES,
    }


def conditional_object(conditional: Conditional) -> dict[str, Any]:
    """A conditional order as the algoOrder endpoints answer it."""
    request, instrument, order = conditional.request, conditional.instrument, conditional.order
    return {
        "algoId": conditional.algo_id, "clientAlgoId": request.client_order_id, "algoType": "CONDITIONAL",
        "orderType": request.kind, "symbol": instrument.symbol, "side": request.side.value, "positionSide": "BOTH",
        "timeInForce": request.time_in_force, "quantity": plain(instrument.quantity(request.lots)),
        "algoStatus": conditional.status.value, "actualOrderId": str(order.order_id) if order else "",
        "actualPrice": f"{order.average_price:.8f}" if order else "0.00000000",
        "triggerPrice": plain(instrument.price(conditional.trigger)), "price": plain(instrument.price(request.price or 0)),
        "icebergQuantity": None, "workingType": conditional.working_type, "closePosition": request.close_position,
        "priceProtect": False, "reduceOnly": request.reduce_only, "createTime": conditional.time_ms,
        "updateTime": conditional.update_ms, "triggerTime": conditional.triggered_ms,
        "selfTradePreventionMode": request.self_trade.value, **MODES,
    }


def amendment_object(amendment: Amendment) -> dict[str, Any]:
    """A row of an order's amendments."""
    order, instrument = amendment.order, amendment.order.instrument
    (old_price, old_lots), (price, lots) = amendment.before, amendment.after
    return {
        "amendmentId": amendment.number, "symbol": instrument.symbol, "pair": instrument.symbol, "orderId": order.order_id,
        "clientOrderId": order.request.client_order_id, "time": amendment.time_ms,
        "amendment": {
            "price": {"before": plain(instrument.price(old_price)), "after": plain(instrument.price(price))},
            "origQty": {"before": plain(instrument.quantity(old_lots)), "after": plain(instrument.quantity(lots))},
            "count": amendment.count,
        },
        "priceMatch": "NONE",
    }


def fill_object(fill: Fill) -> dict[str, Any]:
    """A row of userTrades."""
    order, instrument = fill.order, fill.order.instrument
    return {
        "symbol": instrument.symbol, "id": fill.trade_id, "orderId": order.order_id, "side": order.request.side.value,
        "price": plain(instrument.price(fill.price)), "qty": plain(instrument.quantity(fill.lots)),
        "realizedPnl": plain(fill.realised), "marginAsset": "USDT",
        "quoteQty": plain(instrument.price(fill.price) * instrument.quantity(fill.lots)), "commission": plain(fill.commission),
        "commissionAsset": "USDT", "time": fill.time_ms, "positionSide": "BOTH", "buyer": order.request.side.sign > 0,
        "maker": fill.maker,
    }


def order_event(order: Order, execution: str, fill: Fill | None, market_ms: int) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE."""
    request, instrument = order.request, order.instrument
    body = {
        "s": instrument.symbol, "c": request.client_order_id, "S": request.side.value, "o": request.kind,
        "f": request.time_in_force, "q": plain(instrument.quantity(request.lots)),
        "p": plain(instrument.price(request.price or 0)), "ap": f"{order.average_price:.8f}",
        "sp": plain(instrument.price(order.trigger or 0)), "x": execution,
        "X": order.status.value, "i": order.order_id, "l": "0", "z": plain(instrument.quantity(order.executed)), "L": "0",
        "T": market_ms, "t": 0, "b": "0", "a": "0", "m": False, "R": request.reduce_only, "wt": "CONTRACT_PRICE",
        "ot": order.original_kind or request.kind, "ps": "BOTH", "cp": request.close_position, "rp": "0", "pP": False, "si": 0,
        "ss": 0, "V": request.self_trade.value, "pm": "NONE", "gtd": 0,
    }
    if fill is not None:
        body |= {
            "l": plain(instrument.quantity(fill.lots)), "L": plain(instrument.price(fill.price)), "N": "USDT",
            "n": plain(fill.commission), "t": fill.trade_id, "m": fill.maker, "rp": plain(fill.realised),
        }
    return {"e": "ORDER_TRADE_UPDATE", "T": market_ms, "E": market_ms, "o": body}


def trade_lite_event(fill: Fill) -> dict[str, Any]:
    """TRADE_LITE."""
    order, request, instrument = fill.order, fill.order.request, fill.order.instrument
    return {
        "e": "TRADE_LITE", "E": fill.time_ms, "T": fill.time_ms, "s": instrument.symbol,
        "q": plain(instrument.quantity(request.lots)), "p": plain(instrument.price(request.price or 0)), "m": fill.maker,
        "c": request.client_order_id, "S": request.side.value, "L": plain(instrument.price(fill.price)),
        "l": plain(instrument.quantity(fill.lots)), "t": fill.trade_id, "i": order.order_id,
    }


def conditional_event(conditional: Conditional, market_ms: int) -> dict[str, Any]:
    """ALGO_UPDATE."""
    request, instrument, order = conditional.request, conditional.instrument, conditional.order
    body = {
        "caid": request.client_order_id, "aid": conditional.algo_id, "at": "CONDITIONAL", "o": request.kind,
        "s": instrument.symbol, "S": request.side.value, "ps": "BOTH", "f": request.time_in_force,
        "q": plain(instrument.quantity(request.lots)), "X": conditional.status.value, "ai": str(order.order_id) if order else "",
        "ap": f"{order.average_price:.8f}" if order else "0", "aq": plain(instrument.quantity(order.executed)) if order else "0",
        "act": order.request.kind if order else "0", "tp": plain(instrument.price(conditional.trigger)),
        "p": plain(instrument.price(request.price or 0)), "V": request.self_trade.value, "wt": conditional.working_type,
        "pm": "NONE", "cp": request.close_position, "pP": False, "R": request.reduce_only, "tt": conditional.triggered_ms,
        "gtd": 0, "rm": conditional.refusal,
    }
    return {"e": "ALGO_UPDATE", "T": market_ms, "E": market_ms, "o": body}

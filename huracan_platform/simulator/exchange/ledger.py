"""The venue's own books, for those who check what really arrived: /control/ledger."""

from __future__ import annotations

from typing import Any

import orjson

from huracan_platform.simulator.binance.wire_orders import conditional_object, fill_object, order_object, plain
from huracan_platform.simulator.exchange.account import Account
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Conditional, Order
from huracan_platform.simulator.faults.armed import Faults


def ledger(account: Account, matching: Matching, faults: Faults) -> bytes:
    """Every order, acceptance, fill, position and balance of an account since the venue began, as JSON.

    `accepts` counts acceptances per client order id; an order that a trigger made is listed with its `algo_id` and is
    not counted again. `faults` tells every time that an armed fault struck: whom, and on what.
    Times: `accepted_wire_ms` wall time, `accepted_market_ms` market time.
    """
    matching.advance()
    records = account.records
    orders = [_order(o) for o in records.orders.values()] + [_conditional(c) for c in records.conditionals.values()]
    return orjson.dumps({
        "orders": orders,
        "accepts": dict(records.accepts),
        "faults": faults.struck,
        "fills": [
            {**fill_object(f), "client_order_id": f.order.request.client_order_id, "wire_ms": f.wire_ms} for f in records.fills
        ],
        "liquidations": [
            {"order_id": q.order.order_id, "symbol": q.order.instrument.symbol, "market_ms": q.time_ms}
            for q in matching.liquidations if q.order.account is account
        ],
        "positions": {
            s: {"amount": plain(p.amount), "entry": f"{p.entry:.8f}", "realised": plain(p.realised)}
            for s, p in account.positions.items()
        },
        "balances": {
            "USDT": {
                "wallet": plain(account.wallet), "fees_paid": plain(account.fees_paid),
                "funding_paid": plain(account.funding_paid), "insurance_paid": plain(account.insurance_paid),
            }
        },
    })


def _order(order: Order) -> dict[str, Any]:
    wire = order_object(order)
    return {
        "client_order_id": order.request.client_order_id, "order_id": order.order_id, "algo_id": order.algo_id,
        "symbol": order.instrument.symbol, "status": order.status.value, "conditional": False, "type": wire["type"],
        "side": wire["side"], "quantity": wire["origQty"], "executed": wire["executedQty"], "price": wire["price"],
        "reduce_only": order.request.reduce_only, "accepted_wire_ms": order.accepted_wire_ms, "accepted_market_ms": order.time_ms,
    }


def _conditional(conditional: Conditional) -> dict[str, Any]:
    wire, order = conditional_object(conditional), conditional.order
    return {
        "client_order_id": conditional.request.client_order_id, "order_id": order.order_id if order else None,
        "algo_id": conditional.algo_id, "symbol": conditional.instrument.symbol, "status": conditional.status.value,
        "conditional": True, "type": wire["orderType"], "side": wire["side"], "quantity": wire["quantity"],
        "trigger": wire["triggerPrice"], "price": wire["price"], "reduce_only": conditional.request.reduce_only,
        "close_position": conditional.request.close_position, "accepted_wire_ms": conditional.accepted_wire_ms,
        "accepted_market_ms": conditional.time_ms,
    }

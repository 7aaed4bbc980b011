"""Signed REST: orders, conditional orders and their trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import orjson

from huracan_platform.simulator.binance.wire_orders import amendment_object, conditional_object, fill_object, order_object
from huracan_platform.simulator.exchange.desk import OrderDesk
from huracan_platform.simulator.exchange.desk_changes import DeskChanges
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.exchange.orders import Order
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue

Sent = Mapping[str, str]
TRADES_MOST = 1_000
Row = TypeVar("Row")
_ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}


@dataclass(frozen=True)
class OrderEndpoints:
    """Orders of an account: each handler takes the signed parameters and returns the body as bytes."""

    venue: Venue
    matching: Matching
    desk: OrderDesk
    changes: DeskChanges

    def place(self, sent: Sent) -> bytes:
        """POST /fapi/v1/order"""
        return orjson.dumps(order_object(self.desk.place(sent)))

    def rehearse(self, sent: Sent) -> bytes:
        """POST /fapi/v1/order/test: checked, not placed."""
        return orjson.dumps(order_object(self.desk.rehearse(sent)))

    def amend(self, sent: Sent) -> bytes:
        """PUT /fapi/v1/order"""
        return orjson.dumps(order_object(self.changes.amend(sent)))

    def amendments(self, sent: Sent) -> bytes:
        """GET /fapi/v1/orderAmendment of one order, latest first."""
        order = self.desk.find(sent)
        found = [amendment_object(a) for a in self.changes.amendments if a.order is order]
        return orjson.dumps(found[::-1][: parameters.limit(sent, 50, 100)])

    def place_several(self, sent: Sent) -> bytes:
        """POST /fapi/v1/batchOrders"""
        return _each(self.changes.place_several(sent))

    def amend_several(self, sent: Sent) -> bytes:
        """PUT /fapi/v1/batchOrders"""
        return _each(self.changes.amend_several(sent))

    def cancel_several(self, sent: Sent) -> bytes:
        """DELETE /fapi/v1/batchOrders"""
        return _each(self.changes.cancel_several(sent))

    def countdown(self, sent: Sent) -> bytes:
        """POST /fapi/v1/countdownCancelAll"""
        symbol, countdown = self.changes.start_countdown(sent)
        return orjson.dumps({"symbol": symbol, "countdownTime": str(countdown)})

    def find(self, sent: Sent) -> bytes:
        """GET /fapi/v1/order"""
        return orjson.dumps(order_object(self.desk.find(sent)))

    def find_open(self, sent: Sent) -> bytes:
        """GET /fapi/v1/openOrder"""
        order = self.desk.find(sent)
        if not order.open:
            raise VenueRefusal(-2013, "Order does not exist.")
        return orjson.dumps(order_object(order))

    def cancel(self, sent: Sent) -> bytes:
        """DELETE /fapi/v1/order"""
        return orjson.dumps(order_object(self.desk.cancel(sent)))

    def cancel_all(self, sent: Sent) -> bytes:
        """DELETE /fapi/v1/allOpenOrders"""
        self.desk.cancel_all(parameters.text(sent, "symbol"))
        return orjson.dumps(_ALL_CANCELLED)

    def open_orders(self, sent: Sent) -> bytes:
        """GET /fapi/v1/openOrders, of one symbol or all."""
        self.matching.advance()
        symbols = self._symbols(sent)
        return orjson.dumps([order_object(o) for s in symbols for o in self.desk.resting(s)])

    def all_orders(self, sent: Sent) -> bytes:
        """GET /fapi/v1/allOrders of one symbol from orderId or startTime on, oldest first."""
        self.matching.advance()
        symbol, limit = parameters.text(sent, "symbol"), parameters.limit(sent, 500, TRADES_MOST)
        self.venue.listed(symbol)
        first_id, since, until = (parameters.integer(sent, n) for n in ("orderId", "startTime", "endTime"))
        orders, forward = self.desk.records.orders.values(), first_id is not None or since is not None
        found = (
            o for o in (orders if forward else reversed(orders))
            if o.instrument.symbol == symbol and o.order_id >= (first_id or 0) and o.time_ms >= (since or 0)
            and (until is None or o.time_ms <= until)
        )
        return orjson.dumps([order_object(o) for o in _first(found, limit, forward=forward)])

    def place_conditional(self, sent: Sent) -> bytes:
        """POST /fapi/v1/algoOrder"""
        return orjson.dumps(conditional_object(self.desk.place_conditional(sent)))

    def find_conditional(self, sent: Sent) -> bytes:
        """GET /fapi/v1/algoOrder"""
        return orjson.dumps(conditional_object(self.desk.find_conditional(sent)))

    def cancel_conditional(self, sent: Sent) -> bytes:
        """DELETE /fapi/v1/algoOrder"""
        cancelled = self.desk.cancel_conditional(sent)
        return orjson.dumps({
            "algoId": cancelled.algo_id, "clientAlgoId": cancelled.request.client_order_id, "code": "200", "msg": "success",
        })

    def cancel_all_conditional(self, sent: Sent) -> bytes:
        """DELETE /fapi/v1/algoOpenOrders"""
        self.desk.cancel_all_conditional(parameters.text(sent, "symbol"))
        return orjson.dumps(_ALL_CANCELLED)

    def open_conditionals(self, sent: Sent) -> bytes:
        """GET /fapi/v1/openAlgoOrders, of one symbol or all."""
        self.matching.advance()
        return orjson.dumps([conditional_object(c) for s in self._symbols(sent) for c in self.desk.waiting(s)])

    def all_conditionals(self, sent: Sent) -> bytes:
        """GET /fapi/v1/allAlgoOrders of one symbol, oldest first."""
        self.matching.advance()
        symbol, limit = parameters.text(sent, "symbol"), parameters.limit(sent, 500, TRADES_MOST)
        self.venue.listed(symbol)
        found = [c for c in self.desk.records.conditionals.values() if c.instrument.symbol == symbol]
        return orjson.dumps([conditional_object(c) for c in found[-limit:]])

    def _symbols(self, sent: Sent) -> list[str]:
        if not sent.get("symbol"):
            return list(self.venue.symbols)
        self.venue.listed(sent["symbol"])
        return [sent["symbol"]]

    def user_trades(self, sent: Sent) -> bytes:
        """GET /fapi/v1/userTrades of one symbol, oldest first: from `fromId` or `startTime` on, else the latest."""
        self.matching.advance()
        symbol, limit = parameters.text(sent, "symbol"), parameters.limit(sent, 500, TRADES_MOST)
        self.venue.listed(symbol)
        first_id, order_id, since, until = (parameters.integer(sent, n) for n in ("fromId", "orderId", "startTime", "endTime"))
        fills, forward = self.desk.records.fills, first_id is not None or since is not None
        rows = fills.between(first_id or 0, since or 0, until)
        found = (
            f for f in map(fills.row, rows if forward else reversed(rows))
            if f.order.instrument.symbol == symbol and (order_id is None or f.order.order_id == order_id)
        )
        return orjson.dumps([fill_object(f) for f in _first(found, limit, forward=forward)])


def _first(found: Iterator[Row], limit: int, *, forward: bool) -> list[Row]:
    """So many of them, oldest first; they come latest first where not `forward`."""
    kept = list(islice(found, limit))
    return kept if forward else kept[::-1]


def _each(outcomes: list[Order | VenueRefusal]) -> bytes:
    return orjson.dumps([
        {"code": o.code, "msg": o.message} if isinstance(o, VenueRefusal) else order_object(o) for o in outcomes
    ])

"""Signed REST: orders, conditional orders, account, positions, trades and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from huracan_platform.simulator import parameters
from huracan_platform.simulator.account import MAKER_FEE, TAKER_FEE
from huracan_platform.simulator.desk import OrderDesk
from huracan_platform.simulator.matching import Matching
from huracan_platform.simulator.problems import VenueRefusal
from huracan_platform.simulator.venue import Venue
from huracan_platform.simulator.wire_account import MOST_NOTIONAL, AccountView
from huracan_platform.simulator.wire_orders import conditional_object, fill_object, order_object

Sent = Mapping[str, str]
TRADES_MOST = 1_000
_ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}


@dataclass(frozen=True)
class OrderEndpoints:
    """Orders: each handler takes the signed parameters and returns the body as bytes."""

    venue: Venue
    matching: Matching
    desk: OrderDesk

    def place(self, sent: Sent) -> bytes:
        """POST /fapi/v1/order"""
        return orjson.dumps(order_object(self.desk.place(sent)))

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
        return orjson.dumps([order_object(o) for s in symbols for o in self.matching.resting[s]])

    def all_orders(self, sent: Sent) -> bytes:
        """GET /fapi/v1/allOrders of one symbol from orderId or startTime on, oldest first."""
        self.matching.advance()
        symbol, limit = parameters.text(sent, "symbol"), parameters.limit(sent, 500, TRADES_MOST)
        self.venue.listed(symbol)
        first_id, since, until = (parameters.integer(sent, n) for n in ("orderId", "startTime", "endTime"))
        found = [
            o for o in self.desk.orders.values()
            if o.instrument.symbol == symbol and o.order_id >= (first_id or 0) and o.time_ms >= (since or 0)
            and (until is None or o.time_ms <= until)
        ]
        kept = found[:limit] if first_id is not None or since is not None else found[-limit:]
        return orjson.dumps([order_object(o) for o in kept])

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
        return orjson.dumps([conditional_object(c) for s in self._symbols(sent) for c in self.matching.waiting[s]])

    def all_conditionals(self, sent: Sent) -> bytes:
        """GET /fapi/v1/allAlgoOrders of one symbol, oldest first."""
        self.matching.advance()
        symbol, limit = parameters.text(sent, "symbol"), parameters.limit(sent, 500, TRADES_MOST)
        self.venue.listed(symbol)
        found = [c for c in self.desk.conditionals.values() if c.instrument.symbol == symbol]
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
        found = [
            f for f in self.matching.fills
            if f.order.instrument.symbol == symbol and f.trade_id >= (first_id or 0) and f.time_ms >= (since or 0)
            and (until is None or f.time_ms <= until) and (order_id is None or f.order.order_id == order_id)
        ]
        kept = found[:limit] if first_id is not None or since is not None else found[-limit:]
        return orjson.dumps([fill_object(f) for f in kept])


@dataclass(frozen=True)
class AccountEndpoints:
    """Account, positions and settings."""

    venue: Venue
    matching: Matching
    view: AccountView

    def account_v2(self, _sent: Sent) -> bytes:
        """GET /fapi/v2/account"""
        return self._account(2)

    def account_v3(self, _sent: Sent) -> bytes:
        """GET /fapi/v3/account"""
        return self._account(3)

    def _account(self, version: int) -> bytes:
        self.matching.advance()
        return orjson.dumps(self.view.account(version))

    def balance(self, _sent: Sent) -> bytes:
        """GET /fapi/v2/balance and /fapi/v3/balance"""
        self.matching.advance()
        return orjson.dumps(self.view.balance())

    def position_risk_v2(self, sent: Sent) -> bytes:
        """GET /fapi/v2/positionRisk"""
        return self._position_risk(sent, 2)

    def position_risk_v3(self, sent: Sent) -> bytes:
        """GET /fapi/v3/positionRisk"""
        return self._position_risk(sent, 3)

    def _position_risk(self, sent: Sent, version: int) -> bytes:
        self.matching.advance()
        symbol = sent.get("symbol") or None
        if symbol is not None:
            self.venue.listed(symbol)
        return orjson.dumps(self.view.position_risk(symbol, version))

    def leverage(self, sent: Sent) -> bytes:
        """POST /fapi/v1/leverage"""
        symbol, leverage = parameters.text(sent, "symbol"), parameters.integer(sent, "leverage")
        most = self.venue.listed(symbol).instrument.max_leverage
        if leverage is None or not 1 <= leverage <= most:
            raise VenueRefusal(-4028, f"Leverage {leverage} is not valid")
        self.matching.account.leverage[symbol] = leverage
        return orjson.dumps({"leverage": leverage, "maxNotionalValue": MOST_NOTIONAL, "symbol": symbol})

    def margin_type(self, sent: Sent) -> bytes:
        """POST /fapi/v1/marginType: cross is all there is."""
        self.venue.listed(parameters.text(sent, "symbol"))
        if parameters.text(sent, "marginType") == "CROSSED":
            raise VenueRefusal(-4046, "No need to change margin type.")
        raise VenueRefusal(-4047, "Margin type cannot be changed: this venue has cross margin only.")

    def position_mode(self, _sent: Sent) -> bytes:
        """GET /fapi/v1/positionSide/dual: one-way."""
        return orjson.dumps({"dualSidePosition": False})

    def set_position_mode(self, sent: Sent) -> bytes:
        """POST /fapi/v1/positionSide/dual"""
        if parameters.flag(sent, "dualSidePosition"):
            raise VenueRefusal(-4059, "This venue has the one-way position mode only.")
        raise VenueRefusal(-4059, "No need to change position side.")

    def multi_assets(self, _sent: Sent) -> bytes:
        """GET /fapi/v1/multiAssetsMargin: single-asset."""
        return orjson.dumps({"multiAssetsMargin": False})

    def commission_rate(self, sent: Sent) -> bytes:
        """GET /fapi/v1/commissionRate"""
        symbol = parameters.text(sent, "symbol")
        self.venue.listed(symbol)
        return orjson.dumps(
            {"symbol": symbol, "makerCommissionRate": f"{MAKER_FEE:f}", "takerCommissionRate": f"{TAKER_FEE:f}"}
        )

    def symbol_config(self, sent: Sent) -> bytes:
        """GET /fapi/v1/symbolConfig"""
        return orjson.dumps([
            {
                "symbol": s, "marginType": "CROSSED", "isAutoAddMargin": False,
                "leverage": self.matching.account.leverage_of(s), "maxNotionalValue": MOST_NOTIONAL,
            }
            for s in self._symbols(sent)
        ])

    def leverage_bracket(self, sent: Sent) -> bytes:
        """GET /fapi/v1/leverageBracket: one bracket a symbol."""
        return orjson.dumps([{"symbol": s, "brackets": [self._bracket(s)]} for s in self._symbols(sent)])

    def _bracket(self, symbol: str) -> dict[str, Any]:
        instrument = self.venue.listed(symbol).instrument
        return {
            "bracket": 1, "initialLeverage": instrument.max_leverage, "notionalCap": int(MOST_NOTIONAL), "notionalFloor": 0,
            "maintMarginRatio": float(instrument.maintenance_margin), "cum": 0.0,
        }

    def _symbols(self, sent: Sent) -> list[str]:
        if not sent.get("symbol"):
            return list(self.venue.symbols)
        return [self.venue.listed(sent["symbol"]).instrument.symbol]

"""Signed REST: balances, positions, income and the account's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from huracan_platform.clock import DAY_MS
from huracan_platform.simulator.binance.wire_account import AccountView, income_object, transfer_object
from huracan_platform.simulator.binance.wire_orders import plain
from huracan_platform.simulator.exchange.account import MAKER_FEE, TAKER_FEE, Account
from huracan_platform.simulator.exchange.brackets import BRACKETS, Bracket, most_notional
from huracan_platform.simulator.exchange.margin_settings import MarginSettings
from huracan_platform.simulator.exchange.matching import Matching
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal, invalid, missing
from huracan_platform.simulator.venue import Venue

Sent = Mapping[str, str]
INCOME_MOST = 1_000
INCOME_DAYS = 7


@dataclass(frozen=True)
class AccountEndpoints:
    """Positions and settings of an account."""

    venue: Venue
    matching: Matching
    account: Account
    view: AccountView
    margin: MarginSettings

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
        self.venue.listed(symbol)
        if leverage is None or not 1 <= leverage <= BRACKETS[0].leverage:
            raise VenueRefusal(-4028, f"Leverage {leverage} is not valid")
        self.matching.advance()
        self.margin.set_leverage(symbol, leverage)
        return orjson.dumps({"leverage": leverage, "maxNotionalValue": plain(most_notional(leverage)), "symbol": symbol})

    def margin_type(self, sent: Sent) -> bytes:
        """POST /fapi/v1/marginType"""
        symbol, wanted = parameters.text(sent, "symbol"), parameters.text(sent, "marginType")
        self.venue.listed(symbol)
        if wanted not in ("ISOLATED", "CROSSED"):
            raise invalid("marginType")
        self.matching.advance()
        self.margin.set_isolated(symbol, isolated=wanted == "ISOLATED")
        return orjson.dumps({"code": 200, "msg": "success"})

    def position_margin(self, sent: Sent) -> bytes:
        """POST /fapi/v1/positionMargin: type 1 adds, 2 takes out."""
        symbol, kind = parameters.text(sent, "symbol"), parameters.integer(sent, "type")
        amount = parameters.decimal(sent, "amount")
        self.venue.listed(symbol)
        if amount is None:
            raise missing("amount")
        if kind not in (1, 2):
            raise invalid("type")
        if amount <= 0:
            raise VenueRefusal(-4055, "Amount must be positive.")
        self.matching.advance()
        self.margin.transfer_margin(symbol, amount if kind == 1 else -amount)
        return orjson.dumps({"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind})

    def position_margin_history(self, sent: Sent) -> bytes:
        """GET /fapi/v1/positionMargin/history of one symbol, latest first: what the client moved."""
        symbol, kind, limit = parameters.text(sent, "symbol"), parameters.integer(sent, "type"), parameters.limit(sent, 500, 500)
        self.venue.listed(symbol)
        since, until = parameters.integer(sent, "startTime"), parameters.integer(sent, "endTime")
        found = [
            t for t in self.account.transfers
            if t.symbol == symbol and t.time_ms >= (since or 0) and (until is None or t.time_ms <= until)
            and kind in (None, 1 if t.amount > 0 else 2)
        ]
        return orjson.dumps([transfer_object(t) for t in found[::-1][:limit]])

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
                "symbol": s, "marginType": "ISOLATED" if s in self.account.isolated else "CROSSED", "isAutoAddMargin": False,
                "leverage": self.account.leverage_of(s),
                "maxNotionalValue": plain(most_notional(self.account.leverage_of(s))),
            }
            for s in self._symbols(sent)
        ])

    def leverage_bracket(self, sent: Sent) -> bytes:
        """GET /fapi/v1/leverageBracket: of one symbol or all."""
        return orjson.dumps([{"symbol": s, "brackets": [_bracket_object(b) for b in BRACKETS]} for s in self._symbols(sent)])

    def income(self, sent: Sent) -> bytes:
        """GET /fapi/v1/income, oldest first: the last seven days unless a time is given."""
        self.matching.advance()
        limit, page = parameters.limit(sent, 100, INCOME_MOST), parameters.integer(sent, "page") or 1
        since, until = parameters.integer(sent, "startTime"), parameters.integer(sent, "endTime")
        if since is None and until is None:
            since = self.matching.cursor_ms - INCOME_DAYS * DAY_MS
        symbol, kind = sent.get("symbol"), sent.get("incomeType")
        found = [
            i for i in self.account.income
            if symbol in (None, "", i.symbol) and kind in (None, "", i.kind.value) and i.time_ms >= (since or 0)
            and (until is None or i.time_ms <= until)
        ]
        return orjson.dumps([income_object(i) for i in found[(page - 1) * limit : page * limit]])

    def _symbols(self, sent: Sent) -> list[str]:
        if not sent.get("symbol"):
            return list(self.venue.symbols)
        return [self.venue.listed(sent["symbol"]).instrument.symbol]


def _bracket_object(bracket: Bracket) -> dict[str, Any]:
    return {
        "bracket": bracket.number, "initialLeverage": bracket.leverage, "notionalCap": int(bracket.cap),
        "notionalFloor": int(bracket.floor), "maintMarginRatio": float(bracket.ratio), "cum": float(bracket.cum),
    }

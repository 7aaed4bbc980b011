"""Signed REST: what an account may do, where it stands, and what was taken from it by force."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from huracan_platform.simulator.binance.clients import Client
from huracan_platform.simulator.binance.limits import RATE_LIMITS
from huracan_platform.simulator.binance.wire_orders import order_object
from huracan_platform.simulator.exchange.orders import LIQUIDATION
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal, invalid

Sent = Mapping[str, str]
FORCED_MOST = 100


def account_configuration(_client: Client, _sent: Sent) -> bytes:
    """GET /fapi/v1/accountConfig: one-way positions, a single asset, the lowest fee tier."""
    return orjson.dumps({
        "feeTier": 0, "canTrade": True, "canDeposit": False, "canWithdraw": False, "dualSidePosition": False,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
    })


def trading_status(client: Client, _sent: Sent) -> bytes:
    """GET /fapi/v1/apiTradingStatus: no quantitative rule is ever broken here."""
    return orjson.dumps({"indicators": {}, "updateTime": client.endpoints.venue.clock.wire_ms()})


def order_limits(_client: Client, _sent: Sent) -> bytes:
    """GET /fapi/v1/rateLimit/order"""
    return orjson.dumps([limit for limit in RATE_LIMITS if limit["rateLimitType"] == "ORDERS"])


def fee_burn(_client: Client, _sent: Sent) -> bytes:
    """GET /fapi/v1/feeBurn: fees are paid in USDT."""
    return orjson.dumps({"feeBurn": False})


def set_multi_assets(_client: Client, sent: Sent) -> bytes:
    """POST /fapi/v1/multiAssetsMargin: there is one asset."""
    if parameters.flag(sent, "multiAssetsMargin"):
        raise VenueRefusal(-4167, "Unable to adjust to Multi-Assets mode: this venue has one asset.")
    raise VenueRefusal(-4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.")


def adl_quantiles(client: Client, sent: Sent) -> bytes:
    """GET /fapi/v1/adlQuantile of the positions held: the insurance fund never runs dry, so nobody is deleveraged."""
    client.endpoints.matching.advance()
    wanted = sent.get("symbol")
    if wanted:
        client.endpoints.venue.listed(wanted)
    held = [s for s, p in client.account.positions.items() if p.amount and wanted in (None, "", s)]
    return orjson.dumps([{"symbol": s, "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 0}} for s in held])


def forced_orders(client: Client, sent: Sent) -> bytes:
    """GET /fapi/v1/forceOrders: liquidations of the account, oldest first."""
    client.endpoints.matching.advance()
    symbol, kind = sent.get("symbol"), sent.get("autoCloseType")
    if kind not in (None, "", "LIQUIDATION", "ADL"):
        raise invalid("autoCloseType")
    limit = parameters.limit(sent, 50, FORCED_MOST)
    since, until = parameters.integer(sent, "startTime"), parameters.integer(sent, "endTime")
    found = [
        o for o in client.account.records.orders.values()
        if o.request.kind == LIQUIDATION and kind != "ADL" and symbol in (None, "", o.instrument.symbol)
        and o.time_ms >= (since or 0) and (until is None or o.time_ms <= until)
    ]
    return orjson.dumps([{**order_object(o), "type": "LIMIT", "origType": "LIMIT"} for o in found[-limit:]])

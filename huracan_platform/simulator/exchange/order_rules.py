"""What the venue accepts as an order: filters, prices, reduce-only, margin. Refuses with the venue's own codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from huracan_platform.simulator.exchange.instruments import MOST_PRICE, Instrument
from huracan_platform.simulator.exchange.orders import OrderRequest, SelfTrade, Side
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.serving.problems import VenueRefusal, invalid, missing

ORDINARY = ("LIMIT", "MARKET")
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX")
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
_MOST_ID_CHARACTERS = 36
_SIDES = {side.value: side for side in Side}
_SELF_TRADE = {mode.value: mode for mode in SelfTrade}


def read_side(sent: Mapping[str, str]) -> Side:
    """BUY or SELL, in the one-way position mode."""
    side = _SIDES.get(parameters.text(sent, "side"))
    if side is None:
        raise VenueRefusal(-1117, "Invalid side.")
    if sent.get("positionSide", "BOTH") != "BOTH":
        raise VenueRefusal(-4061, "Order's position side does not match user's setting.")
    return side


def read_client_id(sent: Mapping[str, str], name: str, fallback: str) -> str:
    """The client's own id, or `fallback` where none was sent."""
    value = sent.get(name) or fallback
    if len(value) > _MOST_ID_CHARACTERS:
        raise VenueRefusal(-4015, f"Client order id length should not be more than {_MOST_ID_CHARACTERS} chars.")
    if not _CLIENT_ID.fullmatch(value):
        raise VenueRefusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^{_CLIENT_ID.pattern}$'.")
    return value


def read_self_trade(sent: Mapping[str, str]) -> SelfTrade:
    """What is to happen where the order would meet one of the same account; NONE lets them trade."""
    mode = _SELF_TRADE.get(sent.get("selfTradePreventionMode") or "NONE")
    if mode is None:
        raise invalid("selfTradePreventionMode")
    return mode


def read_quantity(sent: Mapping[str, str], instrument: Instrument, *, market: bool) -> int:
    """Quantity in lots, within the lot filters."""
    lots = parameters.units(sent, "quantity", instrument.quantity_decimals)
    if lots is not None and 0 < lots <= instrument.most_lots[market]:
        return lots
    quantity = parameters.decimal(sent, "quantity")
    if quantity is None:
        raise missing("quantity")
    if quantity <= 0:
        raise VenueRefusal(-4003, "Quantity less than or equal to zero.")
    if lots is None:
        raise VenueRefusal(-1111, "Precision is over the maximum defined for this asset.")
    raise VenueRefusal(-4005, "Quantity greater than max quantity.")


def read_price(sent: Mapping[str, str], name: str, instrument: Instrument) -> int:
    """A mandatory price in ticks, on the grid."""
    ticks = parameters.units(sent, name, instrument.price_decimals)
    if ticks is not None and 0 < ticks <= instrument.most_ticks:
        return ticks
    price = parameters.decimal(sent, name)
    if price is None:
        raise missing(name)
    if price <= 0:
        raise VenueRefusal(-4001, "Price less than 0.")
    if price > MOST_PRICE:
        raise VenueRefusal(-4002, "Price greater than max price.")
    raise VenueRefusal(-1111, "Precision is over the maximum defined for this asset.")


def check_band(price: Decimal, side: Side, mark: Decimal, instrument: Instrument) -> None:
    """PERCENT_PRICE: a buy not too far above the mark price, a sell not too far below."""
    if side is Side.BUY and price > (upper := mark * instrument.band_factors[0]):
        raise VenueRefusal(-4016, f"Limit price can't be higher than {upper:.{instrument.price_decimals}f}.")
    if side is Side.SELL and price < (lower := mark * instrument.band_factors[1]):
        raise VenueRefusal(-4024, f"Limit price can't be lower than {lower:.{instrument.price_decimals}f}.")


def check_notional(request: OrderRequest, reference: Decimal, instrument: Instrument) -> None:
    """MIN_NOTIONAL, from which reduce-only orders are free."""
    if not request.reduce_only and instrument.quantity(request.lots) * reference < instrument.min_notional:
        least = instrument.min_notional
        raise VenueRefusal(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


def read_ordinary(sent: Mapping[str, str], instrument: Instrument, fallback_id: str) -> OrderRequest:
    """An ordinary order as sent, checked by itself; conditional kinds are refused with -4120."""
    kind = parameters.text(sent, "type")
    if kind in CONDITIONAL or kind == "TRAILING_STOP_MARKET":
        raise VenueRefusal(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
    if kind not in ORDINARY:
        raise VenueRefusal(-1116, "Invalid orderType.")
    side, market = read_side(sent), kind == "MARKET"
    for name in ("timeInForce", "price") if market else ():
        if sent.get(name):
            raise VenueRefusal(-1106, f"Parameter '{name}' sent when not required.")
    time_in_force = "GTC" if market else parameters.text(sent, "timeInForce")
    if time_in_force not in TIMES_IN_FORCE:
        raise VenueRefusal(-1115, "Invalid timeInForce.")
    return OrderRequest(
        read_client_id(sent, "newClientOrderId", fallback_id), side, kind, time_in_force,
        read_quantity(sent, instrument, market=market), None if market else read_price(sent, "price", instrument),
        "reduceOnly" in sent and parameters.flag(sent, "reduceOnly"), False, read_self_trade(sent),
    )


def read_conditional(sent: Mapping[str, str], instrument: Instrument, fallback_id: str) -> tuple[OrderRequest, int, str]:
    """A conditional order as sent: the request, its trigger in ticks and what the trigger watches."""
    if parameters.text(sent, "algoType") != "CONDITIONAL":
        raise VenueRefusal(-1130, "Data sent for parameter 'algoType' is not valid.")
    kind = parameters.text(sent, "type")
    if kind not in CONDITIONAL:
        raise VenueRefusal(-1116, "Invalid orderType.")
    side, market = read_side(sent), kind.endswith("MARKET")
    close_position, reduce_only = parameters.flag(sent, "closePosition"), parameters.flag(sent, "reduceOnly")
    if close_position and (not market or sent.get("quantity") or reduce_only):
        raise VenueRefusal(-4136, "Target strategy invalid for orderType or closePosition sent with quantity or reduceOnly.")
    working_type = sent.get("workingType") or "CONTRACT_PRICE"
    if working_type not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise VenueRefusal(-1130, "Data sent for parameter 'workingType' is not valid.")
    time_in_force = sent.get("timeInForce") or "GTC"
    if time_in_force not in TIMES_IN_FORCE:
        raise VenueRefusal(-1115, "Invalid timeInForce.")
    request = OrderRequest(
        client_order_id=read_client_id(sent, "clientAlgoId", fallback_id), side=side, kind=kind, time_in_force=time_in_force,
        lots=0 if close_position else read_quantity(sent, instrument, market=market),
        price=None if market else read_price(sent, "price", instrument), reduce_only=reduce_only, close_position=close_position,
        self_trade=read_self_trade(sent),
    )
    return request, read_price(sent, "triggerPrice", instrument), working_type

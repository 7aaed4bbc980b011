"""Orders as Binance USD-M writes them: raw answers to our types, and what an answer to a send proves.

Read from the raw JSON, where every amount is text: a float in between would cost exactness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from huracan_platform.contracts.order import Fill, OrderKind, OrderState, Side, VenueOrder, VenuePosition
from huracan_platform.contracts.order_life import SendResult

_STATES = {
    "NEW": OrderState.OPEN, "ACCEPTED": OrderState.OPEN, "TRIGGERING": OrderState.OPEN,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED, "FILLED": OrderState.FILLED, "CANCELED": OrderState.CANCELED,
    "CANCELLED": OrderState.CANCELED, "REJECTED": OrderState.REJECTED, "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}
# A conditional order that fired: what became of it stands in the ordinary order it turned into.
FIRED = ("TRIGGERED", "FINISHED")
_KINDS = {
    "MARKET": OrderKind.MARKET, "LIMIT": OrderKind.LIMIT, "STOP_MARKET": OrderKind.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderKind.TAKE_PROFIT_MARKET,
}

# Codes by which the venue refuses an order in so many words, given with a 4xx status. Not here, and so UNKNOWN: -1000,
# -1001, -1006, -1007 (it does not know itself), -4116 (an order with our id is there already: ours), and all others.
REJECT_CODES = frozenset({
    -1003, -1008, -1013, -1015, -1021, -1022, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1111, -1112, -1114, -1115, -1116,
    -1117, -1118, -1121, -1130, -1136, -2010, -2014, -2015, -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027,
    -2028, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4029, -4030, -4055, -4061, -4118, -4120, -4131, -4136,
    -4137, -4142, -4164, -5021, -5022, -5028,
})
NOT_FOUND_CODES = frozenset({-2013})
_CODE = re.compile(r'"code"\s*:\s*"?(-?\d+)')


def venue_code(body: str | None) -> int | None:
    """The venue's error code in a response body, None where there is none to read."""
    found = _CODE.search(body or "")
    return int(found.group(1)) if found else None


def classify_failure(*, left: bool, status: int | None, code: int | None) -> SendResult:
    """What a failed send proved. The one table of it; the default is UNKNOWN.

    Parameters
    ----------
    left
        Whether the request was handed to the network at all.
    status
        HTTP status of the answer, None where none came.
    code
        The venue's error code in the body, None where none could be read.
    """
    if not left:
        return SendResult.REJECT
    if status is not None and 400 <= status < 500 and code in REJECT_CODES:
        return SendResult.REJECT
    return SendResult.UNKNOWN


def parse_order(raw: Mapping[str, Any], symbol: str) -> VenueOrder:
    """An ordinary order.

    Raises
    ------
    KeyError, ValueError, ArithmeticError
        The answer is not an order; what it proves is for the caller to say.
    """
    return VenueOrder(
        symbol=symbol,
        client_order_id=str(raw["clientOrderId"]),
        venue_order_id=str(raw["orderId"]),
        side=Side(str(raw["side"]).lower()),
        kind=_kind(str(raw["type"])),
        state=_STATES[str(raw["status"])],
        quantity=Decimal(raw["origQty"]),
        filled=Decimal(raw["executedQty"]),
        price=_positive(raw.get("price")),
        trigger=_positive(raw.get("stopPrice")),
        reduce_only=_flag(raw.get("reduceOnly")),
        conditional=False,
    )


def parse_conditional(raw: Mapping[str, Any], symbol: str) -> VenueOrder:
    """A conditional order. One that fired is OPEN here, with the id of the ordinary order it became.

    Raises
    ------
    KeyError, ValueError, ArithmeticError
        The answer is not a conditional order.
    """
    status = str(raw["algoStatus"])
    became = str(raw.get("actualOrderId") or "")
    fired = status in FIRED
    lost = fired and became in ("", "0") and status == "FINISHED"
    return VenueOrder(
        symbol=symbol,
        client_order_id=str(raw["clientAlgoId"]),
        venue_order_id=str(raw["algoId"]),
        side=Side(str(raw["side"]).lower()),
        kind=_kind(str(raw["orderType"])),
        state=OrderState.EXPIRED if lost else OrderState.OPEN if fired else _STATES[status],
        quantity=Decimal(raw["quantity"]),
        filled=Decimal(0),
        price=_positive(raw.get("price")),
        trigger=_positive(raw.get("triggerPrice")),
        reduce_only=_flag(raw.get("reduceOnly")),
        conditional=True,
        triggered_order_id=became if became not in ("", "0") else None,
    )


def parse_fill(raw: Mapping[str, Any], venue: str, account: str, symbol: str) -> Fill:
    """One row of userTrades; it names the order by the venue's id only."""
    return Fill(
        venue=venue, account=account, symbol=symbol, trade_id=str(raw["id"]), client_order_id=None,
        venue_order_id=str(raw["orderId"]), side=Side(str(raw["side"]).lower()), quantity=Decimal(raw["qty"]),
        price=Decimal(raw["price"]), fee=Decimal(raw["commission"]), fee_asset=str(raw["commissionAsset"]),
        maker=_flag(raw["maker"]), traded_ms=int(raw["time"]),
    )


def parse_position(raw: Mapping[str, Any], symbol: str) -> VenuePosition:
    """One row of positionRisk."""
    quantity, entry, mark = Decimal(raw["positionAmt"]), Decimal(raw["entryPrice"]), Decimal(raw["markPrice"])
    return VenuePosition(symbol, quantity, entry, mark, Decimal(raw["unRealizedProfit"]))


def _kind(name: str) -> OrderKind:
    # liquidations and other kinds of the venue's own act on a position like a market order
    return _KINDS.get(name, OrderKind.MARKET)


def _positive(value: Any) -> Decimal | None:
    number = Decimal(str(value)) if value not in (None, "") else Decimal(0)
    return number if number > 0 else None


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"

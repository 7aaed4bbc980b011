"""Bybit's refusals: `retCode` and `retMsg`, with HTTP status 200 unless the address itself is turned away.

Refusals of the parts that every protocol shares have negative numbers and are told here with Bybit's own.
https://bybit-exchange.github.io/docs/v5/error
"""

from __future__ import annotations

from huracan_platform.simulator.serving.problems import VenueRefusal

_SHARED: dict[int, tuple[int, str]] = {
    -1121: (10001, "Not supported symbols"),
    -1111: (10001, "params error: price or qty is not on its grid"),
    -4001: (10001, "params error: Price invalid"),
    -4003: (10001, "params error: Qty invalid"),
    -4005: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    -2011: (110001, "order not exists or too late to cancel"),
    -2013: (110001, "order not exists or too late to cancel"),
    -4016: (110003, "Order price exceeds the allowable range."),
    -4024: (110003, "Order price exceeds the allowable range."),
    -2019: (110007, "ab not enough for new order"),
    -4045: (110009, "The number of stop orders exceeds the maximum allowable limit."),
    -2028: (110012, "Insufficient available balance."),
    -2027: (110016, "The requested quantity of contracts exceeds the risk limit."),
    -2022: (110017, "current position is zero, cannot fix reduce-only order qty"),
    -2025: (110020, "Not allowed to have more than 500 active orders."),
    -4116: (110072, "OrderLinkedID is duplicate"),
    -4108: (110074, "This contract is not live"),
    -4164: (110094, "Order does not meet minimum order value 5USDT"),
    -5027: (10001, "The order remains unchanged as the parameters entered match the existing ones."),
}


def refusal(code: int, message: str) -> VenueRefusal:
    """A refusal in the words of the protocol."""
    return VenueRefusal(code, message, 200)


def wrong(what: str) -> VenueRefusal:
    """10001: a parameter is missing or has a value that is none of its own."""
    return refusal(10001, f"params error: {what}")


def told(shared: VenueRefusal) -> tuple[int, str]:
    """`retCode` and `retMsg` of a refusal, whoever made it."""
    if shared.code > 0:
        return shared.code, shared.message
    return _SHARED.get(shared.code, (10001, f"params error: {shared.message}"))

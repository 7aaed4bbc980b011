"""The venue's refusals: code, message and HTTP status as Binance USD-M gives them."""

from __future__ import annotations


class VenueRefusal(Exception):
    """Answered to the client as `{"code": …, "msg": …}`; never an error of the venue itself."""

    def __init__(self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message, self.status, self.headers = code, message, status, headers or {}


def missing(name: str) -> VenueRefusal:
    """-1102: a mandatory parameter is absent or empty."""
    return VenueRefusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> VenueRefusal:
    """-1130: a parameter has a value that cannot be read."""
    return VenueRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_symbol() -> VenueRefusal:
    """-1121: the venue does not list it."""
    return VenueRefusal(-1121, "Invalid symbol.")


def not_trading() -> VenueRefusal:
    """-4108: the venue lists it, but it has not begun or has ended."""
    return VenueRefusal(-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.")

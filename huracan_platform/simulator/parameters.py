"""Reading request parameters, with the venue's own refusals for what is missing or malformed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from huracan_platform.simulator.problems import VenueRefusal, invalid, missing


def text(parameters: Mapping[str, str], name: str) -> str:
    """A mandatory parameter."""
    value = parameters.get(name, "")
    if not value:
        raise missing(name)
    return value


def integer(parameters: Mapping[str, str], name: str) -> int | None:
    """An optional whole number; None where it was not sent."""
    value = parameters.get(name, "")
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise invalid(name) from None


def decimal(parameters: Mapping[str, str], name: str) -> Decimal | None:
    """An optional finite, positive number; None where it was not sent."""
    value = parameters.get(name, "")
    if not value:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise invalid(name) from None
    if not number.is_finite():
        raise invalid(name)
    return number


def flag(parameters: Mapping[str, str], name: str) -> bool:
    """An optional `true` or `false`, false where it was not sent."""
    value = parameters.get(name, "false").lower()
    if value not in ("true", "false"):
        raise invalid(name)
    return value == "true"


def limit(parameters: Mapping[str, str], default: int, most: int) -> int:
    """The number of rows asked for, 1 to `most`."""
    value = integer(parameters, "limit")
    if value is None:
        return default
    if not 1 <= value <= most:
        raise VenueRefusal(-1130, f"Data sent for parameter 'limit' is not valid: expected 1 to {most}, got {value}.")
    return value

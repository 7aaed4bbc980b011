"""Reading request parameters, with the venue's own refusals for what is missing or malformed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from huracan_platform.simulator.serving.problems import VenueRefusal, invalid, missing

# What the venue reads as a number: no exponent, sign only in front, no other script's digits, no more than fits.
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


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
    if not _INTEGER.fullmatch(value):
        raise invalid(name)
    return int(value)


def decimal(parameters: Mapping[str, str], name: str) -> Decimal | None:
    """An optional number in plain digits; None where it was not sent."""
    value = parameters.get(name, "")
    if not value:
        return None
    if not _DECIMAL.fullmatch(value):
        raise invalid(name)
    return Decimal(value)


def units(parameters: Mapping[str, str], name: str, decimals: int) -> int | None:
    """A number as whole units of 10^-decimals; None where it is between two of them, is none, or was not sent."""
    value = parameters.get(name, "")
    if not _DECIMAL.fullmatch(value):
        return None
    whole, _, rest = value.partition(".")
    if len(rest) > decimals:
        if rest[decimals:].strip("0"):
            return None
        rest = rest[:decimals]
    return int(whole + rest.ljust(decimals, "0"))


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


def rows_asked(parameters: Mapping[str, str], default: int) -> int:
    """The number of rows by which a request is weighed, before it is looked at whether it is a valid one."""
    value = parameters.get("limit", "")
    return int(value) if _INTEGER.fullmatch(value) else default

"""Reading what is asked for: category, symbols, numbers of rows, times, and pages by cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from huracan_platform.simulator.bybit.problems import refusal, wrong
from huracan_platform.simulator.serving import parameters
from huracan_platform.simulator.venue import Venue

Asked = Mapping[str, str]
LINEAR = "linear"
SETTLED_IN = "USDT"
_CATEGORIES = ("linear", "inverse", "spot", "option")
_Row = TypeVar("_Row")


def category(asked: Asked) -> bool:
    """Whether linear contracts are asked for; other categories are known and empty here."""
    value = asked.get("category", "")
    if value not in _CATEGORIES:
        raise wrong("category only support spot linear inverse option" if value else "Category is required")
    return value == LINEAR


def symbol(asked: Asked, venue: Venue) -> str:
    """The one linear symbol that is asked for."""
    if not category(asked):
        raise refusal(10001, "Not supported symbols")
    name = asked.get("symbol", "")
    if not name:
        raise wrong("Symbol is required")
    return venue.listed(name).instrument.symbol


def symbols(asked: Asked, venue: Venue) -> list[str]:
    """The symbols of a list: one, those of a base coin, or all; none of another category or settlement coin."""
    if not category(asked) or asked.get("settleCoin", SETTLED_IN) != SETTLED_IN:
        return []
    if asked.get("symbol"):
        return [venue.listed(asked["symbol"]).instrument.symbol]
    base = asked.get("baseCoin", "")
    return [s for s in venue.symbols if base in ("", venue.listed(s).instrument.base)]


def rows(asked: Asked, default: int, most: int) -> int:
    """How many rows, 1 to `most`."""
    value = parameters.integer(asked, "limit")
    if value is None:
        return default
    if not 1 <= value <= most:
        raise wrong(f"limit: expected 1 to {most}, got {value}")
    return value


def window(asked: Asked, now: int, default_ms: int, longest_ms: int) -> tuple[int, int]:
    """First and last ms of a query whose missing bounds lie `default_ms` apart; refused where it is longer than allowed."""
    since, until = parameters.integer(asked, "startTime"), parameters.integer(asked, "endTime")
    if since is None:
        until = now if until is None else until
        return until - default_ms, until
    if until is None:
        return since, since + default_ms
    if not 0 <= until - since <= longest_ms:
        raise wrong(f"The time range between startTime and endTime cannot exceed {longest_ms // 86_400_000} days")
    return since, until


def page(asked: Asked, found: Sequence[_Row], limit: int) -> tuple[list[_Row], str]:
    """The rows of the page that is asked for, and the cursor of the next one ("" where there is none).

    A cursor counts rows from the last one, so that it stands still while newer rows come before it.
    """
    cursor = asked.get("cursor", "")
    if cursor and not cursor.isdecimal():
        raise wrong("cursor is invalid")
    left = min(int(cursor), len(found)) if cursor else len(found)
    first = len(found) - left
    rest = left - limit
    return list(found[first : first + limit]), str(rest) if rest > 0 else ""

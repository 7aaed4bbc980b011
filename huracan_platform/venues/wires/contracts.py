"""The catalogue of an exchange: what it calls its linear perpetuals and what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from huracan_platform.contracts.market import Listed
from huracan_platform.venues.klines import MalformedRowsError

UNBOUNDED = Decimal("Infinity")


@dataclass(frozen=True)
class Contract:
    """A linear perpetual under the exchange's own name. One contract is `base_per_contract` of base, where it counts in them."""

    market_id: str
    listed: Listed
    base_per_contract: Decimal = Decimal(1)


def catalogued(rows: Sequence[Any], read: Callable[[Any], Contract | None], what: str) -> list[Contract]:
    """The contracts among rows of an answer; `read` says None of what is no linear perpetual.

    Raises
    ------
    MalformedRowsError
        A row lacks a field, or holds something else than a number.
    """
    try:
        return [contract for row in rows if (contract := read(row)) is not None]
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise MalformedRowsError(f"{what}: expected rows of contracts, got {error!r}", rows) from None


def by_symbol(contracts: Iterable[Contract]) -> dict[str, Contract]:
    """The contract that each symbol means: of several listings the one that still trades, else the last one."""
    order = sorted(contracts, key=lambda one: (one.listed.status != "delisted", one.listed.listed_ms))
    return {one.listed.symbol: one for one in order}


def unified(client: Any, base: str, quote: str, settle: str) -> str:
    """ccxt's unified symbol of a linear perpetual."""
    base, quote, settle = (client.safe_currency_code(name) for name in (base, quote, settle))
    return f"{base}/{quote}:{settle}"


def moment(told: Any) -> int | None:
    """A time in ms; None where the exchange says 0 or nothing."""
    return int(told) or None if told not in (None, "") else None

"""The contracts that streams are asked for, by the venue's names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from huracan_platform.errors import PermanentError
from huracan_platform.logs import get_logger
from huracan_platform.venues.client import translated

_log = get_logger("venues.listed")


@dataclass(frozen=True)
class Contract:
    """A venue's contract: our symbol and how much base one of it is."""

    symbol: str
    base_per_contract: float = 1.0


async def listed_contracts(client: Any, symbols: Sequence[str], what: str) -> dict[str, Contract]:
    """The contracts of the symbols that a venue lists, by its own names; the others are left out with a warning.

    Parameters
    ----------
    client
        A pro or async client.
    what
        They are wanted for, for messages.

    Raises
    ------
    TransientError
        It does not say what it lists.
    PermanentError
        It lists none of them.
    """
    with translated(client, "exchangeInfo"):
        await client.load_markets()
    listed = {symbol: client.markets[symbol] for symbol in symbols if symbol in client.markets}
    if not listed:
        raise PermanentError(f"{what}: expected a venue that lists one of {', '.join(symbols)}, got {client.id}")
    if len(listed) < len(symbols):
        _log.warning("symbols left out", venue=client.id, of=what, symbols=sorted(set(symbols) - set(listed)))
    return {market["id"]: Contract(symbol, float(market["contractSize"] or 1.0)) for symbol, market in listed.items()}

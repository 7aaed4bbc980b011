"""What a venue lists: its linear perpetuals by symbol, asked for once."""

from __future__ import annotations

from functools import cached_property

from huracan_platform.contracts.market import Listed
from huracan_platform.errors import PermanentError
from huracan_platform.venues.wires import Wire
from huracan_platform.venues.wires.contracts import Contract, by_symbol

_SHOWN = 8


class Catalogue:
    """The linear perpetuals of the venue whose facts are kept under a name."""

    def __init__(self, wire: Wire, venue: str) -> None:
        self._wire, self._venue = wire, venue

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._by_symbol

    def __getitem__(self, symbol: str) -> Contract:
        """The contract that a symbol means now.

        Raises
        ------
        PermanentError
            There is none.
        """
        contract = self._by_symbol.get(symbol)
        if contract is None:
            known = sorted(self._by_symbol)
            shown = ", ".join(known[:_SHOWN]) + (f" … ({len(known)} in all)" if len(known) > _SHOWN else "")
            raise PermanentError(f"symbol: expected a linear perpetual of {self._venue} ({shown}), got {symbol!r}")
        return contract

    def listed(self) -> list[Listed]:
        """All of them, by symbol and time of listing."""
        return sorted((one.listed for one in self._contracts), key=lambda one: (one.symbol, one.listed_ms))

    @cached_property
    def _contracts(self) -> list[Contract]:
        return self._wire.contracts(self._venue)

    @cached_property
    def _by_symbol(self) -> dict[str, Contract]:
        return by_symbol(self._contracts)

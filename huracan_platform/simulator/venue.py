"""The venue itself: its market, clocks and identity, shared by every endpoint."""

from __future__ import annotations

import uuid

from huracan_platform.simulator.market.bars import ListedSymbol, Market
from huracan_platform.simulator.market.series import SymbolHistory
from huracan_platform.simulator.problems import bad_symbol
from huracan_platform.simulator.venue_clock import VenueClock


class Venue:
    """Market data of all listed symbols at the present market time."""

    def __init__(self, market: Market, clock: VenueClock) -> None:
        self.market, self.clock = market, clock
        self.incarnation = str(uuid.uuid4())
        self._histories: dict[str, SymbolHistory] = {s: SymbolHistory(listed) for s, listed in market.symbols.items()}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the listed symbols."""
        return tuple(self._histories)

    def history(self, symbol: str) -> SymbolHistory:
        """History of a listed symbol; refuses an unknown one as the venue does."""
        found = self._histories.get(symbol)
        if found is None:
            raise bad_symbol()
        return found

    def listed(self, symbol: str) -> ListedSymbol:
        """A listed symbol; refuses an unknown one."""
        return self.history(symbol).listed

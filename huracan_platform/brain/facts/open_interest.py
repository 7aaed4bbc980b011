"""Open interest snapshots with their versions."""

from __future__ import annotations

from collections.abc import Sequence

from huracan_platform.brain.facts.repository import FactRepository
from huracan_platform.brain.facts.table import FactTable
from huracan_platform.contracts.market import OPEN_INTEREST_COLUMNS, OpenInterest, Pin


class OpenInterestRepository(FactRepository):
    """Open interest of any venue, in contracts and USD; `ts` is the snapshot's moment, whole 5 minutes."""

    table = FactTable("open_interest", OPEN_INTEREST_COLUMNS)

    def read(
        self, venue: str, symbols: Sequence[str], start_ms: int, end_ms: int, pin: Pin | None = None
    ) -> dict[str, OpenInterest]:
        """Snapshots with start_ms ≤ ts < end_ms (ms UTC) by symbol, each in time order.

        Empty arrays where there is nothing. `pin` None reads the newest version of everything.
        """
        found = self._read(venue, symbols, start_ms, end_ms, pin or Pin())
        return {symbol: OpenInterest(symbol=symbol, **arrays) for symbol, arrays in found.items()}
